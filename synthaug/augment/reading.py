"""What ``fit`` reads: the user's rows and labels, checked, with the codecs that put others back into their form."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from synthaug._check import check_equal_shapes, check_labels, check_same_length, check_two_classes
from synthaug.augment.plan import Counts
from synthaug.data.container import known, unwrap
from synthaug.data.images import ImageCodec
from synthaug.data.item_format import ItemFormat
from synthaug.data.labels import LabelCodec, NoLabels, fit_label_codec
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.data.tables import TableCodec
from synthaug.data.torch_rows import read_rows
from synthaug.errors import ShapeError


@dataclass(frozen=True)
class Reading:
    """Training rows as they were read.

    Attributes
    ----------
    rows
        The rows as the user has them, in an array (n, ...).
    numbers
        The class number of each row (n,), int64; 0 where there are no labels.
    codec, labels
        The way between the user's rows and labels and the model's.
    item_format
        The form of a torch Dataset's items; None where arrays came.
    """

    rows: np.ndarray
    numbers: np.ndarray
    codec: ImageCodec | TableCodec
    labels: LabelCodec | NoLabels
    item_format: ItemFormat | None = None


def read_training_rows(estimator: BaseEstimator, X: Any, y: Any, options: RowsOptions) -> Reading:
    """Return rows and labels read from arrays or from a torch Dataset.

    Parameters
    ----------
    estimator
        Whose ``n_features_in_`` and ``feature_names_in_`` are set.
    X, y
        Rows and labels, rows and None, or a torch Dataset of both and None.
    options
        How rows are to be read.

    Raises
    ------
    ShapeError, LabelError, ConfigError
        If they cannot be learned from.
    """
    item_format = None
    if isinstance(X, torch.utils.data.Dataset):
        read = read_rows(X)
        X, y, item_format = read.X, read.y, read.item_format
    check_equal_shapes(X)
    plain, container = unwrap(known(X))
    if isinstance(plain, pd.DataFrame) or plain.ndim <= 2:
        rows = validate_data(estimator, plain, dtype="numeric")
    else:
        rows = _checked_images(plain)
    if y is None and item_format is None:
        return Reading(rows, np.zeros(len(rows), dtype=np.int64), fit_row_codec(rows, container, options), NoLabels())
    check_same_length(rows, check_labels(y))
    codec, labels = fit_row_codec(rows, container, options), fit_label_codec(y)
    check_two_classes(labels.classes)
    return Reading(rows, labels.encode(y), codec, labels, item_format)


def checked_groups(groups: Any, n_rows: int) -> np.ndarray | None:
    """Return groups as an array (n_rows,), or None where there are none.

    Raises
    ------
    ShapeError
        If there is not one entry for each row.
    """
    if groups is None:
        return None
    array = np.asarray(groups)
    if array.shape != (n_rows,):
        raise ShapeError(f"groups must hold one entry for each row; got shape {array.shape} for {n_rows} rows.")
    return array


def check_as_read(X: Any, y: Any, *, codec: ImageCodec | TableCodec, labels: LabelCodec | NoLabels) -> None:
    """Raise ShapeError unless rows and labels can be joined with what the codecs give back."""
    pairs = [("X", X, codec.container)]
    pairs += [] if isinstance(labels, NoLabels) else [("y", y, labels.container)]
    for name, values, container in pairs:
        came = unwrap(known(values))[1]
        if came.kind != container.kind:
            raise ShapeError(f"{name} must come as fit saw it ({container.kind}); got {came.kind}. Convert it first.")
    came = unwrap(known(X))[1]
    if tuple(np.shape(X)[1:]) != codec.row_shape or came.names != codec.container.names:
        got = f"columns {came.names}" if came.names else f"{np.shape(X)}"
        raise ShapeError(f"X must have the shape and columns that fit saw, rows of {codec.row_shape}; got {got}.")
    if isinstance(codec, ImageCodec) and ("float" in came.dtype) != ("float" in codec.container.dtype):
        raise ShapeError(
            f"images must be of the kind that fit saw ({codec.container.dtype}); got {came.dtype}. Rescale one of them."
        )


def checked_to_predict(estimator: BaseEstimator, X: Any, codec: ImageCodec | TableCodec) -> Any:
    """Return rows as they are (flat arrays as scikit-learn has checked them), if they have the shape that fit saw.

    Raises
    ------
    ShapeError, ValueError
        If they have not; for flat rows scikit-learn's own message.
    """
    X = known(X)
    if X.ndim <= 2:
        checked = validate_data(estimator, X, reset=False, dtype="numeric")
        return X if hasattr(X, "columns") or isinstance(X, torch.Tensor) else checked
    codec.encode(unwrap(X)[0])
    return X


def count_rows(X: Any, y: Any, labels: LabelCodec | NoLabels) -> Counts:
    """Return the rows of each class that has any, by its label.

    Raises
    ------
    LabelError
        If there is not one label for each row, or a label is unknown.
    """
    if y is None and isinstance(labels, NoLabels):
        return {None: len(X)}
    numbers = np.bincount(labels.encode(y), minlength=len(labels.classes))
    check_same_length(X, y)
    return {label: int(n) for label, n in zip(labels.classes.tolist(), numbers, strict=True) if n}


def _checked_images(images: Any) -> np.ndarray:
    array = np.asarray(images)
    if array.dtype.kind not in "fiub":
        raise ShapeError(
            f"images must hold numbers; got dtype {array.dtype}. Convert them: np.stack(images).astype('float32')."
        )
    if len(array) == 0:
        raise ShapeError(f"images must hold at least one row; got shape {array.shape} (empty).")
    return array
