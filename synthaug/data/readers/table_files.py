"""Tables in files: ``.csv`` with a header, and ``.parquet``.

What a ``.csv`` file says in text alone is inferred: dates that are written as 2024-05-31 become dates, whole numbers
stay whole where some are missing, and a column where one begins with a zero, as postcodes do, holds words. Every line
must have as many fields as the header.
"""

import csv
import difflib
import io
import re
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthaug.errors import ConfigError, FileError, ShapeError, SynthaugWarning

_UNREADABLE = (ValueError, OSError, OverflowError, NotImplementedError)
_DATE = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d.*)?")
_CODE = re.compile(r"0\d+")
_MOSTLY = 0.9


def read_table(path: Path) -> pd.DataFrame:
    """Return the table of a ``.csv`` or ``.parquet`` file.

    Raises
    ------
    FileError
        If the file is damaged or foreign, or a line of it is broken; the line is named.

    Warns
    -----
    SynthaugWarning
        If a column of a ``.csv`` file holds numbers, and words in a few lines; the first of them is named.
    """
    return _read(path, _csv)


def read_manifest(path: Path, *, words: Iterable[str], label: str | None) -> pd.DataFrame:
    """Return the table of a ``.csv`` or ``.parquet`` file, of which in ``.csv`` only an empty cell is missing.

    Parameters
    ----------
    path
        The file.
    words
        Columns that stay as they are written, numbers too.
    label
        The column of labels, None for none: what it holds is inferred as in ``read_table``.

    Raises
    ------
    FileError
        If the file is damaged or foreign, or a line of it is broken; the line is named.

    Warns
    -----
    SynthaugWarning
        If the labels of a ``.csv`` file are numbers, and words in a few lines; the first of them is named.
    """
    return _read(path, partial(_csv_as_said, words=set(words) - {label}, label=label))


def read_labelled_table(path: Path, label: str | None) -> tuple[pd.DataFrame, pd.Series]:
    """Return the rows and the labels of a table file.

    Raises
    ------
    FileError
        If the file is damaged or foreign.
    ConfigError
        If the label's column is not named or not there.
    """
    table = read_table(path)
    columns = [str(column) for column in table.columns]
    if label is None:
        raise ConfigError(f"label must name the column of the labels; '{path}' has {_listed(columns)}.")
    if label not in columns:
        near = difflib.get_close_matches(label, columns, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"label must be a column of '{path}': {_listed(columns)}; got {label!r}.{hint}")
    return table.drop(columns=label), table[label]


def csv_bytes(X: Any, y: Any, label: str) -> bytes:
    """Return a labelled table as the content of a ``.csv`` file."""
    return _labelled(X, y, label, ".csv").to_csv(index=False).encode()


def parquet_bytes(X: Any, y: Any, label: str) -> bytes:
    """Return a labelled table as the content of a ``.parquet`` file, types kept.

    Raises
    ------
    FileError
        If pyarrow is not installed.
    """
    buffer = io.BytesIO()
    try:
        _labelled(X, y, label, ".parquet").to_parquet(buffer, index=False)
    except ImportError as error:
        raise FileError("a .parquet file needs pyarrow to be written. Install it: pip install pyarrow.") from error
    return buffer.getvalue()


def _read(path: Path, read_csv: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    read, what = {".csv": (read_csv, "a .csv file with a header"), ".parquet": (_parquet, "a .parquet file")}[
        path.suffix.lower()
    ]
    try:
        return read(path)
    except FileError:
        raise
    except _UNREADABLE as error:
        raise FileError(f"'{path}' must be {what}; {' '.join(str(error).split())}.") from error


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise FileError(f"'{path}' needs pyarrow to be read. Install it: pip install pyarrow.") from error


def _csv(path: Path) -> pd.DataFrame:
    text = _text(path)
    codes = _check_lines(path, text)
    table = pd.read_csv(io.StringIO(text), low_memory=False, dtype=dict.fromkeys(codes, "str"))
    for name in table.columns:
        table[name] = _inferred(table[name])
        _warn_of_a_few_words(path, table[name])
    return table


def _csv_as_said(path: Path, words: set[str], label: str | None) -> pd.DataFrame:
    text = _text(path)
    kept = dict.fromkeys([*_check_lines(path, text), *words], "str")
    table = pd.read_csv(io.StringIO(text), low_memory=False, dtype=kept, keep_default_na=False, na_values=[""])
    if label in table.columns:
        table[label] = _inferred(table[label])
        _warn_of_a_few_words(path, table[label])
    return table


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"'{path}' must be a .csv file with a header, in UTF-8; line {line} is not. Save it as 'CSV UTF-8'."
        ) from error


