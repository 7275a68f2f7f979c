"""Drawn rows as pictures: pixels of any codec, sheets of many images, and animations that need no script."""

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

_GAP = 1
_BAR_HEIGHT, _BAR_COLOUR = 2, (10, 104, 168, 255)


def as_pixels(samples: "Tensor") -> np.ndarray:
    """Return samples (k, c, h, w) in [-1, 1] as uint8 pixels (k, h, w, 1 or 3).

    Channels other than one or three are averaged.
    """
    pixels = ((samples.clamp(-1, 1) + 1) * 127.5).round().permute(0, 2, 3, 1).numpy()
    grey = pixels if pixels.shape[-1] in (1, 3) else pixels.mean(axis=-1, keepdims=True)
    return grey.astype(np.uint8)


def sheet(images: np.ndarray) -> np.ndarray:
    """Return images (rows, columns, h, w, c), uint8, as one RGBA picture (H, W, 4) with transparent gaps."""
    rows, columns, height, width, _ = images.shape
    rgb = images if images.shape[-1] == 3 else images.repeat(3, axis=-1)
    spaced = np.zeros((rows, columns, height + _GAP, width + _GAP, 4), np.uint8)
    spaced[:, :, :height, :width] = np.concatenate([rgb, np.full((*rgb.shape[:-1], 1), 255, np.uint8)], axis=-1)
    return spaced.swapaxes(1, 2).reshape(rows * (height + _GAP), columns * (width + _GAP), 4)[:-_GAP, :-_GAP]


def with_bar(picture: np.ndarray, fraction: float) -> np.ndarray:
    """Return an RGBA picture (H, W, 4) with a bar below it that is full where ``fraction`` is 1."""
    bar = np.zeros((_GAP + _BAR_HEIGHT, picture.shape[1], 4), np.uint8)
    bar[_GAP:, : round(fraction * picture.shape[1])] = _BAR_COLOUR
    return np.concatenate([picture, bar])


def png(picture: np.ndarray) -> bytes:
    """Return an RGBA picture (H, W, 4), uint8, as a PNG file."""
    return animation([picture], milliseconds=[0])


def animation(pictures: Sequence[np.ndarray], *, milliseconds: Sequence[int]) -> bytes:
    """Return RGBA pictures of one size as an animated PNG that repeats for ever, each shown for its time.

    A program that knows no animated PNG shows the first picture. A single picture gives a plain PNG.
    """
    first, *others = (_image(picture) for picture in pictures)
    buffer = io.BytesIO()
    more: dict[str, Any] = {"append_images": others, "duration": list(milliseconds), "loop": 0} if others else {}
    first.save(buffer, format="png", save_all=bool(others), **more)
    return buffer.getvalue()


def data_uri(content: bytes) -> str:
    """Return a PNG file as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _image(picture: np.ndarray) -> "Image":
    from PIL import Image

    return Image.fromarray(picture)
