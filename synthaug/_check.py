"""Border checks: the one place that words what is wrong with arrays, labels and counts.

Inside the library every array has been here; nothing below repeats a check.
"""

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from synthaug.errors import ConfigError, LabelError, ShapeError, unknown_word

MIN_PIXELS, MAX_PIXELS = 8, 128
FEWEST_ROWS = 2
_FEW_CLASSES = 10
_MOST_ROWS = 10_000_000
T = TypeVar("T")


def check_equal_shapes(rows: Any) -> None:
    """Raise ShapeError if the rows of a list or of an object array differ in shape."""
    if not isinstance(rows, list | tuple) and str(getattr(rows, "dtype", "")) != "object":
        return
    shapes = [tuple(np.shape(row)) for row in rows]
    if len(set(shapes)) > 1:
        odd = next(i for i, shape in enumerate(shapes) if shape != shapes[0])
        raise ShapeError(
            f"rows must all have one shape; got {shapes[0]} in row 0 and {shapes[odd]} in row {odd}. "
            "Resize or crop the images to one size first."
        )


def check_finite_images(images: np.ndarray) -> None:
    """Raise ShapeError if an image of shape (n, ...) holds NaN or an infinite pixel."""
    if images.dtype.kind != "f":
        return
    bad = ~np.isfinite(images.reshape(len(images), -1)).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        what = "NaN" if np.isnan(images[row]).any() else "infinity"
        raise ShapeError(
            f"pixels must be finite; got {what} in {int(bad.sum())} of {len(images)} images (the first is row {row}). "
            "Drop these rows or fill the pixels."
        )


def check_image_size(shape: tuple[int, int, int]) -> None:
    """Raise ShapeError unless a (c, h, w) shape has sides of 8 to 128 pixels and at least one channel."""
    channels, height, width = shape
    if channels < 1 or not all(MIN_PIXELS <= side <= MAX_PIXELS for side in (height, width)):
        raise ShapeError(
            f"images must be {MIN_PIXELS} to {MAX_PIXELS} pixels high and wide; got {height} x {width} with {channels} "
            "channel(s). Resize them first; for a table pass two-dimensional rows without image_shape."
        )


def check_image_shape(image_shape: Any) -> None:
    """Raise ShapeError unless ``image_shape`` is two or three positive integers."""
    sides = image_shape if isinstance(image_shape, tuple | list) else ()
    if len(sides) not in (2, 3) or not all(_is_number(side, integer=True) and side > 0 for side in sides):
        raise ShapeError(
            f"image_shape must be (h, w), (h, w, c) or (c, h, w) in whole numbers; got {image_shape!r}. "
            "Say it like image_shape=(28, 28)."
        )


def check_column_names(frame: pd.DataFrame) -> None:
    """Raise ShapeError if two columns of a DataFrame have one name, or some names are words and others are not."""
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()].tolist()[0]
        raise ShapeError(
            f"table columns must have names of their own; got {twice!r} more than once. Rename them, or drop one: "
            "X.loc[:, ~X.columns.duplicated()]."
        )
    kinds = sorted({type(name).__name__ for name in frame.columns})
    if len(kinds) > 1 and "str" in kinds:
        raise ShapeError(
            f"table columns must have names of one type; got {' and '.join(kinds)}. "
            "Make all of them words: X.columns = X.columns.astype(str)."
        )


def check_same_length(X: Any, y: Any) -> None:
    """Raise LabelError unless there is one label for each row."""
    n_rows, n_labels = len(X), len(y)
    if n_rows != n_labels:
        raise LabelError(f"y must hold one label for each row of X; got {n_rows} rows and {n_labels} labels.")


def check_labels(y: Any) -> np.ndarray:
    """Return the labels as an array of shape (n,), or raise LabelError if they are missing or no classes.

    Raises
    ------
    LabelError
        If ``y`` is None or holds missing values.
    ValueError
        If ``y`` is not one-dimensional or a regression target (scikit-learn's own message).
    """
    labels = _plain_labels(y)
    check_classification_targets(labels)
    return labels


