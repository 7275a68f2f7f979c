"""The correlations of latent normal values of which only an interval may be known, by drawing them in turn.

Row i of class c is z_i ~ N(0, R_c). Of each z_ij an interval is known: a point for a regular number, the place between
two cuts for a category, everything where a number is missing. A round draws every value that is no point from its
normal distribution given the row's other values, truncated to its interval, and estimates the correlations anew:

    R = (n_c S_c + m S) / (n_c + m),     S_c the class's own second moments, scaled to unit variance,

where S are those of all classes together, shrunk towards the unit matrix, and m is the number of columns: so a class of
few rows takes the correlations of all. What is returned is the mean over the second half of the rounds.

Hoff, "Extending the Rank Likelihood for Semiparametric Copula Estimation", 2007 (drawing within intervals, in turn);
Ledoit and Wolf, "A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices", 2004 (shrinkage).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_FARTHEST = 8.0
_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class Intervals:
    """Where the latent values of rows lie.

    Attributes
    ----------
    low, high
        Shapes (n, m), float64, infinite where nothing is known; equal where the value is.
    labels
        The rows' classes, shape (n,).
    n_classes
        How many classes there are.
    """

    low: Tensor
    high: Tensor
    labels: Tensor
    n_classes: int

    @property
    def free(self) -> Tensor:
        """Which columns hold a value that is no point, shape (f,)."""
        return torch.nonzero((self.low < self.high).any(0))[:, 0]


def first_values(known: Intervals, stream: torch.Generator) -> Tensor:
    """Return latent values (n, m), each drawn within its interval as if columns did not depend."""
    z = torch.zeros_like(known.low)
    return torch.where(known.low < known.high, _between(z, known.low, known.high, 1.0, stream), known.low)


def redraw(z: Tensor, known: Intervals, correlation: Tensor, stream: torch.Generator) -> Tensor:
    """Return latent values (n, m), each that is no point drawn anew given the others, column after column.

    Parameters
    ----------
    z
        The values so far.
    known
        Where they lie.
    correlation
        Of each class, shape (n_classes, m, m).
    stream
        Where randomness is drawn from.
    """
    z, free = z.clone(), known.free.tolist()
    if not free:
        return z
    precision = torch.linalg.inv(correlation)
    for number in range(known.n_classes):
        rows = torch.nonzero(known.labels == number)[:, 0]
        mine, own = z[rows], precision[number]
        for j in free:
            low, high = known.low[rows, j], known.high[rows, j]
            mean = mine[:, j] - mine @ own[j] / own[j, j]
            drawn = _between(mean, low, high, float(own[j, j]) ** -0.5, stream)
            mine[:, j] = torch.where(low < high, drawn, low)
        z[rows] = mine
    return z


def correlations(z: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Return the correlations of each class, shape (n_classes, m, m), of latent values (n, m) of classes (n,)."""
    m = z.shape[1]
    shared = _unit_diagonal(_shrunk(z))
    own = torch.stack([z[labels == number].T @ z[labels == number] for number in range(n_classes)])
    count = torch.bincount(labels, minlength=n_classes).double()[:, None, None]
    return _unit_diagonal((count * _unit_diagonal(own) + m * shared) / (count + m))


def _shrunk(z: Tensor) -> Tensor:
    """Return second moments (m, m), shrunk towards a multiple of the unit matrix."""
    from sklearn.covariance import ledoit_wolf  # a fifth of a second that importing synthaug need not cost

    return torch.from_numpy(ledoit_wolf(z.numpy(), assume_centered=True)[0])


def _unit_diagonal(moments: Tensor) -> Tensor:
    scale = moments.diagonal(dim1=-2, dim2=-1).clamp_min(_LEAST).rsqrt()
    return moments * scale[..., :, None] * scale[..., None, :]


def _between(mean: Tensor, low: Tensor, high: Tensor, deviation: float, stream: torch.Generator) -> Tensor:
    """Return a normal number for each mean, drawn between its bounds, by the inverse of the distribution function."""
    first, last = (torch.special.ndtr((end - mean) / deviation) for end in (low, high))
    share = torch.lerp(first, last, torch.rand(mean.shape, generator=stream, dtype=mean.dtype))
    z = torch.special.ndtri(share.clamp(_LEAST, 1 - _LEAST)).clamp(-_FARTHEST, _FARTHEST)
    return torch.clamp(mean + deviation * z, low, high)
