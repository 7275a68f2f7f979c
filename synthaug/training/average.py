"""A moving average of a network's weights, which is what samples are drawn from.

After b images each weight moves to ``average + (1 - β) (weight - average)``, β = 0.5 ** (b / halflife): the half-life
is counted in images, so it means the same for every batch size (Karras et al., "Analyzing and improving ...
StyleGAN", 2020). Buffers (running means of batch normalisation) are copied.
"""

import copy

import torch
from torch import nn


class MovingAverage:
    """The average of a module's weights over the images seen.

    Parameters
    ----------
    module
        The network that trains; its copy is ``self.module``.
    halflife_images
        After so many images half of the average is newer than before.
    """

    def __init__(self, module: nn.Module, *, halflife_images: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.halflife_images = halflife_images
        self._pairs = list(zip(self.module.parameters(), module.parameters(), strict=True))
        self._buffers = list(zip(self.module.buffers(), module.buffers(), strict=True))

    @torch.no_grad()
    def update(self, n_images: int) -> None:
        """Move the average on by one step that saw ``n_images`` images."""
        weight = 1.0 - 0.5 ** (n_images / self.halflife_images)
        averages, currents = map(list, zip(*self._pairs, strict=True))
        torch._foreach_lerp_(averages, currents, weight)
        for average, current in self._buffers:
            average.copy_(current)
