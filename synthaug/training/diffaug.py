"""Augmentation that gradients pass through, applied alike to what the critic sees of real and synthetic images.

Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", 2020: the critic judges T(x) and T(G(z)),
so a generator gains nothing from producing augmented images, and the critic cannot learn few rows by heart. A policy
is a tuple of functions ``(images, generator) -> images``.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Augment = Callable[[Tensor, torch.Generator], Tensor]
_SHIFT_FRACTION = 1 / 8
_CUTOUT_FRACTION = 1 / 2


def translation(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images (b, c, h, w) shifted by up to an eighth of each side; what comes in is -1."""
    n, _, height, width = images.shape
    reach_y, reach_x = _reach(height), _reach(width)
    padded = F.pad(images, (reach_x, reach_x, reach_y, reach_y), value=-1.0)
    top = _integers(2 * reach_y + 1, n, generator, images.device)
    left = _integers(2 * reach_x + 1, n, generator, images.device)
    rows = top[:, None, None] + torch.arange(height, device=images.device)[:, None]
    columns = left[:, None, None] + torch.arange(width, device=images.device)
    index = torch.arange(n, device=images.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[index, rows, columns].permute(0, 3, 1, 2)


def cutout(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images (b, c, h, w) with a rectangle of half of each side set to 0, at a random place."""
    n, _, height, width = images.shape
    rows = _strip(height, n, generator, images.device)
    columns = _strip(width, n, generator, images.device)
    return images * ~(rows[:, None, :, None] & columns[:, None, None, :])


def brightness(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images (b, c, h, w) with a random number from [-0.5, 0.5] added to each."""
    shift = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device) - 0.5
    return images + shift


def contrast(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images (b, c, h, w) whose distance to their own mean is multiplied by a number from [0.5, 1.5]."""
    factor = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device) + 0.5
    mean = images.mean((1, 2, 3), keepdim=True)
    return (images - mean) * factor + mean


def _reach(side: int) -> int:
    return max(1, int(side * _SHIFT_FRACTION + 0.5))


def _integers(end: int, n: int, generator: torch.Generator, device: torch.device) -> Tensor:
    return torch.randint(end, (n,), generator=generator, device=device)


def _strip(side: int, n: int, generator: torch.Generator, device: torch.device) -> Tensor:
    length = int(side * _CUTOUT_FRACTION + 0.5)
    start = _integers(side + (1 - length % 2), n, generator, device)[:, None] - length // 2
    places = torch.arange(side, device=device)
    return (places >= start) & (places < start + length)


POLICIES: dict[str, tuple[Augment, ...]] = {
    "none": (),
    "translation": (translation,),
    "translation+cutout": (translation, cutout),
    "colour+translation+cutout": (brightness, contrast, translation, cutout),
}
