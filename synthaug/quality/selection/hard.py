"""Hard but right rows: of the intended class, yet nearer to the class boundary than most real rows.

A row is kept if it passes label agreement and the probability of its class is at most the median of what the real
rows of the class get from a head that never saw them. What is far inside a class tells a classifier little.

References
----------
Han, Wang, Mao, "Borderline-SMOTE", 2005. Scheffer, Decomain, Wrobel, "Active Hidden Markov Models for Information
Extraction", 2001 (sampling by margin).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from synthaug.data.schema import Schema
from synthaug.quality.agreement import cross_fit
from synthaug.quality.selection.agreement import Agreement, intended, least_probabilities, restore_limits
from synthaug.quality.selection.protocol import Review, State
from synthaug.quality.selection.reference import class_quantiles

MEDIAN = 0.5


@dataclass(frozen=True, eq=False)
class Hard:
    """Keeps rows that are right and hard.

    Attributes
    ----------
    agreement
        Says which rows are right.
    ceilings
        The greatest probability of the intended class, shape (n_classes,), float32; at least the thresholds.
    """

    agreement: Agreement
    ceilings: Tensor

    def review(self, x: Tensor, labels: Tensor) -> Review:
        """Return who is wrong, unsure or easy; of easy rows the least easy has the best score."""
        right = self.agreement.review(x, labels)
        ceilings = self.ceilings[labels.cpu()]
        easy = right.kept & (right.scores > ceilings)
        scores = torch.where(easy, 1 + ceilings - right.scores, right.scores).clamp(0, 1)
        return Review(scores, right.dropped | {"easy": easy})

    def state(self) -> State:
        """Return what agreement returns, and the ceilings."""
        tensors, settings = self.agreement.state()
        return tensors | {"ceilings": self.ceilings}, settings | {"selection": "hard"}

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> Self:
        """Return the selector that ``state`` described; see ``Agreement.from_state``."""
        return cls(Agreement.from_state(tensors, settings, schema), restore_limits(tensors, "ceilings", schema))


def fit_hard(
    x: Tensor, y: Tensor, *, schema: Schema, seed: int = 0, groups: np.ndarray | None = None, learner: Any = None
) -> Hard:
    """Return a selector of hard but right rows, fitted on training rows; see ``fit_agreement``."""
    fit, labels = cross_fit(x, y, schema=schema, seed=seed, groups=groups), y.cpu()
    held_out = intended(fit.held_out, labels)
    thresholds = least_probabilities(held_out, labels, schema.n_classes)
    ceilings = class_quantiles(held_out, labels, schema.n_classes, quantile=MEDIAN, empty=1.0)
    return Hard(Agreement(fit.judge, thresholds), torch.maximum(ceilings, thresholds))
