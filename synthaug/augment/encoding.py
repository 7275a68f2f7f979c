"""Mixed tables for classifiers that want numbers: the usual encoding, in front of a classifier."""

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from synthaug.augment.mix import codec_of, reads_images
from synthaug.data.tables import TableCodec
from synthaug.data.tables.categories import CategoryCodec
from synthaug.data.tables.numbers import NumberCodec
from synthaug.errors import ShapeError

_MISSING = "missing"
_TIMES = ("moment", "span")
_SECONDS_A_DAY = 24 * 60 * 60


def needs_encoding(X: Any, augmenter: Any) -> bool:
    """Return whether rows are a DataFrame that holds something else than numbers, or lacks some: categories, too, that
    are written as numbers.
    """
    if not isinstance(X, pd.DataFrame) or reads_images(augmenter, X):
        return False
    named = not isinstance(augmenter.categorical_features, str)
    if named and any(isinstance(way, CategoryCodec) for way in _codec(X, augmenter).codecs):
        return True
    return bool(X.isna().any(axis=None)) or not all(pd.api.types.is_numeric_dtype(dtype) for dtype in X.dtypes)


def default_classifier(X: Any, augmenter: Any) -> Pipeline:
    """Return logistic regression on standardised columns, encoded where rows need it; not fitted.

    Raises
    ------
    ShapeError
        If an array holds something else than numbers, or lacks some: its columns have no names to encode them by.
    """
    if not isinstance(X, pd.DataFrame) and not reads_images(augmenter, X) and _has_words_or_gaps(X):
        raise ShapeError(
            "X must hold numbers alone for the classifier that is taken where none is named; got an array with words "
            "or NaN. Pass a DataFrame, whose columns are encoded, or an estimator of your own."
        )
    plain = LogisticRegression(max_iter=1000)
    return (
        with_encoding(plain, X, augmenter) if needs_encoding(X, augmenter) else make_pipeline(StandardScaler(), plain)
    )


def with_encoding(estimator: Any, X: pd.DataFrame, augmenter: Any) -> Pipeline:
    """Return a classifier behind an encoding of its rows' columns, not fitted.

    Numbers and dates get mean 0 and variance 1, the median where they are missing, and a column that says so;
    categories are one-hot, a missing one being one more. Keys and columns of one value are left out.

    Parameters
    ----------
    estimator
        A classifier of numbers.
    X
        Training rows: what each column is taken for is what an augmenter takes it for.
    augmenter
        Says which columns of numbers are categories.
    """
    codec = _codec(X, augmenter)
    pairs = list(zip(codec.types, codec.codecs, strict=True))
    scaled = [SimpleImputer(strategy="median", add_indicator=True), StandardScaler()]
    numbers = [kind.name for kind, way in pairs if isinstance(way, NumberCodec) and kind.content not in _TIMES]
    times = [kind.name for kind, way in pairs if isinstance(way, NumberCodec) and kind.content in _TIMES]
    words = [kind.name for kind, way in pairs if isinstance(way, CategoryCodec)]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(*scaled), numbers),
            ("times", make_pipeline(Days(), *scaled), times),
            ("categories", make_pipeline(Words(), OneHotEncoder(**_ONE_HOT)), words),
        ]
    )
    return make_pipeline(columns, estimator)


class Days(FunctionTransformer):
    """``as_days`` as a step of a pipeline."""

    def __init__(self) -> None:
        super().__init__(as_days)


class Words(FunctionTransformer):
    """``as_words`` as a step of a pipeline."""

    def __init__(self) -> None:
        super().__init__(as_words)


def as_days(frame: pd.DataFrame) -> pd.DataFrame:
    """Return dates as days since 1970, and spans of time as days, (n, d), float64; NaN where missing."""
    return frame.apply(_days)


def as_words(frame: pd.DataFrame) -> pd.DataFrame:
    """Return cells as words (n, d), a missing one as ``missing``; equal numbers are one word, of whatever type."""
    return frame.astype(object).where(frame.notna(), _MISSING).map(_word)


def _word(cell: Any) -> str:
    """Return a cell as text: a column of whole numbers becomes one of floats where a cell is missing."""
    whole = isinstance(cell, Integral | np.bool_) or (isinstance(cell, float) and cell.is_integer())
    return str(int(cell) if whole else cell)


def _codec(X: pd.DataFrame, augmenter: Any) -> TableCodec:
    codec = codec_of(X, augmenter)
    assert isinstance(codec, TableCodec)
    return codec


def _has_words_or_gaps(X: Any) -> bool:
    try:
        return bool(np.isnan(np.asarray(X, dtype=np.float64)).any())
    except ValueError:
        return True
    except TypeError:  # cells of no kind: the classifier says so
        return False


def _days(column: pd.Series) -> pd.Series:
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return (column.dt.total_seconds() / _SECONDS_A_DAY).astype(np.float64)
    local = column.dt.tz_localize(None) if column.dt.tz else column
    return ((local - pd.Timestamp(0)) / pd.Timedelta(days=1)).astype(np.float64)


_ONE_HOT: dict[str, Any] = {"handle_unknown": "ignore", "sparse_output": False}
