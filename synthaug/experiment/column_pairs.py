"""Pairs of columns: how strongly they go together, on one scale for numbers and categories.

Two numbers: Spearman's rank correlation, from -1 to 1. Two categories: Cramer's V, corrected for chance (Bergsma), from
0 to 1. A number and a category: the correlation ratio of the ranks, corrected for chance (Kelley's epsilon), 0 to 1.
Rows with a missing value in either column are left out.

References
----------
Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", 2013.
Kelley, "An unbiased correlation ratio measure", 1935.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from synthaug.experiment.column_shapes import MISSING

_FEWEST = 4
_TINY = 1e-12


def associations(values: dict[str, np.ndarray], *, fewest: int = _FEWEST) -> np.ndarray:
    """Return how strongly each pair of columns goes together, shape (d, d), symmetric, 1 on the diagonal.

    Parameters
    ----------
    values
        Columns by name, each floats (n,) with NaN for missing, or words (n,).
    fewest
        Rows that hold both columns, below which a pair is NaN.
    """
    names = list(values)
    found = np.eye(len(names))
    for i, j in combinations(range(len(names)), 2):
        found[i, j] = found[j, i] = association(values[names[i]], values[names[j]], fewest=fewest)
    return found


def association(first: np.ndarray, second: np.ndarray, *, fewest: int = _FEWEST) -> float:
    """Return how strongly two columns (n,) go together; NaN for fewer rows that hold both, 0 where one is constant."""
    there = _known(first) & _known(second)
    first, second = first[there], second[there]
    if len(first) < fewest:
        return float("nan")
    if first.dtype == object and second.dtype == object:
        return cramers_v(first, second)
    if first.dtype == object or second.dtype == object:
        words, numbers = (first, second) if first.dtype == object else (second, first)
        return correlation_ratio(words, numbers)
    return rank_correlation(first, second)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's rank correlation of two columns of floats (n,)."""
    ranks = [rankdata(values) - (len(values) + 1) / 2 for values in (first, second)]
    size = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    return float(ranks[0] @ ranks[1]) / size if size > _TINY else 0.0


def cramers_v(first: np.ndarray, second: np.ndarray) -> float:
    """Return Cramer's V of two columns of words (n,), corrected for chance as Bergsma does."""
    codes = [pd.factorize(words)[0] for words in (first, second)]
    n, (r, c) = len(first), (int(part.max()) + 1 for part in codes)
    counts = np.bincount(codes[0] * c + codes[1], minlength=r * c).reshape(r, c)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / n
    phi = max(0.0, float(((counts - expected) ** 2 / expected).sum()) / n - (r - 1) * (c - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return min(1.0, float(np.sqrt(phi / least))) if least > _TINY else 0.0


def correlation_ratio(words: np.ndarray, numbers: np.ndarray) -> float:
    """Return how much of the ranks' spread lies between the words' means, 0 to 1, corrected for chance (Kelley)."""
    codes, ranks = pd.factorize(words)[0], rankdata(numbers)
    n, groups = len(ranks), int(codes.max()) + 1
    whole = float(((ranks - ranks.mean()) ** 2).sum())
    if whole <= _TINY or n <= groups:
        return 0.0
    means = np.bincount(codes, weights=ranks) / np.bincount(codes)
    within = float(((ranks - means[codes]) ** 2).sum())
    return float(np.sqrt(max(0.0, 1 - within / (n - groups) / (whole / (n - 1)))))


def _known(values: np.ndarray) -> np.ndarray:
    return values != MISSING if values.dtype == object else np.isfinite(values)
