"""What ``fit`` reads: the user's rows and labels, checked, with the codecs that put others back into their form."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from synthaug._check import (
    check_column_names,
    check_equal_shapes,
    check_same_length,
    check_training_labels,
    check_two_classes,
)
from synthaug.augment.plan import Counts
from synthaug.data.container import Container, known, unwrap
from synthaug.data.images import ImageCodec
from synthaug.data.item_format import ItemFormat
from synthaug.data.labels import LabelCodec, NoLabels, fit_label_codec
from synthaug.data.rows import RowsOptions, category_columns, fit_row_codec
from synthaug.data.tables import TableCodec
from synthaug.data.torch_rows import read_rows
from synthaug.errors import KeyColumnWarning, ShapeError, UnseenValueWarning

_WORDS = "OUS"  # NumPy's kinds of types


@dataclass(frozen=True)
class Reading:
    """Training rows as they were read.

    Attributes
    ----------
    rows
        The rows as the user has them, in an array (n, ...) or a DataFrame.
    numbers
        The class number of each row (n,), int64; 0 where there are no labels.
    codec, labels
        The way between the user's rows and labels and the model's.
    item_format
        The form of a torch Dataset's items; None where arrays came.
    """

    rows: Any
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
    if isinstance(X, torch.utils.data.Dataset | torch.utils.data.DataLoader):
        read = read_rows(X)
        X, y, item_format = read.X, read.y, read.item_format
    check_equal_shapes(X)
    plain, container = unwrap(known(X))
    rows = _checked_flat(estimator, plain, options) if plain.ndim <= 2 else _checked_images(plain)
    if y is None and item_format is None:
        codec = _codec_of(rows, container, options)
        return Reading(rows, np.zeros(len(rows), dtype=np.int64), codec, NoLabels())
    check_same_length(rows, check_training_labels(y))
    codec, labels = _codec_of(rows, container, options), fit_label_codec(y)
    check_two_classes(labels.classes)
    return Reading(rows, labels.encode(y), codec, labels, item_format)


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
    if X.ndim > 2:
        codec.encode(unwrap(X)[0])
        return X
    if isinstance(X, pd.DataFrame) and isinstance(codec, TableCodec):
        validate_data(estimator, X, reset=False, skip_check_array=True)
        return X
    checked = validate_data(estimator, X, reset=False, **_demands(X, codec))
    return X if hasattr(X, "columns") or isinstance(X, torch.Tensor) else checked


def warn_of_strangers(X: Any, codec: ImageCodec | TableCodec, *, stacklevel: int = 2) -> None:
    """Warn if rows of a table hold what no training row did: a category, a missing value, an infinite number.

    Parameters
    ----------
    X
        Rows with the columns of ``fit``.
    codec
        Says what the training rows held.
    stacklevel
        As in ``warnings.warn``, seen from the caller.

    Warns
    -----
    UnseenValueWarning
        If one does; the column and the row are named.
    """
    if not isinstance(codec, TableCodec):
        return
    try:
        codec.encode(unwrap(known(X))[0])
    except ShapeError as error:
        warnings.warn(f"X holds what fit did not see: {error}", UnseenValueWarning, stacklevel=stacklevel + 1)


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


def _checked_flat(estimator: BaseEstimator, plain: Any, options: RowsOptions) -> Any:
    """Return flat rows: images with ``image_shape`` as an array of finite numbers, a table in what it came in."""
    if options.image_shape is not None:
        return validate_data(estimator, plain, dtype="numeric")
    if isinstance(plain, pd.DataFrame):
        check_column_names(plain)
        validate_data(estimator, plain, skip_check_array=True)
        return plain
    holds_words = getattr(plain.dtype, "kind", "") in _WORDS
    return validate_data(estimator, plain, dtype=None if holds_words else "numeric", ensure_all_finite=False)


def _demands(X: Any, codec: ImageCodec | TableCodec) -> dict[str, Any]:
    """Return what scikit-learn checks flat rows to predict by: pixels are finite, a table may hold words and NaN."""
    if not isinstance(codec, TableCodec):
        return {"dtype": "numeric"}
    holds_words = getattr(X.dtype, "kind", "") in _WORDS
    return {"dtype": None if holds_words else "numeric", "ensure_all_finite": False if holds_words else "allow-nan"}


def _codec_of(rows: Any, container: Container, options: RowsOptions) -> ImageCodec | TableCodec:
    codec = fit_row_codec(rows, container, options)
    if isinstance(codec, TableCodec):
        _warn_of_keys(codec, options)
    return codec


def _warn_of_keys(codec: TableCodec, options: RowsOptions) -> None:
    if keys := codec.key_columns:
        warnings.warn(
            f"columns that tell rows apart are not learned, and drawn rows get keys of their own; got {keys}. Drop "
            "them, or name them in categorical_features to learn their values.",
            KeyColumnWarning,
            stacklevel=5,
        )
    named = category_columns(options.categorical_features, codec.container.names, len(codec.codecs))
    if again := [codec.types[place].name for place in codec.telling_columns if place not in named]:
        warnings.warn(
            f"categories that tell rows apart are learned, and drawn again as they are; got {again}. Drop them, make "
            "them words, which are drawn anew (X[column].astype(str)), or name them in categorical_features.",
            KeyColumnWarning,
            stacklevel=5,
        )


def _checked_images(images: Any) -> np.ndarray:
    array = np.asarray(images)
    if array.dtype.kind not in "fiub":
        raise ShapeError(
            f"images must hold numbers; got dtype {array.dtype}. Convert them: np.stack(images).astype('float32')."
        )
    if len(array) == 0:
        raise ShapeError(f"images must hold at least one row; got shape {array.shape} (empty).")
    return array
