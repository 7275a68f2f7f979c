"""What real rows look like to a measure of rows: quantiles a class, and values of rows that the measure never saw."""

from collections.abc import Callable

import torch
from torch import Tensor

_BORROWED_ROWS = 5  # as many rows of evidence does the quantile of all classes weigh against a class's own

Measure = Callable[[Tensor, Tensor], Tensor]


def class_quantiles(values: Tensor, labels: Tensor, n_classes: int, *, quantile: float, empty: float) -> Tensor:
    """Return each class's quantile of the values of its rows, drawn towards that of all classes.

    A class of n rows has ``(n q + 5 q_all) / (n + 5)``, one of no finite value ``q_all``.

    Parameters
    ----------
    values, labels
        A value for each real row, shape (n,), NaN where there is none, and its class, (n,), int64.
    n_classes
        How many classes there are.
    quantile
        Which quantile, 0 to 1.
    empty
        What stands for ``q_all`` where no row has a value.

    Returns
    -------
    Shape (n_classes,).
    """
    everyone = values.nanquantile(quantile).nan_to_num(empty)
    quantiles = everyone.repeat(n_classes)
    for label in labels.unique().tolist():
        own = values[labels == label]
        own = own[own.isfinite()]
        if len(own):
            share = len(own) / (len(own) + _BORROWED_ROWS)
            quantiles[label] = share * own.quantile(quantile) + (1 - share) * everyone
    return quantiles


def held_out_values(
    features: Tensor, labels: Tensor, folds: Tensor, fit: Callable[[Tensor, Tensor], Measure]
) -> Tensor:
    """Return each row's value by the measure that was fitted without the row's fold.

    Parameters
    ----------
    features, labels, folds
        Features (n, d), classes (n,) and folds (n,); rows of a negative fold are in every fit and get no value.
    fit
        ``fit(features, labels)`` returns a measure ``measure(features, labels) -> values (n,)``.

    Returns
    -------
    Values, shape (n,), NaN for a row without a fold.
    """
    values = torch.full((len(labels),), torch.nan, dtype=features.dtype)
    for fold in folds[folds >= 0].unique().tolist():
        held_out = folds == fold
        if not bool(held_out.all()):
            values[held_out] = fit(features[~held_out], labels[~held_out])(features[held_out], labels[held_out])
    return values


def class_centres(features: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Return the mean features of each class, shape (n_classes, d).

    NaN for a class of fewer than two rows, for its mean would be a row.
    """
    centres = features.new_full((n_classes, features.shape[1]), torch.nan)
    for label in labels.unique().tolist():
        if int((labels == label).sum()) > 1:
            centres[label] = features[labels == label].mean(0)
    return centres
