"""What synthetic rows gain as a rule, and what a gain that was measured is worth beside that.

A few hundred training rows tell a gain of three points from none, hardly a smaller one, and most are smaller. So a
measured gain is weighed with those of other tasks, each by its error: over tasks gains are taken to be normal, and what
is expected of a mix is the mean of its gain given the measurement (empirical Bayes; Efron & Morris, "Data Analysis
Using Stein's Estimator and Its Generalizations", 1975). Gains are shares of the errors that are left without synthetic
rows, so that tasks and metrics compare.
"""

from dataclasses import dataclass

from sklearn.metrics import get_scorer_names

from synthaug.augment.metrics import specificity_of
from synthaug.augment.mix import Mix
from synthaug.statistics import PairedTest


@dataclass(frozen=True)
class Experience:
    """Gains over tasks, normal, as shares of the errors left: their mean and their standard deviation."""

    mean: float
    sd: float


# Measured on the dev halves (`python benchmarks/utility.py --half dev`, table "Experience" in benchmarks/utility.md):
# 0 % beside transformed images, whose spread of 9 % holds the error of measuring too, -45 % in their place, 30 % in
# tables. That is balanced accuracy, which class weights gain too, so it is not counted on. Where no gain is to be
# counted on a little is taken off, for rows in doubt are left out: more in tables, where the spread hides less.
BESIDE = Experience(-0.01, 0.06)
ALONE = Experience(-0.45, 0.27)
TABLES = Experience(-0.05, 0.15)


def experience_with(mix: Mix, *, images: bool) -> Experience:
    """Return what mixes of this kind gained elsewhere."""
    if not images:
        return TABLES
    return BESIDE if mix.classic else ALONE


def best_value(metric: str) -> float | None:
    """Return the best value that a metric can have; None for a metric that is not known.

    Examples
    --------
    >>> best_value("balanced_accuracy"), best_value("neg_log_loss"), best_value("profit")
    (1.0, 0.0, None)
    """
    if metric not in get_scorer_names() and specificity_of(metric) is None:
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
        What is left to gain without synthetic rows, in the metric's unit.
    """
    if errors <= 0:
        return min(measured.difference, 0.0)
    if measured.standard_error == 0:
        return measured.difference
    weight, prior_weight = measured.standard_error**-2, (before.sd * errors) ** -2
    return (weight * measured.difference + prior_weight * before.mean * errors) / (weight + prior_weight)


def times_the_rows(measured: PairedTest, before: Experience, errors: float) -> float:
    """Return how many times the rows it takes until so great a gain is expected to be one; infinity for no gain.

    The square of the standard error falls as one over the rows.
    """
    if measured.difference <= 0 or errors <= 0:
        return float("inf")
    return max(0.0, -before.mean) * measured.standard_error**2 / (measured.difference * before.sd**2 * errors)
