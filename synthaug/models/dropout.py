"""Dropout that draws from the training's own stream, so that a resumed run drops what an undisturbed one does."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Dropout of whole features of (b, d) or (b, d, h, w); the kept ones are divided by the share that is kept.

    Parameters
    ----------
    fraction
        Which share is dropped in training, 0 to below 1.

    Attributes
    ----------
    stream : torch.Generator or None
        Where randomness is drawn from; ``set_stream`` sets it, and training needs it.

    References
    ----------
    Srivastava et al., "Dropout", 2014; Tompson et al., "Efficient Object Localization Using Convolutional Networks",
    2015 (whole maps).
    """

    def __init__(self, fraction: float) -> None:
        super().__init__()
        self.kept = 1.0 - fraction
        self.stream: torch.Generator | None = None

    def forward(self, features: Tensor) -> Tensor:
        """Return the features; in training a share of them is 0."""
        if not self.training:
            return features
        assert self.stream is not None, "call set_stream before training"
        shape = (*features.shape[:2], *(1,) * (features.ndim - 2))
        mask = features.new_empty(shape).bernoulli_(self.kept, generator=self.stream)
        return features * (mask / self.kept)


def set_stream(module: nn.Module, stream: torch.Generator) -> None:
    """Let every dropout below ``module`` draw from ``stream``, which must be on the module's device."""
    for part in module.modules():
        if isinstance(part, Dropout):
            part.stream = stream
