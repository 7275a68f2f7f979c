"""Images: the user's array of any layout, type and range <-> tensors (n, c, h, w), float32 in [-1, 1].

The range is the training rows' own: with least value l and greatest value u, a pixel p becomes 2 (p - l) / (u - l) -
1. Decoding clips to [l, u], so no drawn pixel leaves the range that was seen, and puts pixels on the grid of grey
levels that the training rows are on (whole numbers, or multiples of 1/255): else a classifier could tell synthetic
rows, and so the classes that get them, by a background of 0.03 where real ones have 0.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from synthaug._check import check_choice, check_finite_images, check_image_shape, check_image_size
from synthaug.data.container import Container
from synthaug.data.schema import ImageSchema
from synthaug.errors import ShapeError

FORMATS = ("auto", "channels_first", "channels_last")
Axes = Literal["hw", "hwc", "chw"]
_FEW_CHANNELS = 4
_GREY_STEPS = (1.0, 1 / 255)
_LOOKED_AT_ONCE = 64
_ON_THE_GRID = 1e-3  # of a step; float32 holds k / 255 to 1e-5 of one


@dataclass(frozen=True)
class ImageCodec:
    """The way between a user's images and the model's.

    Attributes
    ----------
    container
        What the images came in.
    shape
        ``(c, h, w)``.
    axes
        The order of the axes of one image: ``hw`` (grey), ``hwc`` or ``chw``.
    flat
        Whether one image comes as a row of ``c * h * w`` numbers.
    low, high
        The least and the greatest pixel of the training rows.
    step
        The distance between two grey levels; 0 where pixels take any value.
    """

    container: Container
    shape: tuple[int, int, int]
    axes: Axes
    flat: bool
    low: float
    high: float
    step: float = 0.0

    def schema(self, n_classes: int) -> ImageSchema:
        """Return what a learner is told."""
        return ImageSchema(self.shape, n_classes)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row as the user has it."""
        return (int(np.prod(self.shape)),) if self.flat else self.image_row_shape

    @property
    def image_row_shape(self) -> tuple[int, ...]:
        """The shape of one image as the user has it, flat or not."""
        return _in_order(self.shape, self.axes)

    def encode(self, images: np.ndarray) -> torch.Tensor:
        """Return images of shape (n, *row_shape) as a tensor (n, c, h, w), float32.

        Raises
        ------
        ShapeError
            If the shape differs from the one seen by ``fit``, or a pixel is not finite.
        """
        images = np.asarray(images)
        if images.shape[1:] != self.row_shape:
            raise ShapeError(
                f"images must have the shape that fit saw, (n, {', '.join(map(str, self.row_shape))}); "
                f"got {images.shape}. Resize or reorder them."
            )
        check_finite_images(images)
        ordered = _channels_first(images.reshape(len(images), *_in_order(self.shape, self.axes)), self.axes)
        scale = 2.0 / (self.high - self.low) if self.high > self.low else 1.0
        pixels = (np.asarray(ordered, dtype=np.float64) - self.low) * scale - 1.0
        return torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32))

    def decode(self, pixels: torch.Tensor) -> object:
        """Return a tensor (n, c, h, w) as images in the user's container, layout, type and range."""
        scale = (self.high - self.low) / 2.0 if self.high > self.low else 1.0
        values = (pixels.detach().cpu().numpy().astype(np.float64) + 1.0) * scale + self.low
        values = np.rint(values / self.step) * self.step if self.step else values
        ordered = _from_channels_first(np.clip(values, self.low, self.high), self.axes)
        return self.container.wrap(ordered.reshape(len(ordered), *self.row_shape))


def fit_image_codec(
    images: np.ndarray, container: Container, *, image_shape: tuple[int, ...] | None, image_format: str
) -> ImageCodec:
    """Return the codec for images of shape (n, h, w), (n, h, w, c), (n, c, h, w), or flat with ``image_shape``.

    Raises
    ------
    ShapeError
        If the layout can be read two ways, does not fit ``image_shape``, or the size is not 8 to 128 pixels.
    """
    check_choice("image_format", image_format, FORMATS)
    if image_shape is not None:
        check_image_shape(image_shape)
    flat = images.ndim == 2
    row_shape = tuple(image_shape) if flat and image_shape is not None else images.shape[1:]
    axes = read_axes(row_shape, image_format)
    shape = _channels_first_shape(row_shape, axes)
    _check_image_shape(images, image_shape, flat=flat)
    check_image_size(shape)
    low, high = _ends(images)
    return ImageCodec(container, shape, axes, flat, low, high, _grey_step(images, low, high))


