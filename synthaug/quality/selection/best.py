"""The best k of m: of the rows of a class that are reviewed together, the quarter that a classifier is surest of.

Rows are drawn in chunks of fixed size and reviewed a chunk at a time, so m is the chunk's size and k a quarter of it.
Sure rows are typical ones: what is gained in label agreement is lost in diversity.

References
----------
Razavi, van den Oord, Vinyals, "Generating Diverse High-Fidelity Images with VQ-VAE-2", 2019 (samples ranked by the
probability of their class, the best kept).
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from synthaug.data.schema import Schema
from synthaug.quality.agreement import Judge, cross_fit
from synthaug.quality.selection.agreement import intended, judge_state, restore_judge
from synthaug.quality.selection.protocol import Review, State

BEST_FRACTION = 0.25


@dataclass(frozen=True, eq=False)
class Best:
    """Keeps the rows of each class that a cross-fitted classifier is surest of.

    Attributes
    ----------
    judge
        The classifier.
    """

    judge: Judge

    def review(self, x: Tensor, labels: Tensor) -> Review:
        """Return as scores the probability of each row's intended class, and who is not among the best quarter."""
        scores, labels = intended(self.judge.probabilities(x), labels.cpu()), labels.cpu()
        best = torch.zeros(len(scores), dtype=torch.bool)
        for label in labels.unique().tolist():
            places = torch.nonzero(labels == label).squeeze(1)
            order = torch.argsort(scores[places], descending=True, stable=True)
            best[places[order[: math.ceil(BEST_FRACTION * len(places))]]] = True
        return Review(scores, {"not among the best": ~best})

    def state(self) -> State:
        """Return the classifier's weights, and the setting that names its random features."""
        tensors, settings = judge_state(self.judge)
        return tensors, settings | {"selection": "best"}

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> Self:
        """Return the selector that ``state`` described; see ``Agreement.from_state``."""
        return cls(restore_judge(tensors, settings, schema))


def fit_best(
    x: Tensor, y: Tensor, *, schema: Schema, seed: int = 0, groups: np.ndarray | None = None, learner: Any = None
) -> Best:
    """Return a selector of the best k of m, fitted on training rows; see ``fit_agreement``."""
    return Best(cross_fit(x, y, schema=schema, seed=seed, groups=groups).judge)
