"""Fingerprints of training rows, so that whoever scores on one of them is told.

A fingerprint is a keyed hash of a row's numbers and words. The key is drawn anew in every process, and fingerprints are
never saved nor pickled: from one that were found, nobody could tell which row it is of.
"""

import hashlib
import secrets
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthaug.data.container import known, unwrap
from synthaug.data.split import Split
from synthaug.errors import LeakWarning

_KEY = secrets.token_bytes(16)
_WORD_KEY = secrets.token_hex(8)
_BYTES = 8  # two of a million rows are taken for one another in 1 of 10^7 data sets
_AT_ONCE = 1024
_NAMED = 5


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Fingerprints of rows, in their order. Pickled or copied, they become None.

    Attributes
    ----------
    narrow
        Of the numbers as float32, shape (n,), uint64.
    wide
        Of the numbers as float64, shape (n,), uint64; None where float32 holds them all, or came.
    """

    narrow: np.ndarray
    wide: np.ndarray | None

    def found_in(self, others: "Fingerprints") -> np.ndarray:
        """Return which rows are equal, in every number, to one of the others, bool, shape (n,).

        Numbers are compared in the narrower type of the two: 0.1 is 0.1, in float32 as in float64.
        """
        if self.wide is None or others.wide is None:
            return np.isin(self.narrow, others.narrow)
        return np.isin(self.wide, others.wide)

    def __reduce__(self) -> tuple[Any, ...]:
        return _forget, ()


def take_fingerprints(rows: Any) -> Fingerprints:
    """Return the fingerprints of rows (n, ...) in any container; the shape of a row plays no part, its order does.

    Of tables that hold words: columns of numbers are taken as float64, categories as what they are called.
    """
    plain, _ = unwrap(known(rows))
    kind = np.asarray(plain[:1]).dtype
    if kind.kind not in "fiub":
        return Fingerprints(_hashes_of_mixed(plain), None)
    exact = np.can_cast(kind, np.float32)
    return Fingerprints(_hashes(plain, np.float32), None if exact else _hashes(plain, np.float64))


def warn_of_training_rows(found: np.ndarray, *, name: str = "X", stacklevel: int = 2) -> None:
    """Warn if rows that are scored were learned from, and name them by number.

    Parameters
    ----------
    found
        Which rows were, bool, shape (n,).
    name
        What the rows are called.
    stacklevel
        As in ``warnings.warn``, seen from the caller.

    Warns
    -----
    LeakWarning
        If there is one.
    """
    if found.any():
        warnings.warn(
            f"{name} must hold no row that was learned from, or its score flatters; got {int(found.sum())} of "
            f"{len(found)} rows that were ({_listed(np.flatnonzero(found))}). Score rows that were held back.",
            LeakWarning,
            stacklevel=stacklevel + 1,
        )


def warn_of_twins(X: Any, splits: Iterable[Split], *, stacklevel: int = 2) -> None:
    """Warn if a split tests on a row that is equal, in every number, to one it trains on.

    Parameters
    ----------
    X
        All rows.
    splits
        The splits to come.
    stacklevel
        As in ``warnings.warn``, seen from the caller.

    Warns
    -----
    LeakWarning
        If there is one; it names rows of X by number.
    """
    same = number_of_each(X)
    twins = [split.test[np.isin(same[split.test], same[split.train])] for split in splits]
    torn = [rows for rows in twins if len(rows)]
    if torn:
        warnings.warn(
            "rows that are tested must not be equal, in every number, to rows that are trained on; got such rows in "
            f"{len(torn)} of {len(twins)} splits (in the first of them {_listed(torn[0])}). "
            "Drop the duplicates, or give equal rows one group.",
            LeakWarning,
            stacklevel=stacklevel + 1,
        )


def number_of_each(X: Any) -> np.ndarray:
    """Return a number for each row, the same for equal rows, shape (n,); a frame may hold words too."""
    if isinstance(X, pd.DataFrame):
        return pd.util.hash_pandas_object(X, index=False).to_numpy()
    marks = take_fingerprints(X)
    return marks.narrow if marks.wide is None else marks.wide


def _forget() -> None:
    """Return what is left of fingerprints in another process, in a file or in a copy."""


def _hashes(rows: Any, kind: type) -> np.ndarray:
    found = []
    for start in range(0, len(rows), _AT_ONCE):
        with np.errstate(over="ignore"):  # beyond float32's range all are infinite there
            block = np.asarray(rows[start : start + _AT_ONCE], dtype=kind) + 0.0  # -0 is 0
        found += [hashlib.blake2b(row.tobytes(), digest_size=_BYTES, key=_KEY).digest() for row in block]
    return np.frombuffer(b"".join(found), dtype=np.uint64)


def _hashes_of_mixed(rows: Any) -> np.ndarray:
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows).infer_objects()
    columns = [_comparable(frame.iloc[:, place]) for place in range(frame.shape[1])]
    together = pd.DataFrame(dict(enumerate(columns)))
    return pd.util.hash_pandas_object(together, index=False, hash_key=_WORD_KEY).to_numpy()


def _comparable(column: pd.Series) -> pd.Series:
    """Return a column whose equal cells are equal in whatever type they came."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object).infer_objects()
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan) + 0.0)  # -0 is 0
    return column.reset_index(drop=True).astype(str)


def _listed(rows: np.ndarray) -> str:
    words = ", ".join(map(str, rows[:_NAMED].tolist()))
    return f"row{'' if len(rows) == 1 else 's'} {words}" + (", ..." if len(rows) > _NAMED else "")
