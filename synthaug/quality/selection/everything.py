"""No selection."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from synthaug.data.schema import Schema
from synthaug.quality.selection.protocol import Review, State


@dataclass(frozen=True)
class Everything:
    """The selector that keeps every row."""

    def review(self, x: Tensor, labels: Tensor) -> Review:
        """Return a score of 1 for each row, and no row dropped."""
        return Review(torch.ones(len(x)), {})

    def state(self) -> State:
        """Return no tensor and the selector's name."""
        return {}, {"selection": "none"}

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> Self:
        """Return the selector that ``state`` described."""
        return cls()


def fit_nothing(
    x: Tensor, y: Tensor, *, schema: Schema, seed: int = 0, groups: np.ndarray | None = None, learner: Any = None
) -> Everything:
    """Return the selector that keeps every row."""
    return Everything()
