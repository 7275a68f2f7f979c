"""A column of numbers <-> one place of about N(0, 1), and a block of states where some rows hold no ordinary number.

The states are *regular*, *missing*, and a state for each atom: a value that more than a tenth of the rows of a column
of many values hold, as zeros often are. The number's place of a row that is not regular is 0.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthaug.data.schema import Column
from synthaug.data.tables.checks import check_none_missing
from synthaug.data.tables.column_types import Cells
from synthaug.data.tables.grid import DOUBLE, Grid, fit_grid
from synthaug.data.tables.quantiles import Quantiles, fit_quantiles

_ATOM_FRACTION = 0.1
_FEW_VALUES = 20
_LARGE, _LARGE_UNIT = 1e280, 2.0**200  # a power of two divides without rounding
_REGULAR, _MISSING = 0, 1


@dataclass(frozen=True, eq=False)
class NumberCodec:
    """The way between a column of numbers and its places.

    Attributes
    ----------
    name
        The column's.
    quantiles
        Of the regular rows; in places of the grid, where there is one, else in units of ``unit``.
    atoms
        Values that have a state of their own, shape (k,), in the same units.
    has_missing
        Whether a training row lacked a value.
    is_whole
        Whether all numbers are whole.
    is_discrete
        Whether only values that were seen are drawn: there are 20 at most, each held by two rows on average.
    grid
        Where numbers lie; None where anywhere.
    unit
        What numbers off a grid are counted in: 1 but for astronomical ones.
    """

    name: str
    quantiles: Quantiles
    atoms: np.ndarray
    has_missing: bool
    is_whole: bool
    is_discrete: bool
    grid: Grid | None
    unit: float = 1.0

    @property
    def columns(self) -> tuple[Column, ...]:
        """What a learner is told: the number, unless all regular rows hold one, and the states, if several."""
        number = Column(self.name, "integer" if self.is_whole else "number")
        states = Column(self.name, "category", self._n_states)
        return (number,) * self._has_number + (states,) * (self._n_states > 1)

    def check(self, cells: Cells) -> None:
        """Raise ShapeError if a value is missing, and none was in the training rows."""
        if not self.has_missing:
            check_none_missing(cells.missing, self.name)

    def encode(self, cells: Cells, stream: np.random.Generator | None = None) -> np.ndarray:
        """Return the places (n, d) of cells (n,), float32."""
        numbers = self._inner(cells.values)
        states = np.where(cells.missing & self.has_missing, _MISSING, _REGULAR)
        for state, atom in enumerate(self.atoms, start=self._n_states - len(self.atoms)):
            states[(numbers == atom) & ~cells.missing] = state
        found = np.zeros((len(states), sum(column.width for column in self.columns)), dtype=np.float32)
        if self._has_number:
            is_regular = (states == _REGULAR) & ~cells.missing
            found[:, 0] = np.where(is_regular, self.quantiles.scores(numbers, stream), 0.0)
        if self._n_states > 1:
            found[np.arange(len(states)), int(self._has_number) + states] = 1.0
        return found

    def decode(self, places: np.ndarray, rows: np.ndarray) -> Cells:
        """Return the cells (n,) of places (n, d)."""
        scores = places[:, 0].astype(np.float64) if self._has_number else np.zeros(len(places))
        numbers, missing = self.quantiles.numbers(scores), np.zeros(len(places), dtype=bool)
        numbers = self.quantiles.nearest(numbers) if self.is_discrete else numbers
        if self._n_states > 1:
            states = places[:, int(self._has_number) :].argmax(axis=1)
            missing = (states == _MISSING) & self.has_missing
            for state, atom in enumerate(self.atoms, start=self._n_states - len(self.atoms)):
                numbers[states == state] = atom
        return Cells(self._outer(numbers), missing)

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest number of the training rows."""
        values = np.concatenate([self.quantiles.values[[0, -1]], self.atoms])
        low, high = self._outer(np.array([values.min(), values.max()]))
        return float(low), float(high)

    @property
    def _n_states(self) -> int:
        return 1 + int(self.has_missing) + len(self.atoms)

    @property
    def _has_number(self) -> bool:
        return len(self.quantiles.values) > 1

    def _inner(self, numbers: np.ndarray) -> np.ndarray:
        return numbers / self.unit if self.grid is None else self.grid.places(numbers)

    def _outer(self, numbers: np.ndarray) -> np.ndarray:
        return numbers * self.unit if self.grid is None else self.grid.numbers(numbers)


def fit_numbers(cells: Cells, name: str, *, dtype: np.dtype = DOUBLE) -> NumberCodec:
    """Return the codec of a column that holds at least one number.

    Parameters
    ----------
    cells
        int64 or float64.
    name
        The column's.
    dtype
        The float that they came in.
    """
    numbers = cells.present
    grid = fit_grid(numbers, dtype=dtype)
    largest = float(np.abs(numbers.astype(np.float64)).max())
    unit = _LARGE_UNIT if grid is None and largest > _LARGE else 1.0
    inner = numbers / unit if grid is None else grid.places(numbers)
    values, counts = np.unique(inner, return_counts=True)
    few = len(values) <= min(_FEW_VALUES, len(inner) // 2)
    atoms = values[counts > _ATOM_FRACTION * len(inner)] if not few and len(values) > _FEW_VALUES else values[:0]
    quantiles = fit_quantiles(inner[~np.isin(inner, atoms)])
    is_whole = grid is not None and grid.decimals == 0
    return NumberCodec(name, quantiles, atoms, bool(cells.missing.any()), is_whole, few, grid, unit)


def number_state(codec: NumberCodec) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return arrays and facts (of JSON) that ``restore_numbers`` makes the codec of."""
    quantiles = codec.quantiles
    arrays = {"values": quantiles.values, "first": quantiles.first, "last": quantiles.last, "atoms": codec.atoms}
    grid = None if codec.grid is None else [codec.grid.origin, codec.grid.step, codec.grid.decimals]
    names = ("has_missing", "is_whole", "is_discrete", "unit")
    return arrays, {"grid": grid, **{name: getattr(codec, name) for name in names}}


def restore_numbers(name: str, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> NumberCodec:
    """Return the codec of what ``number_state`` gave."""
    quantiles = Quantiles(arrays["values"], arrays["first"], arrays["last"])
    grid = None if facts["grid"] is None else Grid(*map(int, facts["grid"]))
    rest = {name: facts[name] for name in ("has_missing", "is_whole", "is_discrete", "unit")}
    return NumberCodec(name, quantiles, arrays["atoms"], grid=grid, **rest)
