"""The choices that all discriminators share."""

from dataclasses import dataclass

from torch import nn

from synthaug.models.conditioning import CONDITIONINGS, Conditioning
from synthaug.models.dropout import Dropout
from synthaug.models.layers import CRITIC_NORMS, SLOPE, CriticLayers
from synthaug.models.minibatch import MINIBATCHES, Minibatch


@dataclass(frozen=True)
class CriticStyle:
    """How a discriminator reads labels, normalises, forgets and compares.

    Attributes
    ----------
    conditioning
        A key of ``CONDITIONINGS``.
    norm
        A key of ``CRITIC_NORMS``.
    dropout
        Which share of each layer's features is dropped in training, 0 to below 1.
    minibatch
        A key of ``MINIBATCHES``.
    """

    conditioning: str = "projection"
    norm: str = "spectral"
    dropout: float = 0.0
    minibatch: str = "none"

    @property
    def labels(self) -> Conditioning:
        """Where the label enters."""
        return CONDITIONINGS[self.conditioning]

    @property
    def layers(self) -> CriticLayers:
        """What the network is built of."""
        return CRITIC_NORMS[self.norm]

    @property
    def batch(self) -> Minibatch:
        """Where it looks at the other rows."""
        return MINIBATCHES[self.minibatch]

    def rectify(self) -> nn.Module:
        """Return what stands behind a layer that nothing normalises: a leaky rectifier, and dropout."""
        return nn.Sequential(nn.LeakyReLU(SLOPE), *self._forget())

    def finish(self, d: int, *, images: bool) -> nn.Module:
        """Return what stands behind a hidden layer of d features: its norm, a leaky rectifier, and dropout."""
        return nn.Sequential(self.layers.norm(d, images), nn.LeakyReLU(SLOPE), *self._forget())

    def _forget(self) -> list[nn.Module]:
        return [Dropout(self.dropout)] if self.dropout else []


DEFAULT_STYLE = CriticStyle()
