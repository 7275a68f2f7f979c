"""Rows and labels in one file: NumPy's ``.npz`` for images and tables; ``.csv`` and ``.parquet`` for tables."""

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from synthaug._files import make_folder, write_atomically
from synthaug.data.readers.table_files import csv_bytes, parquet_bytes, read_labelled_table
from synthaug.errors import ConfigError, FileError

ARRAY_NAMES = (("x", "y"), ("X", "y"), ("x_train", "y_train"), ("X_train", "y_train"), ("train_images", "train_labels"))
_DAMAGED = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def read_rows_file(path: str | Path, *, label: str | None = None) -> tuple[Any, Any]:
    """Return the rows and labels that a file holds.

    Parameters
    ----------
    path
        A ``.npz`` file with the arrays ``x`` and ``y`` (or ``x_train`` and ``y_train``, or MedMNIST's ``train_images``
        and ``train_labels``), or a ``.csv`` (with a header) or ``.parquet`` file.
    label
        The column of a table's file that holds the labels, or the array of a ``.npz`` file that does.

    Returns
    -------
    X, y
        Arrays (n, ...) and (n,) of a ``.npz`` file; a DataFrame and a Series of a table's file.

    Raises
    ------
    FileError
        If the file is missing, damaged, foreign, or does not hold these arrays.
    ConfigError
        If the label's column is not named or not there, or the file is of another kind.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from synthaug.data.readers import read_rows_file, write_rows_file
    >>> path = write_rows_file(tempfile.mkdtemp() + "/rows.npz", np.eye(3), ["a", "b", "a"])
    >>> X, y = read_rows_file(path)
    >>> X.shape, y.tolist()
    ((3, 3), ['a', 'b', 'a'])
    """
    path = Path(path)
    read = _kind(path, {".npz": _read_npz, ".csv": read_labelled_table, ".parquet": read_labelled_table})
    if not path.is_file():
        raise FileError(f"data must be a file that is there; got '{path}'. Check the path.")
    return read(path, label)


def write_rows_file(path: str | Path, X: Any, y: Any, *, label: str = "label") -> Path:
    """Write rows and labels into a file, whole or not at all, and return its path.

    Parameters
    ----------
    path
        A ``.npz`` file (arrays ``x`` and ``y``) or, for a table, a ``.csv`` or ``.parquet`` file.
    X, y
        Rows (n, ...) and labels (n,).
    label
        The column of a table's file that gets the labels.

    Raises
    ------
    FileError
        If it cannot be written.
    ConfigError
        If it is of another kind, or a column is already called like the labels.
    ShapeError
        If images should go into a table's file.
    """
    path = Path(path)
    content = _kind(path, {".npz": _npz, ".csv": csv_bytes, ".parquet": parquet_bytes})(X, y, label)
    make_folder(path.parent)
    write_atomically(path, content)
    return path


def check_rows_file(path: str | Path) -> None:
    """Raise ConfigError unless the path ends in ``.npz``, ``.csv`` or ``.parquet``."""
    _kind(Path(path), {".npz": None, ".csv": None, ".parquet": None})


def _kind(path: Path, known: dict[str, Any]) -> Callable[..., Any]:
    if path.suffix.lower() not in known:
        raise ConfigError(f"data must be a {_or(list(known))} file; got '{path}'. Convert it first.")
    return known[path.suffix.lower()]


def _or(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]])


def _read_npz(path: Path, label: str | None) -> tuple[np.ndarray, np.ndarray]:
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise FileError(f"'{path}' must be a .npz file; it is one array. Save rows and labels with np.savez.")
            rows, labels = _pair(path, file.files, label)
            return _rows(path, rows, file[rows]), _labels(path, labels, file[labels])
    except (FileError, ConfigError):
        raise
    except MemoryError as error:
        raise FileError(f"'{path}' does not fit into memory. Split it.") from error
    except _DAMAGED as error:
        raise FileError(f"'{path}' must be a .npz file of plain arrays; {_why(error)}.") from error


def _why(error: BaseException) -> str:
    if "allow_pickle" in str(error) or "pickle" in str(error).lower():
        return "it holds Python objects, or is no such file at all. Save numbers or text with np.savez"
    return f"it is damaged ({str(error).splitlines()[0] if str(error) else type(error).__name__})"


def _pair(path: Path, held: list[str], label: str | None) -> tuple[str, str]:
    pairs = [(rows, label or labels) for rows, labels in ARRAY_NAMES]
    found = next((pair for pair in pairs if set(pair) <= set(held)), None)
    if found is None:
        wanted = " or ".join(dict.fromkeys(f"{rows} and {labels}" for rows, labels in pairs))
        raise FileError(
            f"'{path}' must hold the arrays {wanted}; it holds {', '.join(held[:12]) or 'none'}. Rename them."
        )
    return found


def _rows(path: Path, name: str, rows: np.ndarray) -> np.ndarray:
    if rows.ndim < 2:
        raise FileError(f"array {name} of '{path}' must hold one row or image an entry; got shape {rows.shape}.")
    return rows


def _labels(path: Path, name: str, labels: np.ndarray) -> np.ndarray:
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if flat.ndim != 1:
        raise FileError(f"array {name} of '{path}' must hold one label a row; got shape {labels.shape}.")
    return flat


def _npz(X: Any, y: Any, _: str) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, x=np.asarray(X), y=_plain_labels(y))
    return buffer.getvalue()


def _plain_labels(y: Any) -> np.ndarray:
    labels = np.asarray(y)
    return np.asarray(labels.tolist()) if labels.dtype == object else labels
