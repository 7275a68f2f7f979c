"""Columns that tell rows apart: names, record numbers. Nothing is learned of them, and drawn rows get new keys.

A column is a key if it has at least 20 values and either

* holds words of which more than nine in ten differ, or
* holds whole numbers that all differ, as integers or as floats, and is named like one (``id``, ``patient_id``,
  ``recordID``, ``key``, ``uuid``), in a type that has room for ten million new ones.

No key of a training row is kept or drawn again. New words start in a way that no training key does; new numbers have
more digits than any training key. A column of pandas' categories can hold no other words: it is learned, and
``TableCodec.telling_columns`` names it where it tells rows apart.
"""

import itertools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthaug.data.schema import Column
from synthaug.data.tables.column_types import Cells, ColumnType, numpy_type

_FEWEST_ROWS = 20
_DIFFERENT_FRACTION = 0.9
_NAMED = (re.compile(r"(?:^|[\W_])(?:id|key|uuid|guid)$", re.IGNORECASE), re.compile(r"[a-z](?:ID|Id|Key|UUID)$"))
_PREFIX = "synthetic"
_MOST_KEYS = 10**12
_ROOM = 10_000_000  # new keys, at least, that a type must have room for


@dataclass(frozen=True, eq=False)
class KeyCodec:
    """How the keys of drawn rows are made.

    Attributes
    ----------
    name
        The column's.
    prefix
        How new words start; empty for numbers.
    first, n_keys
        The least new number, and how many there are from there on.
    has_missing
        Whether a training row lacked a key.
    """

    name: str
    prefix: str
    first: int
    n_keys: int
    has_missing: bool

    @property
    def columns(self) -> tuple[Column, ...]:
        """What a learner is told: nothing, or whether there is a key."""
        return (Column(self.name, "category", 2),) if self.has_missing else ()

    def check(self, cells: Cells) -> None:
        """Accept any cells: nothing is learned of them."""

    def encode(self, cells: Cells, stream: np.random.Generator | None = None) -> np.ndarray:
        """Return which cells (n,) hold a key and which lack one, (n, 2), float32; nothing, (n, 0), where all do."""
        both = np.stack([~cells.missing, cells.missing], axis=1).astype(np.float32)
        return both if self.has_missing else both[:, :0]

    def decode(self, places: np.ndarray, rows: np.ndarray) -> Cells:
        """Return the cells (n,) that the numbers of the rows (n,), uint64, give: other rows, other keys."""
        missing = places.argmax(axis=1) == 1 if self.has_missing else np.zeros(len(rows), dtype=bool)
        numbers = (rows % np.uint64(self.n_keys)).astype(np.int64) + self.first
        if not self.prefix:
            return Cells(numbers, missing)
        words = np.empty(len(rows), dtype=object)
        words[:] = [f"{self.prefix}-{number:012d}" for number in numbers.tolist()]
        return Cells(words, missing)


def is_key(cells: Cells, kind: ColumnType) -> bool:
    """Return whether a training column tells rows apart, by the rule above."""
    present = cells.present
    if len(present) < _FEWEST_ROWS:
        return False
    if kind.content == "word":
        return mostly_differ(pd.Series(present).value_counts(sort=False).to_numpy())
    is_whole = kind.content == "whole" or (kind.content == "real" and bool((present == np.rint(present)).all()))
    if not is_whole or not any(pattern.search(str(kind.name)) for pattern in _NAMED):
        return False
    return len(np.unique(present)) == len(present) and _n_keys(present, kind) >= _ROOM


def mostly_differ(counts: np.ndarray) -> bool:
    """Return whether so many rows hold each value, (k,), that the values tell rows apart."""
    n_rows = int(counts.sum())
    return n_rows >= _FEWEST_ROWS and len(counts) > _DIFFERENT_FRACTION * n_rows


def fit_key(cells: Cells, kind: ColumnType) -> KeyCodec:
    """Return the codec of a column of keys."""
    present, has_missing = cells.present, bool(cells.missing.any())
    if kind.content != "word":
        return KeyCodec(str(kind.name), "", _beyond(present), _n_keys(present, kind), has_missing)
    taken = present.astype(str)
    prefixes = (f"{_PREFIX}{number}" if number else _PREFIX for number in itertools.count())
    prefix = next(prefix for prefix in prefixes if not any(word.startswith(f"{prefix}-") for word in taken))
    return KeyCodec(str(kind.name), prefix, 0, _MOST_KEYS, has_missing)


def key_state(codec: KeyCodec) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return no arrays, and facts (of JSON) that ``restore_key`` makes the codec of."""
    return {}, {name: getattr(codec, name) for name in ("prefix", "first", "n_keys", "has_missing")}


def restore_key(name: str, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> KeyCodec:
    """Return the codec of what ``key_state`` gave."""
    return KeyCodec(name, **facts)


def _beyond(present: np.ndarray) -> int:
    """Return the least number of more digits than any of these has."""
    return 10 ** len(str(max(int(present.max()), 0)))


def _n_keys(present: np.ndarray, kind: ColumnType) -> int:
    return min(_largest(kind) - _beyond(present), _MOST_KEYS)


def _largest(kind: ColumnType) -> int:
    """Return the largest of the whole numbers that a column can hold, each and every one of them, as int64 too."""
    dtype = np.dtype(np.int64) if kind.dtype == object else np.dtype(numpy_type(kind.dtype))
    if dtype.kind == "f":
        return min(2 ** (int(np.finfo(dtype).nmant) + 1), int(np.finfo(dtype).max))
    return min(int(np.iinfo(dtype).max), int(np.iinfo(np.int64).max))
