"""The recall of each class under each arm: which classes a way to train helps, and which it costs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from synthaug.experiment.results import SplitResult

_COLUMNS = ["arm", "class", "recall", "difference"]


def class_recalls(y: np.ndarray, predicted: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the share of each class's rows whose label is predicted.

    Parameters
    ----------
    y, predicted
        True and predicted labels, shape (n,).
    classes
        The labels, sorted, shape (n_classes,).

    Returns
    -------
    Shape (n_classes,), float64; NaN for a class without a row.
    """
    places = np.searchsorted(classes, y)
    right = np.bincount(places, weights=np.asarray(predicted) == y, minlength=len(classes))
    there = np.bincount(places, minlength=len(classes))
    return np.divide(right, there, out=np.full(len(classes), np.nan), where=there > 0)


def recall_table(
    splits: Sequence[SplitResult], arms: Sequence[str], baseline: str, class_names: Sequence[str]
) -> pd.DataFrame:
    """Return a row for each arm and class: the mean recall, and its difference from the baseline's."""
    kept = [split for split in splits if all(arm in split.recalls for arm in arms)]
    if not kept:
        return pd.DataFrame(columns=_COLUMNS)
    means = {arm: _mean(np.array([split.recalls[arm] for split in kept])) for arm in arms}
    rows = [
        (arm, name, recall, recall - base)
        for arm in arms
        for name, recall, base in zip(class_names, means[arm], means[baseline], strict=True)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _mean(recalls: np.ndarray) -> np.ndarray:
    """Return the mean over the splits in which a class has test rows; NaN where it has none in any."""
    there = np.isfinite(recalls)
    n = there.sum(axis=0)
    return np.divide(np.where(there, recalls, 0.0).sum(axis=0), n, out=np.full(recalls.shape[1], np.nan), where=n > 0)
