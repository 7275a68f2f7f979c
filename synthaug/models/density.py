"""How codes are spread within each class: a Gaussian a class, which is all that a saved model keeps of its codes.

The covariance of a class of n codes is drawn towards the mean within-class covariance S of all classes:
``(n S_c + k S) / (n + k)`` with k the length of a code, so that a class of four codes gets a whole covariance too.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

_RIDGE = 1e-4


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
        pooled = scatter.sum(0) / max(1.0, float(count.sum()) - n_classes)
        covariance = (scatter + d * pooled) / (count + d)[:, None, None] + _RIDGE * torch.eye(d, dtype=torch.float64)
        return cls(mean.float(), torch.linalg.cholesky(covariance).float())

    def draw(self, labels: Tensor, stream: torch.Generator) -> Tensor:
        """Return a code (b, d) for each class in ``labels`` (b,)."""
        noise = torch.randn(len(labels), self.mean.shape[1], generator=stream)
        return self.mean[labels] + torch.einsum("bij,bj->bi", self.root[labels], noise)
