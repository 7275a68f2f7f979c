"""Networks for images whose cost sits in matrix products: few, wide maps of few places.

Full-resolution maps of few channels cost memory traffic rather than arithmetic. So the image is folded into channels at
both edges (space to depth: Shi et al., "Real-time single image super-resolution", 2016): blocks of 2 x 2 pixels, 4 x 4
where the shorter side has 48 pixels or more. Nothing is convolved at full resolution; memory is channels-last. Maps are
halved, or doubled by pixel shuffles, until the shorter side is 8 at the most.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthaug.data.schema import ImageSchema
from synthaug.models.conditioning import CONDITIONINGS, AuxiliaryHead
from synthaug.models.image import as_pixels
from synthaug.models.layers import SLOPE
from synthaug.models.style import DEFAULT_STYLE, CriticStyle

_LARGE_SIDE = 48
_MOST_PLACES = 8
_WIDENING = 2
_BACKGROUND = -1.0


def fold_sides(shape: tuple[int, int, int]) -> tuple[int, list[tuple[int, int]]]:
    """Return the side of a block of pixels and the sides of the maps of a (c, h, w) image, the finest first."""
    block = 4 if min(shape[1:]) >= _LARGE_SIDE else 2
    sides = [(math.ceil(shape[1] / block), math.ceil(shape[2] / block))]
    while min(sides[-1]) > _MOST_PLACES:
        sides.append((math.ceil(sides[-1][0] / 2), math.ceil(sides[-1][1] / 2)))
    return block, sides


def fold(images: Tensor, block: int) -> Tensor:
    """Return images (b, c, h, w) as maps (b, c * block², h / block, w / block); what is missing at an edge is -1."""
    height, width = images.shape[2:]
    if height % block or width % block:
        images = F.pad(images, (0, -width % block, 0, -height % block), value=_BACKGROUND)
    return F.pixel_unshuffle(images, block).contiguous(memory_format=torch.channels_last)


class FastGenerator(nn.Module):
    """Noise and labels to images.

    Parameters
    ----------
    schema
        Gives the shape (c, h, w) and the number of classes.
    noise_dim
        Length d of the noise.
    width
        Half of the channels of the smallest maps; halved at each doubling, no fewer than half of ``width``.
    conditioning, norm
        How the label enters (a key of ``CONDITIONINGS``), and ``batch`` or ``none``.
    """

    def __init__(
        self, schema: ImageSchema, *, noise_dim: int, width: int, conditioning: str = "projection", norm: str = "batch"
    ) -> None:
        super().__init__()
        channels, self.height, self.width = schema.shape
        labels = CONDITIONINGS[conditioning]
        d_code = labels.n_codes * noise_dim
        self.block, sides = fold_sides(schema.shape)
        widths = [max(width // 2, _WIDENING * width // 2**level, 1) for level in range(len(sides))]
        self.start, self.sides = (widths[0], *sides[-1]), sides[-2::-1]
        self.code = labels.code(schema.n_classes, noise_dim)
        self.project = nn.Linear(d_code, math.prod(self.start))
        self.refine = nn.Conv2d(widths[0], widths[0], 3, padding=1, bias=False)
        self.grow = nn.ModuleList(nn.Conv2d(a, 4 * b, 3, padding=1, bias=False) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(labels.norms[norm](d, d_code, True) for d in [widths[0], *widths])
        self.paint = nn.Conv2d(widths[-1], channels * self.block**2, 3, padding=1)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return images (b, c, h, w) in [-1.1, 1.1], to be clipped, for noise (b, d) and labels (b,)."""
        code = self.code(noise, labels)
        maps = self.project(code).view(-1, *self.start).contiguous(memory_format=torch.channels_last)
        maps = maps + self.refine(F.relu(self.norms[0](maps, code)))
        for convolve, norm, (height, width) in zip(self.grow, list(self.norms)[1:], self.sides, strict=False):
            maps = F.pixel_shuffle(convolve(F.relu(norm(maps, code))), 2)[:, :, :height, :width]
        painted = self.paint(F.relu(self.norms[-1](maps, code)))
        return as_pixels(F.pixel_shuffle(painted, self.block).float())[:, :, : self.height, : self.width]