def _check_lines(path: Path, text: str) -> list[str]:
    """Return the columns of codes, which a number would rob of leading zeros; raise FileError if a line has more or
    fewer fields than the header, or two columns have one name.
    """
    lines, codes = csv.reader(io.StringIO(text, newline=""), strict=True), set[str]()
    try:
        header = next((fields for fields in lines if fields), [])
        _check_header(path, header)
        for fields in lines:
            if fields and len(fields) != len(header):
                raise FileError(
                    f"'{path}' must be a .csv file with a header, and have its {len(header)} fields in every line; got "
                    f"{len(fields)} in line {lines.line_num}. Mend this line: a comma inside a cell needs quotes."
                )
            codes |= {name for name, field in zip(header, fields, strict=False) if _CODE.fullmatch(field)}
    except csv.Error as error:
        raise FileError(
            f"'{path}' must be a .csv file with a header; line {lines.line_num} is broken ({error}). Mend this line."
        ) from error
    return [name for name in header if name and name in codes]


def _check_header(path: Path, header: list[str]) -> None:
    twice = [name for place, name in enumerate(header) if name and name in header[:place]]
    if twice:
        raise FileError(
            f"columns of '{path}' must have names of their own; got {twice[0]!r} more than once. Rename one."
        )
    other = next((mark for mark in ";\t" if len(header) == 1 and mark in header[0]), "")
    if other:
        raise FileError(
            f"'{path}' must be a .csv file with a header, its fields parted by commas; got {other!r} between them. "
            "Save it with commas."
        )


def _inferred(column: pd.Series) -> pd.Series:
    """Return a column of a ``.csv`` file: dates as dates, whole numbers whole where some are missing."""
    present = column.dropna()
    if len(present) == 0:
        return column
    if _is_text(column):
        return _as_dates(column) if all(_DATE.fullmatch(str(cell)) for cell in present) else column
    whole = (
        column.dtype.kind == "f"
        and len(present) < len(column)
        and bool((present == np.rint(present)).all() and (present.abs() < 2**53).all())
    )
    return column.astype("Int64") if whole else column


def _as_dates(column: pd.Series) -> pd.Series:
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce")
    return dates if dates.notna().sum() == column.notna().sum() else column


def _warn_of_a_few_words(path: Path, column: pd.Series) -> None:
    """Warn if a column of words holds numbers but for a few cells: they are learned as categories, all of them."""
    if not _is_text(column) or column.notna().sum() == 0:
        return
    words = column.notna() & pd.to_numeric(column, errors="coerce").isna()
    if 0 < words.sum() <= (1 - _MOSTLY) * column.notna().sum():
        row = int(np.flatnonzero(words)[0])
        warnings.warn(
            f"column {column.name!r} of '{path}' holds numbers, but words in {int(words.sum())} of {len(column)} rows "
            f"(the first: {column.iloc[row]!r} in row {row}), so all of it is read as words. Leave those cells empty "
            "to have numbers.",
            SynthaugWarning,
            stacklevel=2,
        )


def _is_text(column: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(column.dtype) or column.dtype == object)


def _labelled(X: Any, y: Any, label: str, kind: str) -> pd.DataFrame:
    if not isinstance(X, pd.DataFrame) and np.ndim(X) != 2:
        raise ShapeError(f"a {kind} file holds a table (n, d); got rows of shape {np.shape(X)[1:]}. Write a .npz file.")
    table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X)).rename(columns=str)
    if label in table.columns:
        raise ConfigError(f"label must be a column that is not there yet; got {label!r}. Choose another name.")
    return table.assign(**{label: y.array if isinstance(y, pd.Series) else np.asarray(y)})


def _listed(names: Iterable[str], most: int = 12) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")
