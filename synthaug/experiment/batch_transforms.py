"""The presets of classical augmentation on whole batches: what ``transform_images`` does image by image, for networks
that see every row anew in every step.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from synthaug._check import check_word
from synthaug._seed import LARGEST_SEED
from synthaug.augment.classic import transform_images

BatchTransform = Callable[[Tensor, torch.Generator], Tensor]
_SHIFT_FRACTION = 0.08
_MOST_DEGREES = 10.0
_ZOOM_FRACTION = 0.1
_LIGHT_FRACTION = 0.2  # albumentations' own limit of brightness and contrast


def as_batch_transform(transform: Any) -> BatchTransform:
    """Return what transforms a batch (b, c, h, w) in [-1, 1] by a stream: a preset of its own, or image by image.

    Parameters
    ----------
    transform
        None for nothing, or what ``transform_images`` takes.

    Raises
    ------
    ConfigError
        If there is no preset of this name.
    """
    if transform is None:
        return untouched
    if isinstance(transform, str):
        return check_word("image_transform", transform, BATCHED)

    def one_by_one(images: Tensor, stream: torch.Generator) -> Tensor:
        seed = int(torch.randint(LARGEST_SEED + 1, (1,), generator=stream))
        return transform_images(images, transform, seed=seed).clamp(-1.0, 1.0)

    return one_by_one


def untouched(images: Tensor, stream: torch.Generator) -> Tensor:
    """Return the images as they are."""
    return images


def shift(images: Tensor, stream: torch.Generator) -> Tensor:
    """Return images shifted by whole pixels, up to 8 % of each side and at least one; edges are repeated."""
    places = [_shifted_places(len(images), side, stream) for side in images.shape[2:]]
    rows = images.gather(2, places[0][:, None, :, None].expand_as(images))
    return rows.gather(3, places[1][:, None, None, :].expand_as(images))


def _shifted_places(n: int, side: int, stream: torch.Generator) -> Tensor:
    """Return where each place of a side is taken from, shape (n, side)."""
    reach = max(1, round(_SHIFT_FRACTION * side))
    moved = torch.randint(-reach, reach + 1, (n, 1), generator=stream)
    return (torch.arange(side) + moved).clamp(0, side - 1)


def affine(images: Tensor, stream: torch.Generator) -> Tensor:
    """Return images shifted by up to 8 %, turned by up to 10 degrees, zoomed by up to 10 %; edges are repeated."""
    luck = 2 * torch.rand(4, len(images), generator=stream) - 1
    angle = luck[0] * _MOST_DEGREES * torch.pi / 180
    zoom, aspect = 1 + _ZOOM_FRACTION * luck[1], images.shape[2] / images.shape[3]
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    right, down = 2 * _SHIFT_FRACTION * luck[2:]
    rows = [torch.stack([cos, -sin * aspect, right], 1), torch.stack([sin / aspect, cos, down], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def mirror(images: Tensor, stream: torch.Generator) -> Tensor:
    """Return images as ``affine`` does, half of them mirrored left to right."""
    mirrored = torch.rand(len(images), 1, 1, 1, generator=stream) < 0.5
    return affine(torch.where(mirrored, images.flip(3), images), stream)


def photo(images: Tensor, stream: torch.Generator) -> Tensor:
    """Return images as ``mirror`` does, brightness and contrast changed by up to 20 %."""
    images = mirror(images, stream)
    contrast, brightness = _LIGHT_FRACTION * (2 * torch.rand(2, len(images), 1, 1, 1, generator=stream) - 1)
    unit = (images + 1) / 2 * (1 + contrast) + brightness
    return 2 * unit.clamp(0.0, 1.0) - 1


BATCHED: dict[str, BatchTransform] = {"shift": shift, "affine": affine, "mirror": mirror, "photo": photo}
