"""A small convolutional classifier: two convolutions, two pools, two linear maps."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from synthaug.data.schema import ImageSchema

_FULL_SIZE = 28  # from twice this side on, the first pool takes more pixels
_DROPPED = 0.3


class ConvNet(nn.Module):
    """Images (b, c, h, w) to logits (b, n_classes); ``features`` gives what the last layer sees.

    Parameters
    ----------
    schema
        What the images are.
    width
        Maps of the first convolution; the second has twice as many, and there are four times as many features.
    """

    def __init__(self, schema: ImageSchema, width: int = 32) -> None:
        super().__init__()
        channels, height, width_pixels = schema.shape
        self.stride = max(1, min(height, width_pixels) // _FULL_SIZE)
        n_places = self._pooled(height) * self._pooled(width_pixels)
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.second = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.hidden = nn.Linear(2 * width * n_places, 4 * width)
        self.last = nn.Linear(4 * width, schema.n_classes)

    def features(self, images: Tensor) -> Tensor:
        """Return features (b, 4 * width)."""
        maps = F.relu(F.max_pool2d(self.first(images), 2 * self.stride, ceil_mode=True))
        maps = F.relu(F.max_pool2d(self.second(maps), 2, ceil_mode=True))
        return self.hidden(maps.flatten(1))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (b, n_classes)."""
        return self.last(F.dropout(F.relu(self.features(images)), _DROPPED, self.training))

    def _pooled(self, side: int) -> int:
        """Return how many places two pools leave of a side; a last one that is not full counts."""
        return math.ceil(math.ceil(side / (2 * self.stride)) / 2)
