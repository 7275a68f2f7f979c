"""What ways to train gain as a rule, and what a gain that was measured is worth beside that.

A few hundred training rows tell a gain of three points from none, hardly a smaller one, and most are smaller. So a
measured gain is weighed with those of other tasks, each by its error: over tasks gains are taken to be normal, and what
is expected of a mix is the mean of its gain given the measurement (empirical Bayes; Efron & Morris, "Data Analysis
Using Stein's Estimator and Its Generalizations", 1975). Gains are shares of the errors that the ``habit`` leaves, so
that tasks and metrics compare: what the field does without a synthetic row, which for images is to transform them.
"""

from dataclasses import dataclass
from typing import Any

from sklearn.metrics import get_scorer_names

from synthaug.augment.fitting import own_parameter
from synthaug.augment.gate.candidates import NOTHING, Candidates
from synthaug.augment.metrics import specificity_of
from synthaug.augment.mix import Mix, adds_synthetic
from synthaug.augment.plan import Counts
from synthaug.statistics import PairedTest


@dataclass(frozen=True)
class Experience:
    """Gains over tasks, normal, as shares of the errors left: their mean and their standard deviation."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Situation:
    """What is known of a task before anything is measured.

    Attributes
    ----------
    over_classic
        Whether the habit is to transform images.
    rare
        Whether a class is rare: see ``has_rare_class``.
    trees
        Whether the classifier grows trees.
    fills_up
        Whether filling up small classes gains as a rule: they are uneven, and the metric counts all alike.
    """

    over_classic: bool
    rare: bool
    trees: bool
    fills_up: bool


# Measured on the dev halves (`python benchmarks/utility.py --half dev`, tables "Experience" in benchmarks/utility.md),
# spreads less the error of measuring. Trees gain from more rows than transformed images fill up, for they learn no
# invariance from few; other classifiers do not.
MORE, MORE_FOR_TREES = Experience(-0.01, 0.04), Experience(0.05, 0.05)
BESIDE, BESIDE_FOR_TREES = Experience(-0.01, 0.04), Experience(0.01, 0.05)
BESIDE_RARE, BESIDE_RARE_FOR_TREES = Experience(0.01, 0.04), Experience(0.09, 0.08)
# What gives transformed images up, for synthetic rows or for nothing, loses 22 to 40 %.
INSTEAD = Experience(-0.4, 0.3)
# In tables, where filling up gains as a rule; elsewhere nothing is known, and synthetic rows are left out in doubt.
FILLING_UP, SYNTHETIC_FILLING_UP = Experience(0.2, 0.2), Experience(0.3, 0.27)
REAL, SYNTHETIC = Experience(0.0, 0.15), Experience(-0.05, 0.15)

_COUNT_CLASSES_ALIKE = ("balanced_accuracy",)
_WITHOUT_END = ("positive_likelihood_ratio", "mutual_info_score")
_TIMES_UNEVEN = 1.5
_TIMES_RARE = 4


def habit_of(candidates: Candidates, *, images: bool) -> str:
    """Return what training would be as a rule: with transformed images, where a candidate has them, else nothing."""
    transformed = (
        name for name, mix in candidates.items() if mix.classic and mix.amount and not mix.synthetic_fraction
    )
    return next(transformed, NOTHING) if images else NOTHING


def has_rare_class(counts: Counts) -> bool:
    """Return whether a class has less than a quarter of the rows of the largest one."""
    return min(counts.values()) * _TIMES_RARE < max(counts.values())


def fills_up(counts: Counts, metric: str) -> bool:
    """Return whether filling up small classes gains as a rule: the metric counts all alike, and they are uneven."""
    return metric in _COUNT_CLASSES_ALIKE and min(counts.values()) * _TIMES_UNEVEN < max(counts.values())


def grows_trees(estimator: Any) -> bool:
    """Return whether a classifier grows trees: trees, forests and boosting of any library have a greatest depth."""
    return own_parameter(estimator, "max_depth") is not None


def experience_with(mix: Mix, situation: Situation) -> Experience:
    """Return what mixes of this kind gained elsewhere over the habit, transformed real rows or nothing."""
    if not situation.over_classic:
        if situation.fills_up:
            return SYNTHETIC_FILLING_UP if adds_synthetic(mix) else FILLING_UP
        return SYNTHETIC if adds_synthetic(mix) else REAL
    if not mix.classic or mix.synthetic_fraction == 1.0:
        return INSTEAD
    if not adds_synthetic(mix):
        return MORE_FOR_TREES if situation.trees else MORE
    if situation.rare:
        return BESIDE_RARE_FOR_TREES if situation.trees else BESIDE_RARE
    return BESIDE_FOR_TREES if situation.trees else BESIDE


def best_value(metric: str) -> float | None:
    """Return the best value that a metric can have; None for a metric that is not known, or that has none.

    Examples
    --------
    >>> best_value("balanced_accuracy"), best_value("neg_log_loss"), best_value("profit")
    (1.0, 0.0, None)
    """
    if metric in _WITHOUT_END or (metric not in get_scorer_names() and specificity_of(metric) is None):
        return None
    return 0.0 if metric.startswith("neg_") else 1.0


def expected_gain(measured: PairedTest, before: Experience, errors: float) -> float:
    """Return the mean of a gain, given its measurement and what was gained elsewhere, in the metric's unit.

    Parameters
    ----------
    measured
        The gain on the training rows, with its standard error.
    before
        What such mixes gained elsewhere.
    errors
        What the habit leaves to gain, in the metric's unit.
    """
    if errors <= 0:
        return min(measured.difference, 0.0)
    if measured.standard_error == 0:
        return measured.difference
    weight, prior_weight = measured.standard_error**-2, (before.sd * errors) ** -2
    return (weight * measured.difference + prior_weight * before.mean * errors) / (weight + prior_weight)
