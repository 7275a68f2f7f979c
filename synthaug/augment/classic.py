"""Classical augmentation: random transforms of real images. The one file that imports albumentations."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthaug._check import check_word
from synthaug._seed import derive
from synthaug.errors import ShapeError

Transform = Callable[[np.ndarray], np.ndarray]
_SHIFT_FRACTION = 0.08
_MOST_DEGREES = 10.0
_ZOOM_FRACTION = 0.1
_LIGHT_FRACTION = 0.2
_REPEAT_EDGE, _LINEAR = 1, 1  # OpenCV's numbers


def shift(shape: tuple[int, int, int]) -> Any:
    """Return an albumentations transform: a shift by up to 8 % of each side, at least a pixel; edges are repeated.

    No flip and no rotation: both can change what an image means.
    """
    albumentations = _albumentations()
    reach = {axis: max(1, round(_SHIFT_FRACTION * side)) for axis, side in (("y", shape[1]), ("x", shape[2]))}
    moved = {axis: (-pixels, pixels) for axis, pixels in reach.items()}
    affine = albumentations.Affine(translate_px=moved, interpolation=0, border_mode=_REPEAT_EDGE, p=1.0)
    return albumentations.Compose([affine])


def affine(shape: tuple[int, int, int]) -> Any:
    """Return an albumentations transform: shift by up to 8 % of each side, rotation by up to 10 degrees, zoom by up to
    10 %; edges are repeated.
    """
    return _albumentations().Compose([_affine()])


def mirror(shape: tuple[int, int, int]) -> Any:
    """Return an albumentations transform for anatomy whose sides may be exchanged: ``affine``, half of the images
    mirrored left to right, and no change of light, for intensity may be a finding.
    """
    return _albumentations().Compose([_affine(), _albumentations().HorizontalFlip(p=0.5)])


def photo(shape: tuple[int, int, int]) -> Any:
    """Return an albumentations transform for what may be mirrored: ``affine``, half of the images mirrored left to
    right, brightness and contrast changed by up to 20 %.
    """
    albumentations = _albumentations()
    light = albumentations.RandomBrightnessContrast(_LIGHT_FRACTION, _LIGHT_FRACTION, p=1.0)
    return albumentations.Compose([_affine(), albumentations.HorizontalFlip(p=0.5), light])


def _affine() -> Any:
    moved = (-_SHIFT_FRACTION, _SHIFT_FRACTION)
    return _albumentations().Affine(
        scale=(1.0 - _ZOOM_FRACTION, 1.0 + _ZOOM_FRACTION),
        translate_percent={"x": moved, "y": moved},
        rotate=(-_MOST_DEGREES, _MOST_DEGREES),
        keep_ratio=True,
        interpolation=_LINEAR,
        border_mode=_REPEAT_EDGE,
        p=1.0,
    )


def _albumentations() -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations

    return albumentations


PRESETS: dict[str, Callable[[tuple[int, int, int]], Any]] = {
    "shift": shift,
    "affine": affine,
    "mirror": mirror,
    "photo": photo,
}
MIRRORING = ("mirror", "photo")


def transform_images(images: Tensor, transform: Any, *, seed: int) -> Tensor:
    """Return each image transformed once at random.

    Parameters
    ----------
    images
        Shape (n, c, h, w), float32 in [-1, 1].
    transform
        None for nothing, a preset's name (``shift``, ``affine``, ``mirror``, ``photo``), an albumentations transform, a
        torch module of (c, h, w) tensors such as torchvision's, or any function of one image (h, w, c), float32 in
        [0, 1].
    seed
        Decides the transforms where they are albumentations' or a torch module's; a function has its own randomness.

    Raises
    ------
    ConfigError
        If there is no preset of this name.
    ShapeError
        If a transform changes an image's shape.
    """
    if transform is None:
        return images
    if isinstance(transform, str):
        transform = check_word("transform", transform, PRESETS)((images.shape[1], images.shape[2], images.shape[3]))
    unit = (images + 1.0) / 2.0
    if isinstance(transform, torch.nn.Module):
        with torch.random.fork_rng(devices=[]):
            torch.random.default_generator.manual_seed(derive(seed, "transform"))
            return torch.stack([_checked(transform(image), image.shape) for image in unit]) * 2.0 - 1.0
    one = _as_function(transform, seed)
    rows = unit.permute(0, 2, 3, 1).contiguous().numpy()
    moved = (np.ascontiguousarray(one(row.copy()), dtype=np.float32) for row in rows)
    shaped = [_checked(torch.from_numpy(row), rows[0].shape) for row in moved]
    return torch.stack(shaped).permute(0, 3, 1, 2) * 2.0 - 1.0


def _checked(image: Tensor, shape: tuple[int, ...]) -> Tensor:
    if [side for side in image.shape if side > 1] != [side for side in shape if side > 1]:
        raise ShapeError(
            f"a transform must keep the shape of an image, {tuple(shape)}; got {tuple(image.shape)}. "
            "Leave resizing out, and what moves axes (ToTensorV2)."
        )
    return image.reshape(shape)


def _as_function(transform: Any, seed: int) -> Transform:
    if not hasattr(transform, "set_random_seed"):
        return transform
    transform.set_random_seed(derive(seed, "transform") % 2**32)
    return lambda image: transform(image=image)["image"]
