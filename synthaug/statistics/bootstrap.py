"""Intervals by resampling whole groups: rows of one patient err together, so patients are what luck comes in.

A resample draws groups with replacement, and a group brings all of its rows. Groups are drawn within strata: those of
one class alone, class by class, and those of several classes, so every resample has about as many rows of a class as
there are. (A stratum for each set of classes would often hold one group, and no luck at all.) A study resamples the
groups once for all of its arms and splits, which keeps differences between arms paired; where the training rows were
drawn anew, independently, the draws are resampled beside the groups (the "pigeonhole" bootstrap). Of few draws, as
studies have them, percentiles are too near to each other: they are taken further out, as Student's t would ask.

References
----------
Field & Welsh, "Bootstrapping clustered data", 2007.
Owen, "The pigeonhole bootstrap", 2007.
Davison & Hinkley, "Bootstrap methods and their application", 1997.
Hesterberg, "What teachers should know about the bootstrap", 2015.
Satterthwaite, "An approximate distribution of estimates of variance components", 1946.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthaug.errors import ConfigError, ShapeError


@dataclass(frozen=True)
class Interval:
    """What was measured and between which bounds it is believed to lie.

    Attributes
    ----------
    value
        The estimate, in the metric's own unit.
    low, high
        The interval's ends.
    """

    value: float
    low: float
    high: float


def resample_groups(
    labels: ArrayLike, groups: ArrayLike | None = None, *, n_resamples: int, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Return how often each row is in each resample, shape (n_resamples, n), uint16.

    Parameters
    ----------
    labels
        Labels of the rows, shape (n,), of any kind that can be sorted.
    groups
        Which rows belong together (n,), such as a patient's; None where every row stands for itself.
    n_resamples
        How many resamples, at least 1.
    rng
        Decides them.

    Raises
    ------
    ShapeError
        If labels and groups differ in length.
    ConfigError
        If ``n_resamples`` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> times = resample_groups([0, 0, 1, 1], ["a", "a", "b", "b"], n_resamples=3, rng=np.random.default_rng(0))
    >>> times.tolist()  # one group of each kind, so each is drawn every time
    [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    """
    if n_resamples < 1:
        raise ConfigError(f"n_resamples must be at least 1; got {n_resamples}. Ask for 1,000.")
    codes = np.unique(np.asarray(labels), return_inverse=True)[1]
    owner = np.arange(len(codes)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(owner) != len(codes):
        raise ShapeError(f"groups must have one entry for each row; got {len(owner)} for {len(codes)} rows.")
    times = np.zeros((n_resamples, owner.max() + 1), dtype=np.uint16)
    for stratum in _strata(codes, owner):
        shares = np.full(len(stratum), 1 / len(stratum))
        times[:, stratum] = rng.multinomial(len(stratum), shares, size=n_resamples)
    return times[:, owner]


def _strata(codes: NDArray[np.intp], owner: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the numbers of the groups of each class alone, and of those that hold several classes."""
    holds = np.zeros((owner.max() + 1, codes.max() + 1), dtype=bool)
    holds[owner, codes] = True
    several = holds.sum(axis=1) > 1
    kind = np.where(several, -1, holds.argmax(axis=1))
    return [np.flatnonzero(kind == number) for number in np.unique(kind)]


def pooled_interval(
    values: ArrayLike, replicates: ArrayLike, *, draws: np.random.Generator | None = None, level: float = 0.95
) -> Interval:
    """Return the mean of a metric over splits, with the percentile interval of its resamples.

    Parameters
    ----------
    values
        The metric, or a difference of two arms, on each split, shape (n_splits,).
    replicates
        The same on each resample of the groups, shape (n_splits, n_resamples); a column is one resample, of all splits
        alike. NaN where a resample left a split without a row of a class: it is left out of the mean.
    draws
        What the splits are resampled by too, where they are independent draws of the training rows; None for folds,
        whose interval then speaks of the classifiers as they were trained.
    level
        Level of the interval, above 0 and below 1.

    Raises
    ------
    ShapeError
        If the shapes do not go together.
    ConfigError
        If ``level`` is out of range.

    Notes
    -----
    An interval is as good as the number of groups: with ten it is too short. The number of draws is allowed for
    (Hesterberg's expanded percentiles, with Satterthwaite's degrees of freedom for the part of the variance that is of
    draws); of two or three it may still be too short.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> found = pooled_interval([0.8, 0.9], 0.85 + 0.02 * rng.normal(size=(2, 1000)))
    >>> print(f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})")
    0.85 (0.82 to 0.88)
    """
    scores, drawn = np.asarray(values, dtype=float), np.asarray(replicates, dtype=float)
    if drawn.ndim != 2 or scores.shape != drawn.shape[:1] or not scores.size:
        raise ShapeError(
            f"replicates must have shape (n_splits, n_resamples) for values (n_splits,); got {drawn.shape} for "
            f"{scores.shape}."
        )
    if not 0 < level < 1:
        raise ConfigError(f"level must be above 0 and below 1; got {level!r}. Write 95 % as 0.95.")
    fixed, means = mean_replicates(drawn), mean_replicates(drawn, draws=draws)
    if not np.isfinite(means).any() or not np.isfinite(scores).any():
        return Interval(float("nan"), float("nan"), float("nan"))
    tail = (1 - level) / 2 if draws is None else _expanded((1 - level) / 2, fixed, means, n_draws=len(scores))
    low, high = np.nanquantile(means, [tail, 1 - tail])
    return Interval(float(np.nanmean(scores)), float(low), float(high))


def _expanded(tail: float, fixed: NDArray[np.float64], means: NDArray[np.float64], *, n_draws: int) -> float:
    """Return how much of the resampled means (n_resamples,) to leave out at an end, where ``tail`` were right of many
    draws; ``fixed`` are the means with the draws as they were, whose variance is of the groups alone.
    """
    from scipy.stats import norm, t

    both = float(np.nanvar(means))
    of_groups = min(both, float(np.nanvar(fixed)))
    if n_draws < 2 or of_groups == both:
        return tail
    of_draws = (both - of_groups) * n_draws / (n_draws - 1)
    total = of_groups + of_draws
    df = (n_draws - 1) * (total / of_draws) ** 2
    return float(norm.sf(t.isf(tail, df) * np.sqrt(total / both)))


def mean_replicates(replicates: ArrayLike, *, draws: np.random.Generator | None = None) -> NDArray[np.float64]:
    """Return the mean over splits of each resample, shape (n_resamples,); NaN where no split has a value.

    The parameters are those of ``pooled_interval``. Means of studies that share their test rows and resamples can be
    pooled again.
    """
    values = np.asarray(replicates, dtype=float)
    n_splits, n_resamples = values.shape
    times = np.ones((n_splits, n_resamples))
    if draws is not None:
        times = draws.multinomial(n_splits, np.full(n_splits, 1 / n_splits), size=n_resamples).T.astype(float)
    weight = times * np.isfinite(values)
    total, sums = weight.sum(axis=0), (weight * np.nan_to_num(values)).sum(axis=0)
    return np.divide(sums, total, out=np.full(n_resamples, np.nan), where=total > 0)