def check_training_labels(y: Any) -> np.ndarray:
    """Return the labels as an array of shape (n,), as ``check_labels`` does, if most share their class with others.

    Raises
    ------
    LabelError
        If ``y`` is None or holds missing values, or so many classes that most rows stand alone in theirs.
    ValueError
        If ``y`` is not one-dimensional or holds fractions (scikit-learn's own message).
    """
    labels = _plain_labels(y)
    classes = np.unique(labels)
    if labels.dtype.kind != "f" and len(classes) > max(_FEW_CLASSES, len(labels) // 2):
        row = int(np.flatnonzero(labels == classes[-1])[0])
        raise LabelError(
            f"y must hold classes; got {len(classes)} different values in {len(labels)} rows, "
            f"{classes[-1:].tolist()[0]!r} in row {row} for one (is this a regression target, or a key?). "
            "Name the column of classes, or bin it: pandas.qcut(y, 4, labels=False)."
        )
    check_classification_targets(labels)
    return labels


def _plain_labels(y: Any) -> np.ndarray:
    if y is None:
        raise LabelError("y must be given: this estimator requires y to be passed, but the target y is None.")
    labels = y.detach().cpu().numpy() if isinstance(y, torch.Tensor) else np.asarray(y)
    labels = column_or_1d(labels, warn=True)
    given = _as_given(y, labels)
    missing = np.flatnonzero(pd.isna(given))
    if len(missing):
        raise LabelError(
            f"labels must not be missing (NaN, None); got {len(missing)} missing, the first in row {missing[0]}. "
            "Drop the unlabelled rows, or pass them as X_unlabeled to a learner that uses them."
        )
    if labels.dtype.kind in "mM":
        raise LabelError(f"labels must be words, numbers or truth values; got {labels.dtype}. Convert them to text.")
    kinds = sorted({type(label).__name__ for label in given.tolist()}) if given.dtype == object else []
    if len(kinds) > 1:
        raise LabelError(f"labels must be of one type; got {' and '.join(kinds)}. Convert them to one.")
    return labels


def _as_given(y: Any, labels: np.ndarray) -> np.ndarray:
    """Return a list's own entries where NumPy made strings of them all, of numbers and NaN too; else the labels."""
    turned = isinstance(y, list | tuple) and labels.dtype.kind in "US"
    return (
        np.array([str(label) if isinstance(label, str) else label for label in y], dtype=object) if turned else labels
    )


def check_two_classes(classes: np.ndarray) -> None:
    """Raise LabelError unless there are at least two classes."""
    if len(classes) < 2:
        got = f"one class ({classes.tolist()[0]!r})" if len(classes) else "no label"
        raise LabelError(f"y must hold at least two classes; got {got}. Pass rows of every class.")


def check_fraction(name: str, value: Any, *, most: float = 1.0) -> float:
    """Return a number in [0, most], or raise ConfigError."""
    if not _is_number(value) or not 0 <= value <= most:
        raise ConfigError(f"{name} must be a number from 0 to {most:g}; got {value!r}.")
    return float(value)


def check_positive(name: str, value: Any, *, integer: bool = False) -> Any:
    """Return a positive number, an integer where asked, or raise ConfigError."""
    if not _is_number(value, integer=integer) or not 0 < value < math.inf:
        raise ConfigError(f"{name} must be a positive {'integer' if integer else 'number'}; got {value!r}.")
    return value


def check_count(name: str, value: Any) -> int:
    """Return a number of rows from 0 to ten million, or raise ConfigError."""
    if not _is_number(value, integer=True) or not 0 <= value <= _MOST_ROWS:
        raise ConfigError(f"{name} must be a whole number from 0 to {_MOST_ROWS:,}; got {value!r}.")
    return int(value)


def _is_number(value: Any, *, integer: bool = False) -> bool:
    return isinstance(value, numbers.Integral if integer else numbers.Real) and not isinstance(value, bool)


def check_word(name: str, value: Any, known: Mapping[str, T]) -> T:
    """Return ``known[value]``, or raise ConfigError with the nearest word."""
    if not isinstance(value, str) or value not in known:
        raise unknown_word(name, value, known)
    return known[value]


def check_choice(name: str, value: Any, known: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``known``, or raise ConfigError with the nearest word."""
    return check_word(name, value, {word: word for word in known})


def check_flag(name: str, value: Any) -> None:
    """Raise ConfigError unless a value is True or False: a word such as 'no' would count as yes."""
    if not isinstance(value, bool | np.bool_):
        raise ConfigError(f"{name} must be True or False; got {value!r}.")


def check_device(device: str | torch.device) -> torch.device:
    """Return the device meant: ``auto`` is the GPU where there is one, else the CPU.

    Raises
    ------
    ConfigError
        If a GPU is asked for that is not there, or the word names no device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f"device must be auto, cpu, cuda or cuda:0, ...; got {device!r}.") from error
    if wanted.type == "cuda" and (wanted.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"device must be there; got {device!r}, but this machine shows {torch.cuda.device_count()} CUDA device(s). "
            "Pass device='cpu' or 'auto'."
        )
    if wanted.type not in ("cpu", "cuda"):
        raise ConfigError(f"device must be auto, cpu or cuda; got {device!r}.")
    return wanted
