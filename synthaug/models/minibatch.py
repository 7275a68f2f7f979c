"""What a discriminator may see of the other rows of its batch, so that rows too much alike give themselves away."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_EPSILON = 1e-8
_PACK = 4
_N_KERNELS = 16
_KERNEL_DIM = 8


class MinibatchDeviation(nn.Module):
    """The batch's standard deviation, averaged over features and places, as one more feature of every row.

    References
    ----------
    Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation", 2018.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return (b, d + 1, ...) for features (b, d, ...)."""
        deviation = (features.var(0, correction=0) + _EPSILON).sqrt().mean()
        return torch.cat([features, deviation.expand_as(features[:, :1])], dim=1)


class MinibatchDiscrimination(nn.Module):
    """How close each row is to the others of its batch, by learned distances, as 16 more features.

    With M_i the row's features through a learned map to 16 groups of 8 numbers, the feature of a group k is the mean of
    ``exp(-|M_ik - M_jk|_1 / 8)`` over the other rows j. Salimans takes the sum, not the mean, and does not divide by
    the length of a group; this way the scale hangs on neither the batch's size nor the group's.

    Parameters
    ----------
    d
        Length of the features.

    References
    ----------
    Salimans et al., "Improved Techniques for Training GANs", 2016.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.compare = nn.Linear(d, _N_KERNELS * _KERNEL_DIM, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return (b, d + 16) for features (b, d); a row alone is close to nothing."""
        groups = self.compare(features).view(len(features), _N_KERNELS, _KERNEL_DIM)
        closeness = torch.exp(-(groups[:, None] - groups[None]).abs().mean(3))
        n_others = max(1, len(features) - 1)
        return torch.cat([features, (closeness.sum(1) - 1.0) / n_others], dim=1)


class Packing(nn.Module):
    """Each row beside the three that follow it in its batch: the layer above judges packs of four at once.

    Lin's packs do not overlap and get one verdict each; here every row leads a pack, and the batch goes round.

    References
    ----------
    Lin et al., "PacGAN: The Power of Two Samples in Generative Adversarial Networks", 2018.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Return (b, 4 d, ...) for features (b, d, ...)."""
        return torch.cat([features.roll(-place, 0) for place in range(_PACK)], dim=1)


@dataclass(frozen=True)
class Minibatch:
    """Where a discriminator looks at the other rows.

    Attributes
    ----------
    before_last
        Makes what stands before the last layer of features, on maps or rows.
    n_before_last
        How many features it makes of d.
    at_end
        ``at_end(d)`` makes what stands behind the features; it adds ``n_at_end``.
    """

    before_last: Callable[[], nn.Module] = nn.Identity
    n_before_last: Callable[[int], int] = lambda d: d
    at_end: Callable[[int], nn.Module] = nn.Identity
    n_at_end: int = 0


MINIBATCHES: dict[str, Minibatch] = {
    "none": Minibatch(),
    "deviation": Minibatch(MinibatchDeviation, lambda d: d + 1),
    "discrimination": Minibatch(at_end=MinibatchDiscrimination, n_at_end=_N_KERNELS),
    "packing": Minibatch(Packing, lambda d: _PACK * d),
}
