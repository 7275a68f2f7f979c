"""Numbers <-> normal scores, by the quantiles of the training column.

With F the share of rows at or below a value, a number v becomes z = Phi^-1(F(v)): about N(0, 1) whatever the column's
own shape. F is piecewise linear between stored quantiles, so both ways agree. A value that several rows hold is a
step of F: each of its rows becomes the step's middle, or, spread, any place of it, and every place of it leads back.

Not stored is a value of its own for each row: columns whose values mostly differ keep at most half as many quantiles
as there are rows, and no more than about a thousand. All but the least and the greatest are means of two rows' values.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

_MOST_KNOTS = 1000
_FEWEST_KNOTS = 8


@dataclass(frozen=True, eq=False)
class Quantiles:
    """The distribution of a column of numbers.

    Attributes
    ----------
    values
        Ascending values, shape (k,), float64.
    first, last
        The share of rows at which each value begins and ends, in (0, 1), shape (k,); equal but where rows share it.
    """

    values: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def scores(self, numbers: np.ndarray, stream: np.random.Generator | None = None) -> np.ndarray:
        """Return normal scores (n,) of numbers (n,), float64; numbers beyond the values become the outermost.

        Parameters
        ----------
        numbers
            Finite numbers, shape (n,).
        stream
            Spreads the rows of a value over its step; without it all become the step's middle.
        """
        numbers = np.clip(numbers, self.values[0], self.values[-1])
        below = np.searchsorted(self.values, numbers, side="right") - 1
        above = np.minimum(below + 1, len(self.values) - 1)
        gap = self.values[above] - self.values[below]
        part = (numbers - self.values[below]) / np.where(gap > 0, gap, 1.0)
        within = 0.5 if stream is None else stream.random(len(numbers))
        on_step = self.first[below] + within * (self.last[below] - self.first[below])
        between = self.last[below] + part * (self.first[above] - self.last[below])
        return ndtri(np.where(part > 0, between, on_step))

    def numbers(self, scores: np.ndarray) -> np.ndarray:
        """Return the numbers (n,) that normal scores (n,) stand for, float64, none beyond the values."""
        shares = np.stack([self.first, self.last], axis=1).ravel()
        return np.interp(ndtr(scores), shares, np.repeat(self.values, 2))

    def nearest(self, numbers: np.ndarray) -> np.ndarray:
        """Return the stored value next to each number, shape (n,)."""
        return self.values[np.searchsorted((self.values[1:] + self.values[:-1]) / 2, numbers)]


def fit_quantiles(numbers: np.ndarray) -> Quantiles:
    """Return the quantiles of numbers (n,), finite, n at least 1."""
    values, counts = np.unique(numbers, return_counts=True)
    end = np.cumsum(counts)
    whole = Quantiles(values, (end - counts + 0.5) / end[-1], (end - 0.5) / end[-1])
    if 2 * len(values) <= min(len(numbers), _MOST_KNOTS):
        return whole
    n_knots = int(np.clip(len(numbers) // 2, _FEWEST_KNOTS, _MOST_KNOTS))
    return _thinned(whole, n_knots, len(numbers))


def _thinned(whole: Quantiles, n_knots: int, n_rows: int) -> Quantiles:
    """Return the quantiles of half as many even shares, and of half as many even scores, which show the tails.

    All but the outermost lie half way between two neighbouring rows.
    """
    low, high = ends = np.array([whole.first[0], whole.last[-1]])
    even = np.linspace(low, high, n_knots // 2)
    tails = np.clip(ndtr(np.linspace(ndtri(low), ndtri(high), n_knots - n_knots // 2)), low, high)
    inner = np.rint(np.union1d(even, tails)[1:-1] * n_rows) / n_rows
    shares = np.union1d(ends, inner)
    knots = np.stack([whole.first, whole.last], axis=1).ravel()
    values, place, counts = np.unique(
        np.interp(shares, knots, np.repeat(whole.values, 2)), return_index=True, return_counts=True
    )
    return Quantiles(values, shares[place], shares[place + counts - 1])
