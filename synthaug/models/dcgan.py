"""The deep convolutional GAN: transposed convolutions up, strided convolutions down, no hidden layer without them.

Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks", 2016.
Kernels of 4 for their 5, as is usual since; the widths are those of ``models/image.py``, less the full resolution,
which only the image itself has.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthaug.data.schema import ImageSchema
from synthaug.models.conditioning import CONDITIONINGS, AuxiliaryHead
from synthaug.models.image import as_pixels, map_widths, n_halvings, smallest_map
from synthaug.models.style import DEFAULT_STYLE, CriticStyle


class DeconvolutionGenerator(nn.Module):
    """Noise and labels to images.

    Parameters
    ----------
    schema
        Gives the shape (c, h, w) and the number of classes.
    noise_dim
        Length d of the noise.
    width
        Half of the channels at half the resolution; doubled at each halving, four times at the most.
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
        widths = map_widths(width, n_halvings(schema.shape))[:0:-1]
        self.code = labels.code(schema.n_classes, noise_dim)
        self.start = nn.ConvTranspose2d(d_code, widths[0], smallest_map(schema.shape), bias=False)
        self.grow = nn.ModuleList(_double(c_in, c_out, bias=False) for c_in, c_out in pairwise(widths))
        self.norms = nn.ModuleList(labels.norms[norm](d, d_code, True) for d in widths)
        self.paint = _double(widths[-1], channels, bias=True)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Return images (b, c, h, w) in [-1.1, 1.1], to be clipped, for noise (b, d) and labels (b,)."""
        code = self.code(noise, labels)
        maps = code[:, :, None, None]
        for convolve, norm in zip([self.start, *self.grow], self.norms, strict=True):
            maps = F.relu(norm(convolve(maps), code))
        return as_pixels(self.paint(maps))[:, :, : self.height, : self.width]


def _double(c_in: int, c_out: int, *, bias: bool) -> nn.Module:
    return nn.ConvTranspose2d(c_in, c_out, 4, stride=2, padding=1, bias=bias)


class StridedDiscriminator(nn.Module):
    """Images and labels to logits; the head sees the last maps with their places.

    Parameters
    ----------
    schema
        Gives the shape (c, h, w) and the number of classes.
    width
        Half of the channels at half the resolution; doubled at each halving, four times at the most.
    style
        How it reads labels, normalises, forgets and compares.
    """

    def __init__(self, schema: ImageSchema, *, width: int, style: CriticStyle = DEFAULT_STYLE) -> None:
        super().__init__()
        labels, layers, batch = style.labels, style.layers, style.batch
        channels, *sides = schema.shape
        n_levels = n_halvings(schema.shape)
        widths = [channels + labels.n_planes, *map_widths(width, n_levels)[1:]]
        read = [*widths[:-2], batch.n_before_last(widths[-2])]
        makers = [layers.convolution] + [layers.hidden_convolution] * (n_levels - 1)
        self.enter = labels.enter(schema.n_classes, (1, *sides))
        self.shrink = nn.ModuleList(
            make(c_in, c_out, 4, stride=2, padding=1)
            for make, c_in, c_out in zip(makers, read, widths[1:], strict=True)
        )
        self.finish = nn.ModuleList([style.rectify(), *(style.finish(d, images=True) for d in widths[2:])])
        d = widths[-1] * math.prod(side // 2**n_levels for side in sides)
        self.before_last, self.at_end = batch.before_last(), batch.at_end(d)
        self.judge = labels.judge(schema.n_classes, d + batch.n_at_end, layers)

    def features(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return what the head sees, (b, d), for images (b, c, h, w) in [-1, 1] and labels (b,)."""
        maps = self.enter(images, labels)
        for convolve, finish in zip(list(self.shrink)[:-1], self.finish, strict=False):
            maps = finish(convolve(maps))
        maps = self.finish[-1](self.shrink[-1](self.before_last(maps)))
        return self.at_end(maps.flatten(1))

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return logits (b,) for images (b, c, h, w) in [-1, 1] and labels (b,)."""
        return self.judge(self.features(images, labels), labels)

    def class_logits(self, images: Tensor) -> Tensor:
        """Return logits (b, n_classes) of the classes; only an auxiliary conditioning has them."""
        assert isinstance(self.judge, AuxiliaryHead)
        blind = torch.zeros(len(images), dtype=torch.int64, device=images.device)
        return self.judge.class_logits(self.features(images, blind))
