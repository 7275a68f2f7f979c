"""Rankings of two classes, scored on many resamples of the rows at once.

The rows are put in order once, the likeliest first. Going down, each resample counts how many rows of the second class
it has found and how many of the first it has taken for one: a table (n_resamples, n_thresholds) of each, from which
every metric of the ROC curve follows. Rows of one value lie at one threshold.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_ROUNDING = 1e-9  # 0.1 * 30 must not be just below 3


@dataclass(frozen=True)
class Curves:
    """What each resample finds down to each threshold.

    Attributes
    ----------
    found, false
        Rows of the second class, and of the first, that lie at a threshold or above it, (n_resamples, n_thresholds).
    n_found, n_false
        How many there are in all, (n_resamples,).
    """

    found: np.ndarray
    false: np.ndarray
    n_found: np.ndarray
    n_false: np.ndarray


def curves_of(values: np.ndarray, truth: np.ndarray, times: np.ndarray) -> Curves:
    """Return the curves of resamples.

    Parameters
    ----------
    values
        What rows are ranked by, higher for the second class, shape (n,).
    truth
        Whether a row is of the second class, bool (n,).
    times
        How often each row is in each resample, (n_resamples, n).
    """
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)
    drawn, second = times[:, order].astype(np.int64), truth[order]
    found, false = (np.cumsum(drawn * side, axis=1)[:, ends] for side in (second, ~second))
    return Curves(found, false, found[:, -1], false[:, -1])


def area(curves: Curves) -> np.ndarray:
    """Return the area under each ROC curve, by trapezoids, (n_resamples,); NaN where a class is missing."""
    steps = np.diff(curves.false, axis=1, prepend=0)
    before = curves.found - np.diff(curves.found, axis=1, prepend=0)
    return _ratio((steps * (curves.found + before)).sum(axis=1) / 2, curves.n_found * curves.n_false)


def average_precision(curves: Curves) -> np.ndarray:
    """Return the mean over the rows of the second class of the precision at their threshold, (n_resamples,)."""
    taken = curves.found + curves.false
    precision = np.divide(curves.found, taken, out=np.zeros(taken.shape), where=taken > 0)
    gained = np.diff(curves.found, axis=1, prepend=0)
    return _ratio((gained * precision).sum(axis=1), curves.n_found * (curves.n_false > 0))


def sensitivity(curves: Curves, *, specificity: float) -> np.ndarray:
    """Return the share found at the lowest threshold of this specificity, (n_resamples,)."""
    allowed = np.floor((1 - specificity) * curves.n_false + _ROUNDING)
    found = np.where(curves.false <= allowed[:, None], curves.found, 0).max(axis=1)
    return _ratio(found, curves.n_found * (curves.n_false > 0))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


CURVE_METRICS: dict[str, Callable[[Curves], np.ndarray]] = {
    "roc_auc": area,
    "roc_auc_ovr": area,
    "average_precision": average_precision,
}
