"""One column's cells, out of the user's type and into it again."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types as kinds

from synthaug.data.tables.checks import check_finite, odd_cell, odd_type
from synthaug.errors import ShapeError

Content = Literal["real", "whole", "moment", "span", "flag", "word", "code"]
_OF_OBJECTS: dict[str, Content] = {
    "string": "word",
    "boolean": "flag",
    "integer": "whole",
    "floating": "real",
    "mixed-integer-float": "real",
    "empty": "word",
}
_TOKENS: dict[str, Any] = {"None": None, "nan": float("nan"), "NA": pd.NA, "NaT": pd.NaT}
_TOO_LARGE = 2.0**63


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of one column.

    Attributes
    ----------
    values
        Shape (n,): float64; int64 for whole numbers, moments, spans, booleans and codes of categories; objects for
        words. Whatever stands where a value is missing.
    missing
        Which are, bool, shape (n,).
    column
        The user's own column (n,), for messages; None of drawn cells.
    """

    values: np.ndarray
    missing: np.ndarray
    column: pd.Series | None = None

    @property
    def present(self) -> np.ndarray:
        """The values that are not missing, shape (m,)."""
        return self.values[~self.missing]


@dataclass(frozen=True)
class ColumnType:
    """What the user's column is.

    Attributes
    ----------
    name
        Its name.
    dtype
        Its type, pandas' or NumPy's.
    content
        ``real``, ``whole`` (numbers), ``moment`` (date and time), ``span`` (of time), ``flag`` (boolean), ``word``, or
        ``code`` (a pandas category's).
    missing_as
        What stands for a missing value among objects: a key of ``None``, ``nan``, ``NA``, ``NaT``.
    """

    name: Any
    dtype: Any
    content: Content
    missing_as: str = "nan"

    def read(self, column: pd.Series) -> Cells:
        """Return the cells of a column (n,).

        Raises
        ------
        ShapeError
            If it holds an infinite number or something else than the training column did.
        """
        missing = column.isna().to_numpy(dtype=bool)
        if missing.all():
            return Cells(np.zeros(len(column), dtype=np.int64), missing, column)
        return Cells(_READERS[self.content](column, missing, self), missing, column)

    def write(self, cells: Cells) -> pd.Series:
        """Return cells as a column of the user's type, shape (n,)."""
        if self.dtype == object:
            return pd.Series(_as_objects(cells, self), dtype=object)
        if self.content in ("moment", "span"):
            return _as_times(cells, self)
        if self.content == "code":
            codes = np.where(cells.missing, -1, cells.values.astype(np.int64))
            return pd.Series(pd.Categorical.from_codes(codes, dtype=self.dtype))
        if self.content == "word":
            return pd.Series(np.where(cells.missing, np.array(None), cells.values), dtype=self.dtype)
        return _as_numbers(cells, self)

    def write_array(self, cells: Cells) -> np.ndarray:
        """Return cells as a column of an array, shape (n,): float64, int64, bool, times or objects."""
        if self.dtype == object or self.content == "word":
            return _as_objects(cells, self)
        if self.content in ("moment", "span"):
            return _as_times(cells, self).to_numpy()
        values = cells.values.astype(bool) if self.content == "flag" else cells.values
        return np.where(cells.missing, np.nan, values) if cells.missing.any() else values


def read_type(column: pd.Series, name: Any) -> ColumnType:
    """Return the type of a training column.

    Raises
    ------
    ShapeError
        If its type is not learned, or it holds objects of several types.
    CellError
        If a cell holds a list, a dictionary or the like.
    """
    if column.dtype == object:
        return _type_of_objects(column, name)
    return ColumnType(name, column.dtype, _content(column.dtype, name))


def numpy_type(dtype: Any) -> Any:
    """Return NumPy's type of the numbers in a column of a type, be it sparse, masked or Arrow's."""
    dtype = dtype.subtype if isinstance(dtype, pd.SparseDtype) else dtype
    return getattr(dtype, "numpy_dtype", dtype)


def _type_of_objects(column: pd.Series, name: Any) -> ColumnType:
    cells = column.to_numpy(dtype=object)
    kind = kinds.infer_dtype(cells, skipna=True)
    if kind not in _OF_OBJECTS:
        raise odd_cell(cells, name) if kind.startswith("mixed") else odd_type(name, column.dtype, kind)
    missing = list(cells[column.isna().to_numpy()][:1])
    token = next((key for key, value in _TOKENS.items() if missing and missing[0] is value), "nan")
    return ColumnType(name, column.dtype, _OF_OBJECTS[kind], token)


def _content(dtype: Any, name: Any) -> Content:
    subtype = getattr(dtype, "subtype", dtype) if isinstance(dtype, pd.SparseDtype) else dtype
    tests: list[tuple[Any, Content]] = [
        (lambda kind: isinstance(kind, pd.CategoricalDtype), "code"),
        (kinds.is_bool_dtype, "flag"),
        (kinds.is_integer_dtype, "whole"),
        (kinds.is_float_dtype, "real"),
        (kinds.is_datetime64_any_dtype, "moment"),
        (kinds.is_timedelta64_dtype, "span"),
        (kinds.is_string_dtype, "word"),
    ]
    for test, content in tests:
        if test(subtype):
            return content
    raise odd_type(name, dtype)


