"""Networks for images of 8 to 128 pixels, any number of channels, not necessarily square.

The generator grows a map of about 4 x 4 by nearest-neighbour upsampling and convolutions (Odena et al.,
"Deconvolution and checkerboard artifacts", 2016) with conditional batch normalisation. The discriminator halves the
image down to about 4 x 4 with strided, spectrally normalised convolutions, sums over space and projects on the label.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthaug.data.schema import ImageSchema
from synthaug.models.conditioning import CONDITIONINGS, AuxiliaryHead
from synthaug.models.layers import SLOPE
from synthaug.models.style import DEFAULT_STYLE, CriticStyle

_SMALLEST_SIDE = 4
_MOST_WIDENING = 4
_OVERSHOOT = 1.1  # a plain tanh never reaches the ends of the range, where backgrounds are


def n_halvings(shape: tuple[int, int, int]) -> int:
    """Return how often a (c, h, w) image is halved until its shorter side is about 4."""
    return max(1, round(math.log2(min(shape[1:]) / _SMALLEST_SIDE)))


def smallest_map(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Return the sides of the map that, doubled ``n_halvings`` times, covers a (c, h, w) image."""
    scale = 2 ** n_halvings(shape)
    return math.ceil(shape[1] / scale), math.ceil(shape[2] / scale)


def as_pixels(maps: Tensor) -> Tensor:
    """Return maps of any range as pixels in [-1.1, 1.1], to be clipped."""
    return _OVERSHOOT * torch.tanh(maps)


def map_widths(width: int, n_levels: int) -> list[int]:
    """Return the channels from full resolution down to the smallest: doubled at each halving, up to four times."""
    return [width * min(_MOST_WIDENING, 2**level) for level in range(n_levels + 1)]


class ImageGenerator(nn.Module):
    """Noise and labels to images.

    Parameters
    ----------
    schema
        Gives the shape (c, h, w) and the number of classes.
    noise_dim
        Length d of the noise.
    width
        Channels at full resolution; doubled at each halving, four times at the most.
    conditioning
        How the label enters: a key of ``CONDITIONINGS``.
    norm
        ``batch`` or ``none``.
    """

    def __init__(
        self, schema: ImageSchema, *, noise_dim: int, width: int, conditioning: str = "projection", norm: str = "batch"
    ) -> None:
        super().__init__()
        channels, self.height, self.width = schema.shape
        labels = CONDITIONINGS[conditioning]
        d_code = labels.n_codes * noise_dim
        widths = map_widths(width, n_halvings(schema.shape))[::-1]
        self.start = (widths[0], *smallest_map(schema.shape))
        self.code = labels.code(schema.n_classes, noise_dim)
        self.project = nn.Linear(d_code, math.prod(self.start))
        self.grow = nn.ModuleList(nn.Conv2d(c_in, c_out, 3, padding=1, bias=False) for c_in, c_out in pairwise(widths))
        self.norms = nn.ModuleList(labels.norms[norm](d, d_code, True) for d in widths)
        self.paint = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return images (b, c, h, w) in [-1.1, 1.1], to be clipped, for noise (b, d) and labels (b,)."""
        code = self.code(noise, labels)
        maps = self.project(code).view(-1, *self.start)
        maps = F.relu(self.norms[0](maps, code))
        for convolve, norm in zip(self.grow, list(self.norms)[1:], strict=True):
            maps = F.relu(norm(convolve(F.interpolate(maps, scale_factor=2.0)), code))
        return as_pixels(self.paint(maps))[:, :, : self.height, : self.width]


class ImageEncoder(nn.Module):
    """Images to codes, blind to the label: each number of a code has mean 0 and variance 1 over a batch.

    Parameters
    ----------
    schema
        Gives the shape (c, h, w).
    code_dim
        Length of a code.
    width
        Channels at full resolution; doubled at each halving, four times at the most.
    """

    def __init__(self, schema: ImageSchema, *, code_dim: int, width: int) -> None:
        super().__init__()
        n_levels = n_halvings(schema.shape)
        widths = map_widths(width, n_levels)
        self.read = nn.Conv2d(schema.shape[0], widths[0], 3, padding=1)
        self.shrink = nn.ModuleList(nn.Conv2d(c_in, c_out, 4, stride=2, padding=1) for c_in, c_out in pairwise(widths))
        sides = [side // 2**n_levels for side in schema.shape[1:]]
        self.describe = nn.Linear(widths[-1] * math.prod(sides), code_dim)
        self.norm = nn.BatchNorm1d(code_dim, affine=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return codes (b, d) for images (b, c, h, w) in [-1, 1]."""
        maps = F.leaky_relu(self.read(images), SLOPE)
        for convolve in self.shrink:
            maps = F.leaky_relu(convolve(maps), SLOPE)
        return self.norm(self.describe(maps.flatten(1)))


class ImageDiscriminator(nn.Module):
    """Images and labels to logits.

    Parameters
    ----------
    schema
        Gives the shape (c, h, w) and the number of classes.
    width
        Channels at full resolution; doubled at each halving, four times at the most.
    style
        How it reads labels, normalises, forgets and compares.
    """

    def __init__(self, schema: ImageSchema, *, width: int, style: CriticStyle = DEFAULT_STYLE) -> None:
        super().__init__()
        labels, layers, batch = style.labels, style.layers, style.batch
        channels, *sides = schema.shape
        widths = map_widths(width, n_halvings(schema.shape))
        self.enter = labels.enter(schema.n_classes, (1, *sides))
        self.read = layers.convolution(channels + labels.n_planes, widths[0], 3, padding=1)
        self.shrink = nn.ModuleList(
            layers.hidden_convolution(c_in, c_out, 4, stride=2, padding=1) for c_in, c_out in pairwise(widths)
        )
        self.last = layers.hidden_convolution(batch.n_before_last(widths[-1]), widths[-1], 3, padding=1)
        self.judge = labels.judge(schema.n_classes, widths[-1] + batch.n_at_end, layers)
        self.rectify = style.rectify()
        self.finish = nn.ModuleList(style.finish(d, images=True) for d in [*widths[1:], widths[-1]])
        self.before_last, self.at_end = batch.before_last(), batch.at_end(widths[-1])

    def features(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return what the head sees, (b, d), for images (b, c, h, w) in [-1, 1] and labels (b,)."""
        maps = self.rectify(self.read(self.enter(images, labels)))
        for convolve, finish in zip(self.shrink, self.finish, strict=False):
            maps = finish(convolve(maps))
        maps = self.finish[-1](self.last(self.before_last(maps)))
        return self.at_end(maps.sum((2, 3)))

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return logits (b,) for images (b, c, h, w) in [-1, 1] and labels (b,)."""
        return self.judge(self.features(images, labels), labels)

    def class_logits(self, images: Tensor) -> Tensor:
        """Return logits (b, n_classes) of the classes; only an auxiliary conditioning has them."""
        assert isinstance(self.judge, AuxiliaryHead)
        blind = torch.zeros(len(images), dtype=torch.int64, device=images.device)
        return self.judge.class_logits(self.features(images, blind))