class FastEncoder(nn.Module):
    """Images to codes, blind to the label: each number of a code has mean 0 and variance 1 over a batch.

    Parameters
    ----------
    schema
        Gives the shape (c, h, w).
    code_dim
        Length of a code.
    width
        Channels of the finest maps; twice as many from the first halving on.
    """

    def __init__(self, schema: ImageSchema, *, code_dim: int, width: int) -> None:
        super().__init__()
        self.block, sides = fold_sides(schema.shape)
        widths = _critic_widths(width, len(sides))
        self.read = nn.Conv2d(schema.shape[0] * self.block**2, widths[0], 3, padding=1)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(widths))
        self.describe = nn.Linear(widths[-1] * math.prod(sides[-1]), code_dim)
        self.norm = nn.BatchNorm1d(code_dim, affine=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return codes (b, d), float32, for images (b, c, h, w) in [-1, 1]."""
        maps = F.leaky_relu(self.read(fold(images, self.block)), SLOPE)
        for convolve in self.shrink:
            maps = F.leaky_relu(convolve(_even(maps)), SLOPE)
        return self.norm(self.describe(maps.flatten(1)).float())


class FastDiscriminator(nn.Module):
    """Images and labels to logits.

    Parameters
    ----------
    schema
        Gives the shape (c, h, w) and the number of classes.
    width
        Channels of the finest maps; twice as many from the first halving on.
    style
        How it reads labels, normalises, forgets and compares.
    """

    def __init__(self, schema: ImageSchema, *, width: int, style: CriticStyle = DEFAULT_STYLE) -> None:
        super().__init__()
        labels, layers, batch = style.labels, style.layers, style.batch
        channels, *pixels = schema.shape
        self.block, sides = fold_sides(schema.shape)
        widths = _critic_widths(width, len(sides))
        d = widths[-1]
        self.enter = labels.enter(schema.n_classes, (1, *pixels))
        self.read = layers.convolution((channels + labels.n_planes) * self.block**2, widths[0], 3, padding=1)
        self.shrink = nn.ModuleList(
            layers.hidden_convolution(a, b, 4, stride=2, padding=1) for a, b in pairwise(widths)
        )
        self.refine = layers.hidden_convolution(d, d, 3, padding=1)
        self.last = layers.hidden_convolution(batch.n_before_last(d), d, 4, stride=2, padding=1)
        self.judge = labels.judge(schema.n_classes, d + batch.n_at_end, layers)
        self.rectify = style.rectify()
        self.finish = nn.ModuleList(style.finish(each, images=True) for each in [*widths[1:], d, d])
        self.before_last, self.at_end = batch.before_last(), batch.at_end(d)

    def features(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return what the head sees, (b, d), for images (b, c, h, w) in [-1, 1] and labels (b,)."""
        maps = self.rectify(self.read(fold(self.enter(images, labels), self.block)))
        for convolve, finish in zip(self.shrink, self.finish, strict=False):
            maps = finish(convolve(_even(maps)))
        maps = self.finish[-2](self.refine(maps))
        maps = self.finish[-1](self.last(_even(self.before_last(maps))))
        return self.at_end(maps.sum((2, 3)))

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return logits (b,) for images (b, c, h, w) in [-1, 1] and labels (b,)."""
        return self.judge(self.features(images, labels), labels)

    def class_logits(self, images: Tensor) -> Tensor:
        """Return logits (b, n_classes) of the classes; only an auxiliary conditioning has them."""
        assert isinstance(self.judge, AuxiliaryHead)
        blind = torch.zeros(len(images), dtype=torch.int64, device=images.device)
        return self.judge.class_logits(self.features(images, blind))


def _critic_widths(width: int, n_levels: int) -> list[int]:
    """Return the channels from the finest maps to the smallest."""
    return [width, *[_WIDENING * width] * (n_levels - 1)] if n_levels > 1 else [_WIDENING * width]


def _even(maps: Tensor) -> Tensor:
    """Return maps with a row or a column of zeros more where a side is odd."""
    height, width = maps.shape[2:]
    return F.pad(maps, (0, width % 2, 0, height % 2)) if height % 2 or width % 2 else maps