def _read_numbers(column: pd.Series, missing: np.ndarray, kind: ColumnType) -> np.ndarray:
    """Return int64 where all are whole by type and fit into it, else float64; 0 where missing."""
    found = column[~missing].to_numpy() if column.dtype != object else np.array(column[~missing].tolist())
    if found.dtype.kind not in "iufb":
        raise _other(column, kind, "numbers")
    exact = found.dtype.kind in "ib" or (found.dtype.kind == "u" and found.max() < _TOO_LARGE)
    values = np.zeros(len(column), dtype=np.int64 if exact else np.float64)
    values[~missing] = found
    check_finite(values, kind.name)
    return values


def _read_flags(column: pd.Series, missing: np.ndarray, kind: ColumnType) -> np.ndarray:
    values = _read_numbers(column, missing, kind)
    if not np.isin(values, (0, 1)).all():
        raise _other(column, kind, "booleans")
    return values.astype(np.int64)


def _read_moments(column: pd.Series, missing: np.ndarray, kind: ColumnType) -> np.ndarray:
    """Return local times since 1970 in the type's own unit, int64."""
    if not kinds.is_datetime64_any_dtype(column.dtype):
        raise _other(column, kind, "dates")
    zone = getattr(kind.dtype, "tz", None)
    local = column.dt.tz_convert(zone).dt.tz_localize(None) if zone and column.dt.tz else column
    return np.where(missing, 0, local.to_numpy(dtype=f"M8[{_unit(kind.dtype)}]").view(np.int64))


def _read_spans(column: pd.Series, missing: np.ndarray, kind: ColumnType) -> np.ndarray:
    if not kinds.is_timedelta64_dtype(column.dtype):
        raise _other(column, kind, "spans of time")
    return np.where(missing, 0, column.to_numpy(dtype=f"m8[{_unit(kind.dtype)}]").view(np.int64))


def _read_words(column: pd.Series, missing: np.ndarray, kind: ColumnType) -> np.ndarray:
    values = column.to_numpy(dtype=object)
    if kinds.infer_dtype(values[~missing], skipna=True) != "string":
        raise _other(column, kind, "words")
    return values


def _read_codes(column: pd.Series, missing: np.ndarray, kind: ColumnType) -> np.ndarray:
    """Return the places of categories in the training column's type, -1 where it has none such."""
    if column.dtype == kind.dtype:
        return column.cat.codes.to_numpy().astype(np.int64)
    return kind.dtype.categories.get_indexer(column.astype(object)).astype(np.int64)


def _as_objects(cells: Cells, kind: ColumnType) -> np.ndarray:
    values = cells.values.astype(bool) if kind.content == "flag" else cells.values
    if kind.content == "whole" and values.dtype.kind == "f":
        values = np.array([int(value) for value in np.rint(values)], dtype=object)
    found = np.empty(len(values), dtype=object)
    found[:] = values.tolist()
    found[cells.missing] = _TOKENS[kind.missing_as]
    return found


def _as_times(cells: Cells, kind: ColumnType) -> pd.Series:
    letter, unit = ("M" if kind.content == "moment" else "m"), _unit(kind.dtype)
    values = cells.values.astype(np.int64).view(f"{letter}8[{unit}]")
    values[cells.missing] = np.datetime64("NaT") if letter == "M" else np.timedelta64("NaT")
    column, zone = pd.Series(values), getattr(kind.dtype, "tz", None)
    if zone:
        winter = np.zeros(len(values), dtype=bool)
        column = column.dt.tz_localize(zone, ambiguous=winter, nonexistent="shift_forward")
    return column.astype(kind.dtype)


def _as_numbers(cells: Cells, kind: ColumnType) -> pd.Series:
    values = cells.values
    if kind.content == "whole" and values.dtype.kind == "f":
        values = _into_range(np.rint(values), kind.dtype)
    if kind.content == "flag":
        values = values.astype(bool)
    if not cells.missing.any():
        return pd.Series(values).astype(kind.dtype)
    if kind.content == "real" and isinstance(kind.dtype, np.dtype | pd.SparseDtype):
        return pd.Series(np.where(cells.missing, np.nan, values)).astype(kind.dtype)
    return pd.Series(values).astype(kind.dtype).mask(cells.missing)


def _into_range(values: np.ndarray, dtype: Any) -> np.ndarray:
    """Return whole floats as integers that a type can hold; those at its very end move by one rounding."""
    limits = np.iinfo(numpy_type(dtype))
    return np.clip(values, float(limits.min), np.nextafter(float(limits.max), 0)).astype(limits.dtype)


def _unit(dtype: Any) -> str:
    if isinstance(dtype, pd.ArrowDtype):
        return dtype.pyarrow_dtype.unit
    return dtype.unit if isinstance(dtype, pd.DatetimeTZDtype) else np.datetime_data(dtype)[0]


def _other(column: pd.Series, kind: ColumnType, wanted: str) -> ShapeError:
    return ShapeError(
        f"column {kind.name!r} must hold {wanted}, as fit saw it ({kind.dtype}); got {column.dtype}. "
        "Convert it to the type of the training rows."
    )


_READERS = {
    "real": _read_numbers,
    "whole": _read_numbers,
    "moment": _read_moments,
    "span": _read_spans,
    "flag": _read_flags,
    "word": _read_words,
    "code": _read_codes,
}
