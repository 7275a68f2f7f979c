"""How codes are spread within each class: a Gaussian a class, which is all that a saved model keeps of its codes.

With S_c the scatter of the n codes of class c, of length d, and S the mean within-class covariance of the classes
that have at least 2 d codes, such a class has the covariance ``(S_c + d S) / (n + d)``; a class of fewer codes has S
itself. Nothing but the mean of a small class is kept: from its own scatter and its count, codes of two rows could be
worked out. Where every class is small, S is a multiple of the unit matrix.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

_RIDGE = 1e-4
_LARGE = 2  # times the length of a code


@dataclass(frozen=True, eq=False)
class CodeDensity:
    """A Gaussian for each class.

    Attributes
    ----------
    mean
        Shape (n_classes, d).
    root
        Lower triangular roots of the covariances, shape (n_classes, d, d).
    """

    mean: Tensor
    root: Tensor

    @classmethod
    def fit(cls, codes: Tensor, labels: Tensor, n_classes: int) -> Self:
        """Return the density of codes (n, d) with classes (n,), each class at least once."""
        codes, d = codes.double(), codes.shape[1]
        count = torch.bincount(labels, minlength=n_classes).double()
        mean = torch.stack([codes[labels == number].mean(0) for number in range(n_classes)])
        rest = codes - mean[labels]
        scatter = torch.stack([rest[labels == number].T @ rest[labels == number] for number in range(n_classes)])
        large = count >= _LARGE * d
        shared = _shared_covariance(scatter, count, large)
        own = (scatter + d * shared) / (count + d)[:, None, None]
        covariance = torch.where(large[:, None, None], own, shared) + _RIDGE * torch.eye(d, dtype=torch.float64)
        return cls(mean.float(), torch.linalg.cholesky(covariance).float())

    def draw(self, labels: Tensor, stream: torch.Generator) -> Tensor:
        """Return a code (b, d) for each class in ``labels`` (b,)."""
        noise = torch.randn(len(labels), self.mean.shape[1], generator=stream)
        return self.mean[labels] + torch.einsum("bij,bj->bi", self.root[labels], noise)


def _shared_covariance(scatter: Tensor, count: Tensor, large: Tensor) -> Tensor:
    """Return the mean within-class covariance (d, d) of the large classes; if there is none, all classes' mean
    variance.
    """
    if large.any():
        return scatter[large].sum(0) / (count[large].sum() - large.sum())
    d = scatter.shape[1]
    variance = scatter.diagonal(dim1=1, dim2=2).sum() / (d * max(1.0, float(count.sum()) - len(count)))
    return variance * torch.eye(d, dtype=scatter.dtype)
