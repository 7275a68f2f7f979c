"""The grid that a column's numbers are on: whole numbers, cents, days, multiples of 5.

A grid is (origin + step * m) / 10^decimals with whole m. It is what keeps whole numbers whole, prices at two decimals
and days at midnight.
"""

from dataclasses import dataclass

import numpy as np

_MOST_DECIMALS = 8
_LARGEST = 2**53
_WIDEST = 2**62
_SLACK = 4.0  # roundings of a float
DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True)
class Grid:
    """Where numbers lie: (origin + step * m) / 10^decimals, m whole and at least 0."""

    origin: int
    step: int
    decimals: int

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Return m (n,), float64, of numbers (n,); of numbers off the grid a fraction."""
        if numbers.dtype.kind == "i" and not self.decimals:
            return (numbers - self.origin) / self.step
        return (numbers * 10.0**self.decimals - self.origin) / self.step

    def numbers(self, places: np.ndarray) -> np.ndarray:
        """Return the numbers at the nearest whole m, shape (n,): int64 where there are no decimals, else float64."""
        whole = self.origin + self.step * np.rint(places).astype(np.int64)
        return np.round(whole / 10.0**self.decimals, self.decimals) if self.decimals else whole


def fit_grid(numbers: np.ndarray, *, dtype: np.dtype = DOUBLE) -> Grid | None:
    """Return the coarsest grid that holds all numbers; None where none does.

    Parameters
    ----------
    numbers
        Shape (n,), int64 or float64, finite.
    dtype
        The float that they came in: the grid's numbers are equal to them as such.
    """
    if numbers.dtype.kind == "i":
        return _grid(np.unique(numbers), 0) if int(numbers.max()) - int(numbers.min()) < _WIDEST else None
    numbers = np.unique(numbers)
    if np.abs(numbers).max() < _LARGEST and (numbers == np.rint(numbers)).all():
        return _grid(numbers.astype(np.int64), 0)
    for decimals in range(1, _MOST_DECIMALS + 1):
        if np.abs(numbers).max() >= min(float(_LARGEST), 0.1 / (_SLACK * float(np.finfo(dtype).eps))) / 10.0**decimals:
            return None
        whole = np.rint(numbers * 10.0**decimals)
        if (np.round(whole / 10.0**decimals, decimals).astype(dtype) == numbers.astype(dtype)).all():
            return _grid(whole.astype(np.int64), decimals)
    return None


def _grid(whole: np.ndarray, decimals: int) -> Grid:
    step = int(np.gcd.reduce(whole - whole[0]))
    return Grid(int(whole[0]), max(step, 1), decimals)
