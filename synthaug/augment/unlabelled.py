"""Rows without labels: read as the training rows are, kept apart from rows to test on, refused where of no use."""

import inspect
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from torch import Tensor

from synthaug._check import check_equal_shapes
from synthaug.augment.fingerprints import take_fingerprints
from synthaug.data.container import known, unwrap
from synthaug.data.images import ImageCodec
from synthaug.data.labels import LabelCodec, NoLabels
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.data.tables import TableCodec
from synthaug.data.tables.numbers import NumberCodec
from synthaug.errors import ConfigError, ShapeError
from synthaug.generators import GENERATORS

_WIDEST = 2.0  # where the training rows' pixels end at -1 and 1
_MOST_OUTSIDE = 0.01
_LEAST_SPAN = 0.05  # of the training rows'


def takes_unlabelled(learner: Any) -> bool:
    """Return whether a learner, or a class of them, uses rows without labels: its ``fit`` has ``x_unlabeled``."""
    return "x_unlabeled" in inspect.signature(learner.fit).parameters


def check_takes_unlabelled(learner: Any) -> None:
    """Raise ConfigError, naming the learners that do, unless a learner uses rows without labels."""
    if takes_unlabelled(learner):
        return
    able = ", ".join(name for name, known_learner in GENERATORS.items() if takes_unlabelled(known_learner))
    raise ConfigError(
        f"X_unlabeled must go to a learner that uses rows without labels ({able}); got {type(learner).__name__}. "
        "Choose one of those, or leave X_unlabeled out."
    )


def unlabelled_for(
    learner: Any, X_unlabeled: Any, *, codec: ImageCodec | TableCodec, labels: LabelCodec | NoLabels
) -> Tensor | None:
    """Return rows without labels as a learner takes them beside labelled ones, (m, ...), float32; None for None.

    Raises
    ------
    ConfigError
        If no row has a label, or the learner has no use for rows without.
    ShapeError
        If the rows are not like the training rows.
    """
    if X_unlabeled is None:
        return None
    if isinstance(labels, NoLabels):
        raise ConfigError("X_unlabeled must come with labels y; got y=None. Join both sets of rows into X.")
    check_takes_unlabelled(learner)
    return read_unlabelled(X_unlabeled, codec)


def read_unlabelled(X_unlabeled: Any, codec: ImageCodec | TableCodec) -> Tensor:
    """Return rows without labels as a learner takes them, (m, ...), float32.

    Parameters
    ----------
    X_unlabeled
        Rows of the training rows' shape, columns, kind of numbers and range, in any container, dense.
    codec
        What the training rows were read by. Pixels beyond the range of those are clipped to it, as drawn ones are.

    Raises
    ------
    ShapeError
        If there is no row, or rows differ from the training rows in one of these.
    """
    _check_dense(X_unlabeled)
    plain, container = unwrap(known(X_unlabeled))
    if tuple(np.shape(plain)[1:]) != codec.row_shape or len(plain) == 0:
        raise ShapeError(
            f"X_unlabeled must hold rows of the shape of X's, (m, {str(codec.row_shape)[1:-1].rstrip(',')}), at least "
            f"one; got {np.shape(plain)}. Bring them to that shape, or leave X_unlabeled out."
        )
    if container.names and codec.container.names and container.names != codec.container.names:
        raise ShapeError(
            f"X_unlabeled must have X's columns in their order; got {list(container.names)}. "
            "Take them in that order: X_unlabeled[X.columns]."
        )
    if isinstance(codec, TableCodec):
        return codec.encode(_checked_table(plain, codec), spread_seed=0)
    _check_kind(np.asarray(plain).dtype, codec.container.dtype)
    _check_whole(np.asarray(plain), str(plain.dtype), codec.container.dtype)
    pixels = codec.encode(np.asarray(plain))
    _check_range(np.asarray(plain), pixels, codec)
    return pixels.clamp(-1.0, 1.0)


def check_unlabelled(X: Any, X_unlabeled: Any, augmenter: Any) -> None:
    """Raise unless rows without labels are like the rows of X, and none of them is one of those.

    Parameters
    ----------
    X, X_unlabeled
        Rows with labels (n, ...), all that may be tested on among them, and rows without (m, ...), or None.
    augmenter
        Says how rows are to be read: ``image_shape``, ``image_format``, ``categorical_features``.

    Raises
    ------
    ShapeError
        If the rows are not like those of X.
    ConfigError
        If rows of X are among them.
    """
    if X_unlabeled is None or np.ndim(X) < 2:  # what is wrong with X is said elsewhere
        return
    plain, container = unwrap(known(X))
    options = RowsOptions(augmenter.image_shape, augmenter.image_format, augmenter.categorical_features)
    read_unlabelled(X_unlabeled, fit_row_codec(plain, container, options))
    check_apart(X, X_unlabeled)


