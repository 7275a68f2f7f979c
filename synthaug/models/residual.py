"""Residual networks.

Images: each block adds to what it got two convolutions of it, and doubles or halves the sides (Gulrajani et al.,
"Improved Training of Wasserstein GANs", 2017; with conditional norms and projection Miyato & Koyama, 2018). Tables:
each layer puts its output beside its input (Xu et al., "Modeling Tabular Data using Conditional GAN", 2019).
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthaug.data.schema import ImageSchema, TableSchema
from synthaug.models.conditioning import CONDITIONINGS, AuxiliaryHead, NormMaker
from synthaug.models.image import as_pixels, map_widths, n_halvings, smallest_map
from synthaug.models.style import DEFAULT_STYLE, CriticStyle


class GrowingBlock(nn.Module):
    """Maps and code to maps of twice the sides.

    Parameters
    ----------
    c_in, c_out
        Channels in and out.
    d_code
        Length of the code.
    norm
        Makes the norms.
    """

    def __init__(self, c_in: int, c_out: int, d_code: int, norm: NormMaker) -> None:
        super().__init__()
        self.norms = nn.ModuleList([norm(c_in, d_code, True), norm(c_out, d_code, True)])
        self.first = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)
        self.second = nn.Conv2d(c_out, c_out, 3, padding=1, bias=False)
        self.skip = nn.Conv2d(c_in, c_out, 1, bias=False)

    def forward(self, maps: Tensor, code: Tensor) -> Tensor:
        """Return maps (b, c_out, 2 h, 2 w) for maps (b, c_in, h, w) and codes (b, d_code)."""
        rest = self.first(F.interpolate(F.relu(self.norms[0](maps, code)), scale_factor=2.0))
        rest = self.second(F.relu(self.norms[1](rest, code)))
        return rest + F.interpolate(self.skip(maps), scale_factor=2.0)


class ResidualGenerator(nn.Module):
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
        d_code, norms = labels.n_codes * noise_dim, labels.norms[norm]
        widths = map_widths(width, n_halvings(schema.shape))[::-1]
        self.start = (widths[0], *smallest_map(schema.shape))
        self.code = labels.code(schema.n_classes, noise_dim)
        self.project = nn.Linear(d_code, math.prod(self.start))
        self.grow = nn.ModuleList(GrowingBlock(c_in, c_out, d_code, norms) for c_in, c_out in pairwise(widths))
        self.norm = norms(widths[-1], d_code, True)
        self.paint = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return images (b, c, h, w) in [-1.1, 1.1], to be clipped, for noise (b, d) and labels (b,)."""
        code = self.code(noise, labels)
        maps = self.project(code).view(-1, *self.start)
        for grow in self.grow:
            maps = grow(maps, code)
        return as_pixels(self.paint(F.relu(self.norm(maps, code))))[:, :, : self.height, : self.width]


class ShrinkingBlock(nn.Module):
    """Maps to maps of half the sides.

    Parameters
    ----------
    c_in, c_out
        Channels in and out.
    style
        How the discriminator normalises and forgets.
    """

    def __init__(self, c_in: int, c_out: int, style: CriticStyle) -> None:
        super().__init__()
        layers = style.layers
        self.first = layers.hidden_convolution(c_in, c_out, 3, padding=1)
        self.second = layers.convolution(c_out, c_out, 3, padding=1)
        self.skip = layers.convolution(c_in, c_out, 1)
        self.finish = nn.ModuleList([style.finish(c_in, images=True), style.finish(c_out, images=True)])

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (b, c_out, h // 2, w // 2) for maps (b, c_in, h, w)."""
        rest = self.second(self.finish[1](self.first(self.finish[0](maps))))
        return F.avg_pool2d(rest, 2) + self.skip(F.avg_pool2d(maps, 2))


class ResidualDiscriminator(nn.Module):
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
        self.shrink = nn.ModuleList(ShrinkingBlock(c_in, c_out, style) for c_in, c_out in pairwise(widths))
        self.before_last, self.at_end = batch.before_last(), batch.at_end(widths[-1])
        self.last = layers.hidden_convolution(batch.n_before_last(widths[-1]), widths[-1], 3, padding=1)
        self.finish = nn.ModuleList(style.finish(widths[-1], images=True) for _ in range(2))
        self.judge = labels.judge(schema.n_classes, widths[-1] + batch.n_at_end, layers)

    def features(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return what the head sees, (b, d), for images (b, c, h, w) in [-1, 1] and labels (b,)."""
        maps = self.read(self.enter(images, labels))
        for shrink in self.shrink:
            maps = shrink(maps)
        maps = self.finish[1](self.last(self.before_last(self.finish[0](maps))))
        return self.at_end(maps.sum((2, 3)))

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return logits (b,) for images (b, c, h, w) in [-1, 1] and labels (b,)."""
        return self.judge(self.features(images, labels), labels)

    def class_logits(self, images: Tensor) -> Tensor:
        """Return logits (b, n_classes) of the classes; only an auxiliary conditioning has them."""
        assert isinstance(self.judge, AuxiliaryHead)
        blind = torch.zeros(len(images), dtype=torch.int64, device=images.device)
        return self.judge.class_logits(self.features(images, blind))


class ResidualTableGenerator(nn.Module):
    """Noise and labels to rows: each of two hidden layers puts its output beside its input.

    Parameters
    ----------
    schema
        Gives the columns and the number of classes.
    noise_dim
        Length of the noise.
    width
        Units that each hidden layer adds.
    conditioning
        How the label enters: a key of ``CONDITIONINGS``.
    norm
        ``batch`` or ``none``.
    """

    def __init__(
        self, schema: TableSchema, *, noise_dim: int, width: int, conditioning: str = "projection", norm: str = "batch"
    ) -> None:
        super().__init__()
        labels = CONDITIONINGS[conditioning]
        d_code = labels.n_codes * noise_dim
        self.code = labels.code(schema.n_classes, noise_dim)
        self.first = nn.Linear(d_code, width, bias=False)
        self.second = nn.Linear(d_code + width, width, bias=False)
        self.norms = nn.ModuleList(labels.norms[norm](width, d_code, False) for _ in range(2))
        self.last = nn.Linear(d_code + 2 * width, schema.shape[0])

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return rows (b, d), standardised, for noise (b, noise_dim) and labels (b,)."""
        hidden = code = self.code(noise, labels)
        for linear, norm in zip([self.first, self.second], self.norms, strict=True):
            hidden = torch.cat([F.relu(norm(linear(hidden), code)), hidden], dim=1)
        return self.last(hidden)