def unflatten(images: np.ndarray, image_shape: tuple[int, ...] | None) -> np.ndarray:
    """Return flat rows (n, d) as images (n, *image_shape), and what is no flat row, or has no shape said, as it is.

    Raises
    ------
    ShapeError
        If ``image_shape`` is none, or has another number of pixels than a row.
    """
    if images.ndim != 2 or image_shape is None:
        return images
    check_image_shape(image_shape)
    _check_image_shape(images, image_shape, flat=True)
    return images.reshape(len(images), *image_shape)


def _ends(images: np.ndarray) -> tuple[float, float]:
    """Return the least and the greatest pixel, or raise ShapeError if one is not finite."""
    with np.errstate(invalid="ignore"):
        low, high = float(images.min()), float(images.max())
    if not np.isfinite([low, high]).all():
        check_finite_images(images)
    return low, high


def _grey_step(images: np.ndarray, low: float, high: float) -> float:
    """Return the distance of the grey levels that all pixels are on, or 0; images are looked at some at a time."""
    for step in _GREY_STEPS:
        if (high - low) / step > _ON_THE_GRID and all(
            _on_the_grid(images[start : start + _LOOKED_AT_ONCE], step)
            for start in range(0, len(images), _LOOKED_AT_ONCE)
        ):
            return step
    return 0.0


def _on_the_grid(images: np.ndarray, step: float) -> bool:
    levels = np.asarray(images, dtype=np.float64) / step
    return bool(np.abs(levels - np.rint(levels)).max() < _ON_THE_GRID)


def _check_image_shape(images: np.ndarray, image_shape: tuple[int, ...] | None, *, flat: bool) -> None:
    if image_shape is None:
        return
    if flat and int(np.prod(image_shape)) != images.shape[1]:
        raise ShapeError(
            f"image_shape must have as many pixels as a row has numbers; got {tuple(image_shape)} "
            f"({int(np.prod(image_shape))} pixels) for rows of {images.shape[1]}."
        )
    if not flat and tuple(image_shape) != images.shape[1:]:
        raise ShapeError(
            f"image_shape must agree with the images; got {tuple(image_shape)} for images of shape {images.shape[1:]}. "
            "It is needed only for rows that come flat: leave it out."
        )


def read_axes(row_shape: tuple[int, ...], image_format: str) -> Axes:
    """Return the order of the axes of one image of this shape, or raise ShapeError where it cannot be told."""
    if len(row_shape) == 2:
        return "hw"
    if len(row_shape) != 3:
        raise ShapeError(
            f"images must have shape (n, h, w), (n, h, w, c) or (n, c, h, w); got rows of shape {row_shape}. "
            "Volumes go in slice by slice (3-D generation is out of scope; read_images slices them); flat rows need "
            "image_shape=(h, w) or (h, w, c)."
        )
    if image_format != "auto":
        return "chw" if image_format == "channels_first" else "hwc"
    first, last = row_shape[0] <= _FEW_CHANNELS, row_shape[2] <= _FEW_CHANNELS
    if first == last:
        raise ShapeError(
            f"the layout of the images must be clear; got rows of shape {row_shape}, which could be read as (h, w, c) "
            "or as (c, h, w). Say image_format='channels_last' or image_format='channels_first'."
        )
    return "chw" if first else "hwc"


def _channels_first_shape(row_shape: tuple[int, ...], axes: Axes) -> tuple[int, int, int]:
    if axes == "hw":
        return (1, int(row_shape[0]), int(row_shape[1]))
    height, width, channels = (0, 1, 2) if axes == "hwc" else (1, 2, 0)
    return (int(row_shape[channels]), int(row_shape[height]), int(row_shape[width]))


def _in_order(shape: tuple[int, int, int], axes: Axes) -> tuple[int, ...]:
    channels, height, width = shape
    return {"hw": (height, width), "hwc": (height, width, channels), "chw": shape}[axes]


def _channels_first(images: np.ndarray, axes: Axes) -> np.ndarray:
    if axes == "hw":
        return images[:, None]
    return images if axes == "chw" else images.transpose(0, 3, 1, 2)


def _from_channels_first(images: np.ndarray, axes: Axes) -> np.ndarray:
    if axes == "hw":
        return images[:, 0]
    return images if axes == "chw" else images.transpose(0, 2, 3, 1)
