"""The figures of an assessment: each a function of one group of rows (a class, or all of them).

A new figure is a function and a line in ``MEASURES``, and a line in ``BETTER``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from synthaug.quality.agreement import label_agreement
from synthaug.quality.copying import MIN_HOLDOUT, is_copy
from synthaug.quality.distances import (
    classifier_score,
    density_coverage,
    diversity_ratio,
    frechet_distance,
    kernel_distance,
    precision_recall,
)

_NAN = float("nan")
_TINY = 1e-12


@dataclass(frozen=True)
class Rows:
    """Rows as the measures see them.

    Attributes
    ----------
    labels, features, probabilities
        Labels (n,), standardised features (n, d) and the classifier's probabilities (n, n_classes).
    nearest
        Distance to the nearest training row in pixels and in features, shape (n, 2).
    """

    labels: Tensor
    features: Tensor
    probabilities: Tensor
    nearest: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Tensor) -> "Rows":
        """Return the rows that an index or a mask names."""
        return Rows(self.labels[index], self.features[index], self.probabilities[index], self.nearest[index])

    def of(self, label: int) -> "Rows":
        """Return the rows of a class."""
        return self.take(self.labels == label)


@dataclass(frozen=True)
class Group:
    """The rows of one class, or of all, that a measure compares.

    Attributes
    ----------
    real, synthetic, holdout
        Training rows, the rows to judge, and held-out rows to calibrate copies with.
    marginal
        Mean probabilities of the synthetic rows of all classes, shape (n_classes,).
    k
        Which nearest neighbour sets a radius.
    """

    real: Rows
    synthetic: Rows
    holdout: Rows
    marginal: Tensor
    k: int


@dataclass(frozen=True)
class Measure:
    """Figures that are computed together.

    Attributes
    ----------
    names, compute
        The figures' names, and the function that returns them for a group.
    least
        How many real and how many synthetic rows they need at least (None: more than k); with fewer they are NaN.
    """

    names: tuple[str, ...]
    compute: Callable[[Group], tuple[float, ...]]
    least: int | None

    def __call__(self, group: Group) -> dict[str, float]:
        """Return the figures of a group by name."""
        least = group.k + 1 if self.least is None else self.least
        enough = min(len(group.real), len(group.synthetic)) >= least
        return dict(zip(self.names, self.compute(group) if enough else [_NAN] * len(self.names), strict=True))


def _kid(group: Group) -> tuple[float]:
    return (kernel_distance(group.real.features, group.synthetic.features),)


def _frechet(group: Group) -> tuple[float]:
    return (frechet_distance(group.real.features, group.synthetic.features),)


def _precision_recall(group: Group) -> tuple[float, float]:
    return precision_recall(group.real.features, group.synthetic.features, k=group.k)


def _density_coverage(group: Group) -> tuple[float, float]:
    return density_coverage(group.real.features, group.synthetic.features, k=group.k)


def _diversity(group: Group) -> tuple[float]:
    """Return the mean over classes, NaN where no class has two rows on both sides."""
    ratios = []
    for label in group.synthetic.labels.unique().tolist():
        real, synthetic = group.real.of(label), group.synthetic.of(label)
        if min(len(real), len(synthetic)) >= 2:
            ratios.append(diversity_ratio(real.features, synthetic.features))
    return (float(torch.tensor(ratios).nanmean()),)


def _agreement(group: Group) -> tuple[float]:
    return (label_agreement(group.synthetic.probabilities, group.synthetic.labels),)


def _classifier_score(group: Group) -> tuple[float]:
    return (classifier_score(group.synthetic.probabilities, marginal=group.marginal),)


def _copy_rate(group: Group) -> tuple[float]:
    if len(group.holdout) < MIN_HOLDOUT:
        return (_NAN,)
    return (float(is_copy(group.synthetic.nearest.T, group.holdout.nearest.T).double().mean()),)


def _distance_ratio(group: Group) -> tuple[float]:
    """Return the ratio of medians in pixels or in features, whichever is less; 1 where both are 0, NaN where only the
    held-out rows' are.
    """
    if len(group.holdout) < MIN_HOLDOUT:
        return (_NAN,)
    synthetic, holdout = (rows.nearest.quantile(0.5, dim=0) for rows in (group.synthetic, group.holdout))
    told = (holdout > 0) | (synthetic == 0)
    ratios = ((synthetic + _TINY) / (holdout + _TINY))[told]
    return (float(ratios.amin()) if len(ratios) else _NAN,)


FRECHET = Measure(("frechet",), _frechet, least=2)

MEASURES: tuple[Measure, ...] = (
    Measure(("kid",), _kid, least=2),
    Measure(("precision", "recall"), _precision_recall, least=None),
    Measure(("density", "coverage"), _density_coverage, least=None),
    Measure(("diversity",), _diversity, least=2),
    Measure(("agreement",), _agreement, least=1),
    Measure(("classifier_score",), _classifier_score, least=1),
    Measure(("copy_rate",), _copy_rate, least=1),
    Measure(("distance_ratio",), _distance_ratio, least=1),
)

COPYING = MEASURES[-2:]
MEMBERSHIP = "membership_auc"  # of two sets of rows beside the synthetic ones, so no measure of a group

BETTER: dict[str, Literal["lower", "higher", "equal"]] = {
    "kid": "lower",
    "frechet": "lower",
    "precision": "higher",
    "recall": "higher",
    "density": "higher",
    "coverage": "higher",
    "diversity": "equal",
    "agreement": "higher",
    "classifier_score": "higher",
    "copy_rate": "lower",
    "distance_ratio": "higher",
    MEMBERSHIP: "lower",
}
