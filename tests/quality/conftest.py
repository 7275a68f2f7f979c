"""Digits as a clinic would have them: many labels in six classes, four in each of the others."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from synthaug.data.schema import ImageSchema


@dataclass(frozen=True)
class Digits:
    """Training rows (376: 60 in six classes, 4 in four), 400 rows beside them, and 800 held-out ones."""

    train: tuple[Tensor, Tensor]
    other: tuple[Tensor, Tensor]
    holdout: tuple[Tensor, Tensor]
    schema: ImageSchema


@pytest.fixture(scope="session")
def digits() -> Digits:
    """Return real digits as model tensors."""
    data, target = load_digits(return_X_y=True)
    x, y = torch.tensor(data / 8 - 1, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(target, dtype=torch.int64)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(x)))
    train = torch.cat([order[y[order] == label][: 60 if label < 6 else 4] for label in range(10)])
    rest = order[~torch.isin(order, train)]
    parts = (train, rest[:400], rest[400:1200])
    return Digits(*((x[part], y[part]) for part in parts), ImageSchema((1, 8, 8), n_classes=10))
