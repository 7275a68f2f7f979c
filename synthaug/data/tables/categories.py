"""A column of categories <-> a block of places, one for each value: 1 where the row holds it, else 0.

At most 1,000 values have places of their own, the most frequent first; the rest share one, and what is drawn there is
one of the rest, each as often as it was. A missing value is one more.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthaug.data.schema import Column
from synthaug.data.tables.checks import check_known, check_none_missing
from synthaug.data.tables.column_types import Cells

_MOST_PLACES = 1000
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


@dataclass(frozen=True, eq=False)
class CategoryCodec:
    """The way between a column of categories and its block.

    Attributes
    ----------
    name
        The column's.
    values
        The values, the most frequent first, shape (k,): words as objects, codes or numbers.
    counts
        How many training rows hold each, shape (k,).
    has_missing
        Whether a training row lacked a value.
    """

    name: str
    values: np.ndarray
    counts: np.ndarray
    has_missing: bool

    @property
    def columns(self) -> tuple[Column, ...]:
        """What a learner is told."""
        return (Column(self.name, "category", self._n_places + int(self.has_missing)),)

    def check(self, cells: Cells) -> None:
        """Raise ShapeError if a value was not in the training rows, or is missing and none was there."""
        if not self.has_missing:
            check_none_missing(cells.missing, self.name)
        check_known((self._numbers(cells) >= 0) | cells.missing, self.name)

    def encode(self, cells: Cells, stream: np.random.Generator | None = None) -> np.ndarray:
        """Return the block (n, width) of cells (n,), float32: one 1 a row, and none where a value was never seen."""
        places = np.minimum(self._numbers(cells), self._n_places - 1)
        places[cells.missing] = self._n_places if self.has_missing else -1
        block = np.zeros((len(places), self.columns[0].width), dtype=np.float32)
        seen = np.flatnonzero(places >= 0)
        block[seen, places[seen]] = 1.0
        return block

    def decode(self, places: np.ndarray, rows: np.ndarray) -> Cells:
        """Return the cells (n,) of blocks (n, width); the number of each row (n,), uint64, decides among the rest."""
        chosen = places.argmax(axis=1)
        missing = chosen == self._n_places
        chosen = np.minimum(chosen, self._n_places - 1)
        if len(self.values) > self._n_places:
            rest = chosen == self._n_places - 1
            chosen[rest] = self._among_rest(rows[rest])
        return Cells(self.values[chosen], missing)

    @property
    def _n_places(self) -> int:
        return min(len(self.values), _MOST_PLACES)

    def _numbers(self, cells: Cells) -> np.ndarray:
        """Return the number of each cell's value, -1 where there is none, shape (n,)."""
        return pd.Index(self.values).get_indexer(pd.Index(cells.values))

    def _among_rest(self, rows: np.ndarray) -> np.ndarray:
        shares = np.cumsum(self.counts[self._n_places - 1 :]) / self.counts[self._n_places - 1 :].sum()
        return self._n_places - 1 + np.searchsorted(shares, _even(rows)).clip(max=len(shares) - 1)


def fit_categories(cells: Cells, name: str) -> CategoryCodec:
    """Return the codec of a column that holds at least one value."""
    counts = pd.Series(cells.present).value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    values = counts.index.to_numpy(dtype=cells.values.dtype)
    return CategoryCodec(name, values, counts.to_numpy(dtype=np.int64), bool(cells.missing.any()))


def category_state(codec: CategoryCodec) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return arrays and facts (of JSON) that ``restore_categories`` makes the codec of."""
    arrays = {"counts": codec.counts}
    if codec.values.dtype != object:
        return arrays | {"values": codec.values}, {"has_missing": codec.has_missing}
    return arrays, {"has_missing": codec.has_missing, "values": codec.values.tolist()}


def restore_categories(name: str, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> CategoryCodec:
    """Return the codec of what ``category_state`` gave."""
    values = np.array(facts["values"], dtype=object) if "values" in facts else arrays["values"]
    return CategoryCodec(name, values, arrays["counts"], facts["has_missing"])


def _even(rows: np.ndarray) -> np.ndarray:
    """Return a number in [0, 1) for each row number, as even as random ones (Steele et al., "Fast Splittable
    Pseudorandom Number Generators", 2014).
    """
    mixed = rows.astype(np.uint64)
    for shift, factor in zip((30, 27), _MIX, strict=True):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return (mixed ^ (mixed >> np.uint64(31))).astype(np.float64) / 2.0**64
