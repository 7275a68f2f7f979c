"""What is wrong with a table, in words: the column, the row number (from 0) and the remedy."""

from typing import Any

import numpy as np
import pandas as pd

from synthaug.errors import CellError, ShapeError

_PLAIN = (str, bool, int, float, complex, bytes, np.generic)
_REMEDIES = {
    "datetime": "Convert it: X[{0!r}] = pandas.to_datetime(X[{0!r}]).",
    "datetime64": "Convert it: X[{0!r}] = pandas.to_datetime(X[{0!r}]).",
    "date": "Convert it: X[{0!r}] = pandas.to_datetime(X[{0!r}]).",
    "timedelta": "Convert it: X[{0!r}] = pandas.to_timedelta(X[{0!r}]).",
    "decimal": "Convert it: X[{0!r}] = X[{0!r}].astype(float).",
    "period": "Convert it: X[{0!r}] = X[{0!r}].dt.to_timestamp().",
    "bytes": "Convert it: X[{0!r}] = X[{0!r}].str.decode('utf-8').",
}
_REMEDY = "Convert it to one of these, X[{0!r}] = X[{0!r}].astype(str) for example, or drop it."


def check_has_cells(table: Any) -> None:
    """Raise ShapeError if a table has no row, or no column."""
    if 0 in np.shape(table):
        raise ShapeError(
            f"a table must hold at least one row and one column; got shape {np.shape(table)}, 0 sample(s) or 0 "
            "feature(s). Check the file or the filter that it came from."
        )


def check_finite(numbers: np.ndarray, name: Any) -> None:
    """Raise ShapeError if a number (n,) is infinite; NaN is a missing value."""
    if numbers.dtype.kind == "f" and np.isinf(numbers).any():
        row = int(np.flatnonzero(np.isinf(numbers))[0])
        raise ShapeError(
            f"numbers must be finite; column {name!r} contains infinity ({numbers[row]}) in row {row}. Write NaN there "
            "(a missing value), cap it, or drop the row."
        )


def odd_type(name: Any, dtype: Any, kind: str = "") -> ShapeError:
    """Return the error for a column of a type that is not learned."""
    remedy = _REMEDIES.get(kind, _REMEDY).format(name)
    what = f"{kind} objects" if kind else str(dtype)
    return ShapeError(
        f"columns must hold numbers, words, booleans, dates or categories; got {what} in column {name!r}. {remedy}"
    )


def odd_cell(cells: np.ndarray, name: Any) -> ShapeError:
    """Return the error for a column of objects (n,) that are no words and no numbers, or of several types."""
    present = np.flatnonzero(~pd.isna(pd.Series(cells, dtype=object)).to_numpy())
    nested = [row for row in present if not isinstance(cells[row], _PLAIN)]
    if nested:
        row = int(nested[0])
        return CellError(
            f"a cell's argument must be a string, a number, a boolean or missing; got {type(cells[row]).__name__} in "
            f"column {name!r}, row {row}. Split it into columns of its own, pandas.json_normalize for example, or drop "
            f"{name!r}."
        )
    first = _family(cells[present[0]])
    row = int(next((row for row in present if _family(cells[row]) != first), present[0]))
    return ShapeError(
        f"a column must hold values of one type; column {name!r} holds {first} in row {present[0]} and "
        f"{_family(cells[row])} in row {row}. Make them one: X[{name!r}].astype(str), or "
        f"pandas.to_numeric(X[{name!r}], errors='coerce')."
    )


def check_known(known: np.ndarray, name: Any) -> None:
    """Raise ShapeError unless each category of a column was known to ``fit`` (n,); its word may be a patient's."""
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        raise ShapeError(
            f"categories must be among those that fit saw; got another in column {name!r}, row {row}. Fit on rows that "
            "hold it, or write NaN there if fit saw missing values."
        )


def check_none_missing(missing: np.ndarray, name: Any) -> None:
    """Raise ShapeError if a value is missing (n,), where ``fit`` saw none that was."""
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise ShapeError(
            f"values must not be missing where fit saw none missing; got NaN in column {name!r}, row {row}. Fill it, "
            "or fit on rows with missing values too."
        )


def _family(cell: Any) -> str:
    for name, types in (("a boolean", bool | np.bool_), ("a string", str), ("bytes", bytes)):
        if isinstance(cell, types):
            return name
    return "a number"