def check_apart(X: Any, X_unlabeled: Any) -> None:
    """Raise ConfigError, naming how many, if rows without labels are rows of X too (equal in every number)."""
    if X_unlabeled is None:
        return
    n_shared = int(take_fingerprints(X_unlabeled).found_in(take_fingerprints(X)).sum())
    if n_shared:
        raise ConfigError(
            f"X_unlabeled must hold no row of X, some of which are held back to test on; got {n_shared} of "
            f"{len(X_unlabeled)} rows that X holds too. Drop them from X_unlabeled."
        )


def as_rows_of(X: Any, X_unlabeled: Any) -> Any:
    """Return rows without labels, as ``read_unlabelled`` accepts them, in the container and type of X."""
    if isinstance(X, pd.DataFrame):
        return pd.DataFrame(X_unlabeled, columns=X.columns).astype(X.dtypes)
    return unwrap(known(X))[1].wrap(np.asarray(unwrap(known(X_unlabeled))[0]))


def _check_dense(X_unlabeled: Any) -> None:
    if scipy.sparse.issparse(X_unlabeled):
        raise ShapeError("X_unlabeled must be dense; got a sparse matrix. Pass X_unlabeled.toarray().")
    check_equal_shapes(X_unlabeled)


def _checked_table(plain: Any, codec: TableCodec) -> Any:
    columns = [plain.iloc[:, i] if isinstance(plain, pd.DataFrame) else plain[:, i] for i in range(plain.shape[1])]
    dtypes = codec.container.dtypes or (codec.container.dtype,) * len(columns)
    for column, dtype in zip(columns, dtypes, strict=True):
        if pd.api.types.is_numeric_dtype(column.dtype):
            _check_whole(np.asarray(column, dtype=np.float64), str(column.dtype), dtype)
    _check_scale(plain, codec)
    return plain


def _check_scale(table: Any, codec: TableCodec) -> None:
    """Raise ShapeError if most columns of numbers have medians outside the range that X has there: another scale."""
    numbers = [
        (column.name, np.median(cells.present.astype(np.float64)), column.range)
        for column, cells in zip(codec.codecs, codec.read(table), strict=True)
        if isinstance(column, NumberCodec) and len(cells.present)
    ]
    outside = [name for name, middle, (low, high) in numbers if not low <= middle <= high]
    if 2 * len(outside) > len(numbers):
        raise ShapeError(
            f"X_unlabeled must be on X's scale; got medians outside X's range in {len(outside)} of {len(numbers)} "
            f"columns (the first: {outside[0]}). Transform it by the same steps as X."
        )


def _check_whole(values: np.ndarray, came: str, dtype: str) -> None:
    """Raise ShapeError if numbers (n, ...), which came in a type, would be rounded or overflow in X's integer type."""
    whole = None if came == dtype else _whole_range(dtype)
    if whole is None:
        return
    bad = np.argwhere((values != np.rint(values)) | (values < whole[0]) | (values > whole[1]))
    if len(bad):
        raise ShapeError(
            f"X_unlabeled must hold numbers that X's type, {dtype}, can hold; got another in row {bad[0][0]}. "
            "Convert X to float, or round these."
        )


def _whole_range(dtype: str) -> tuple[int, int] | None:
    """Return the least and the greatest number of an integer type, named as numpy, torch or pandas do; else None."""
    name = dtype.lower().split("[")[0]
    if name.startswith("bool"):
        return 0, 1
    return (int(np.iinfo(name).min), int(np.iinfo(name).max)) if "int" in name else None


def _check_kind(came: np.dtype, seen: str) -> None:
    if came.kind not in "fiub" or (came.kind == "f") != ("float" in seen):
        raise ShapeError(f"X_unlabeled must hold numbers of X's kind ({seen}); got {came}. Rescale one of them.")


def _check_range(images: np.ndarray, pixels: Tensor, codec: ImageCodec) -> None:
    span = float(np.ptp(images.astype(np.float64)))
    outside = float((pixels.abs() > _WIDEST).float().mean())
    if codec.high > codec.low and (outside > _MOST_OUTSIDE or span < _LEAST_SPAN * (codec.high - codec.low)):
        raise ShapeError(
            f"X_unlabeled must be in X's range, {codec.low:g} to {codec.high:g}; got {float(images.min()):g} to "
            f"{float(images.max()):g}. Rescale one of them."
        )
