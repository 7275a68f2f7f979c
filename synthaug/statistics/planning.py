"""How noisy a study will be, from a pilot: the luck of a few splits, put forward to the number that is planned.

A pilot compares two ways to train that differ by little more than luck on a few splits, and resamples the test rows of
each (``resample_groups``). The variance of its differences is parted as in :mod:`synthaug.statistics.paired`: of draws,
of test rows, and of both together. ``detectable_gain`` then says which gain the study could see. That is a forecast
from few splits, mostly right within a factor of two, not an interval.

References
----------
Hillis, Obuchowski & Berbaum, "Power estimation for multireader ROC methods: an updated and unified approach", 2011.
Nadeau & Bengio, "Inference for the generalization error", 2003.
"""

import numpy as np
from numpy.typing import ArrayLike

from synthaug.statistics.paired import PairedTest


def planned_draws(differences: ArrayLike, replicates: ArrayLike, *, n_draws: int, n_units: int) -> PairedTest:
    """Return the test, of no difference, that so many draws on common test rows would make.

    Parameters
    ----------
    differences
        The difference of two ways on each pilot draw, shape (n_pilots,), at least 2.
    replicates
        The same on each resample of the test rows, which all draws share, shape (n_pilots, n_resamples).
    n_draws
        How many draws are planned, at least 2.
    n_units
        How many groups the test rows have (rows, where there are no groups).

    Returns
    -------
    Its difference is 0; its standard error and degrees of freedom (Satterthwaite, 1946) are those to be expected.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> values, rows = rng.normal(size=3), np.zeros((3, 100))  # luck of the draws alone
    >>> few, many = (planned_draws(values, rows, n_draws=n, n_units=50).standard_error for n in (4, 16))
    >>> round(few / many, 3)
    2.0
    """
    values, drawn = np.asarray(differences, dtype=float), np.asarray(replicates, dtype=float)
    n_pilots = len(values)
    each, common = float(np.nanvar(drawn, axis=1).mean()), float(np.nanvar(drawn.mean(axis=0)))
    of_both = min(each, max(0.0, (each - common) * n_pilots / (n_pilots - 1)))
    of_rows, of_draws = each - of_both, max(float(values.var(ddof=1)), of_both) / n_draws
    variance = of_rows + of_draws
    parts = of_draws**2 / (n_draws - 1) + of_rows**2 / max(1, n_units - 1)
    return _no_difference(variance, variance**2 / parts if parts > 0 else n_draws - 1)


def planned_folds(
    differences: ArrayLike, replicates: ArrayLike, *, n_splits: int, n_train: float, n_test: float
) -> PairedTest:
    """Return the test, of no difference, that so many folds would make.

    Parameters
    ----------
    differences, replicates
        As in ``planned_draws``; every fold resamples test rows of its own.
    n_splits
        How many splits are planned, all repeats together, at least 2.
    n_train, n_test
        How many rows a split learns from and is scored on.

    Returns
    -------
    Its difference is 0. The variance of a fold's difference is that of its test rows, or that between the pilots where
    it is more; put forward by the correction of Nadeau & Bengio (2003).

    Examples
    --------
    >>> import numpy as np
    >>> luck = np.random.default_rng(0).normal(size=(3, 100))
    >>> planned_folds(luck.mean(axis=1), luck, n_splits=25, n_train=80, n_test=20).df
    24.0
    """
    values, drawn = np.asarray(differences, dtype=float), np.asarray(replicates, dtype=float)
    variance = max(float(np.nanvar(drawn, axis=1).mean()), float(values.var(ddof=1)))
    return _no_difference((1 / n_splits + n_test / n_train) * variance, n_splits - 1)


def _no_difference(variance: float, df: float, level: float = 0.95) -> PairedTest:
    from scipy.stats import t

    standard_error = float(np.sqrt(variance))
    margin = float(standard_error * t.isf((1 - level) / 2, df))
    return PairedTest(0.0, standard_error, float(df), -margin, margin, 1.0, level)
