"""Features from a fixed random network: the space in which distances are taken where no trained network may be used.

Images: zero-mean random filters on three scales, each response divided by the contrast of its patch, rectified, and
averaged over a grid; beside them the mean intensity over the same grid; all of it mixed by one random projection, which
keeps distances (Johnson and Lindenstrauss). Tables: the columns themselves and random rectified mixtures of them.

The network is a function of (schema, n_features, seed) alone, so nothing of it needs to be saved.

References
----------
Coates, Ng, "Learning Feature Representations with K-means", 2012 (patch normalisation, pooling over a grid).
Saxe et al., "On Random Weights and Unsupervised Feature Learning", 2011.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthaug._seed import torch_stream
from synthaug.data.schema import ImageSchema, Schema
from synthaug.errors import ShapeError

_N_FILTERS = 32
_GRIDS = (4, 4, 2)  # cells a side on each scale; every scale has half the pixels a side of the one before
_INTENSITY_WEIGHT = 0.25  # at 1 the mean intensities hide the filters (1-NN accuracy on MNIST falls from .83 to .80)
_BLOCK_PIXELS = 32768  # of the rows of one block: its responses stay in the cache
_LARGEST_SIDE = 32  # filters move by several pixels on larger images, so that the cost stays that of 32 x 32


class RandomFeatures(nn.Module):
    """A fixed random network: rows in, features (n, n_features) out, float32.

    Parameters
    ----------
    schema
        What the rows are: images (n, c, h, w) in [-1, 1] of any channel count and size, or tables (n, d), standardised.
    n_features
        How many features a row gets.
    seed
        Names the network. Two of the same schema, size and seed are equal; torch's global stream is not touched.

    Examples
    --------
    >>> import torch
    >>> from synthaug.data.schema import ImageSchema
    >>> from synthaug.models.features import RandomFeatures
    >>> features = RandomFeatures(ImageSchema((1, 8, 8), n_classes=10), n_features=64)
    >>> features(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 64])
    """

    def __init__(self, schema: Schema, *, n_features: int = 256, seed: int = 0) -> None:
        super().__init__()
        self.shape = tuple(schema.shape)
        self.n_features = n_features
        self.seed = seed
        generator = torch_stream(seed, "features")
        network = _ImageNetwork if isinstance(schema, ImageSchema) else _TableNetwork
        self.network = network(self.shape, n_features, generator)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of rows.

        Parameters
        ----------
        x
            Rows, shape (n, *schema.shape), float.

        Returns
        -------
        Features, shape (n, n_features), float32. Gradients reach ``x``.

        Raises
        ------
        ShapeError
            If the rows are not of the schema's shape.
        """
        if tuple(x.shape[1:]) != self.shape:
            raise ShapeError(f"rows must have shape (n, {str(self.shape)[1:-1].rstrip(',')}); got {tuple(x.shape)}.")
        return torch.cat([self.network(block.float()) for block in x.split(self.network.block_rows)])


class _ImageNetwork(nn.Module):
    """Filters, patch normalisation, rectification, pooling, projection."""

    def __init__(self, shape: tuple[int, ...], n_features: int, generator: torch.Generator) -> None:
        super().__init__()
        channels, side = shape[0], min(shape[1:])
        self.stride = max(1, side // _LARGEST_SIDE)
        self.block_rows = max(1, _BLOCK_PIXELS * self.stride**2 // (shape[1] * shape[2]))
        self.grids = [grid for scale, grid in enumerate(_GRIDS) if side >> scale >= 2]
        n_responses = channels * _GRIDS[0] ** 2
        for scale, grid in enumerate(self.grids):
            width = 5 if side >> scale >= 12 else 3
            self.register_buffer(f"filters_{scale}", _filters(channels, width, generator), persistent=False)
            n_responses += _N_FILTERS * grid**2
        projection = torch.randn(n_responses, n_features, generator=generator) / n_features**0.5
        self.register_buffer("projection", projection, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        responses = [_INTENSITY_WEIGHT * F.adaptive_avg_pool2d(images, _GRIDS[0]).flatten(1)]
        for scale, grid in enumerate(self.grids):
            filters = self.get_buffer(f"filters_{scale}")
            smaller = F.avg_pool2d(images, 2**scale, ceil_mode=True) if scale else images
            response = _normalised_response(smaller, filters, stride=max(1, self.stride >> scale)).relu()
            responses.append(F.adaptive_avg_pool2d(response, grid).flatten(1))
        return torch.cat(responses, dim=1) @ self.get_buffer("projection")


class _TableNetwork(nn.Module):
    """The columns (projected where they are many) and random rectified mixtures of them, both with equal weight."""

    block_rows = 8192

    def __init__(self, shape: tuple[int, ...], n_features: int, generator: torch.Generator) -> None:
        super().__init__()
        (width,) = shape
        n_linear = min(width, max(1, n_features // 2))
        n_rectified = n_features - n_linear
        linear = torch.randn(width, n_linear, generator=generator) / n_linear**0.5
        self.register_buffer("linear", torch.eye(width) if n_linear == width else linear, persistent=False)
        self.register_buffer("mix", torch.randn(width, n_rectified, generator=generator) / width**0.5, persistent=False)
        self.register_buffer("offset", torch.randn(n_rectified, generator=generator), persistent=False)
        self.gain = (2 * width / max(1, n_rectified)) ** 0.5

    def forward(self, rows: Tensor) -> Tensor:
        rectified = (rows @ self.get_buffer("mix") + self.get_buffer("offset")).relu()
        return torch.cat([rows @ self.get_buffer("linear"), self.gain * rectified], dim=1)


def _filters(channels: int, width: int, generator: torch.Generator) -> Tensor:
    """Return random filters (32, channels, width, width), each with mean 0 and norm 1."""
    filters = torch.randn(_N_FILTERS, channels, width, width, generator=generator)
    filters = filters - filters.mean(dim=(1, 2, 3), keepdim=True)
    return filters / filters.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()


def _normalised_response(images: Tensor, filters: Tensor, *, stride: int) -> Tensor:
    """Return the filters' responses, each divided by the contrast of its patch; flat patches stay near 0."""
    _, channels, width, _ = filters.shape
    padded = F.pad(images, (width // 2,) * 4, mode="replicate")
    mean = F.avg_pool2d(padded.mean(1, keepdim=True), width, stride)
    square = F.avg_pool2d(padded.square().mean(1, keepdim=True), width, stride)
    energy = (square - mean.square()).clamp_min(0) * channels * width**2
    return F.conv2d(padded, filters, stride=stride) / (energy + 1).sqrt()
