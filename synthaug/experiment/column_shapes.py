"""One column at a time: how alike its real and its synthetic values are, and their shares over bins.

Likeness is 1 less the largest difference of the two distribution functions for numbers (Kolmogorov and Smirnov), where
a missing value counts as larger than any other; and 1 less half the sum of the differences in share for categories
(total variation), where *missing* is one more value.

No bin of real rows holds fewer than ``least`` of them: bins are joined until none does, rare values are told together,
and the outer bins are open, so that nobody's extreme is shown. Ten is the rule of thumb for outputs of microdata.

References
----------
Brandt et al., "Guidelines for the checking of output based on microdata research", ESSnet SDC, 2010.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

MISSING, OTHER = "missing", "other values"
_MOST_VALUES = 8
_KEY_FRACTION = 0.5  # words of which more than half differ name rows, and tell nothing that could be alike
_FEW_NUMBERS = 12
_MOST_BINS = 16
_DAY = 86_400_000_000_000  # nanoseconds


@dataclass(frozen=True)
class Marginal:
    """Shares of one column's values, real beside synthetic.

    Attributes
    ----------
    label
        The class.
    column
        The column.
    kind
        ``number``, ``date`` (days since 1970) or ``category``.
    edges
        Of the bins, rising, one more than bins; the outer ones are where the drawing ends, for those bins are open.
        Empty for categories.
    names
        The categories; empty for numbers.
    real, synthetic
        The share of each bin or category; the rest is missing.
    missing
        The share of missing values, real and synthetic; None where there are none, or too few real ones to be told:
        shares are then of the values that are there.
    """

    label: str
    column: str
    kind: str
    edges: tuple[float, ...]
    names: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    missing: tuple[float, float] | None


def as_frame(rows: object) -> pd.DataFrame:
    """Return rows (n, d) of any container as a frame whose columns are named by text."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(np.asarray(rows))
    return frame.set_axis(frame.columns.astype(str), axis=1).reset_index(drop=True)


def kind_of(column: pd.Series) -> str:
    """Return how a column is compared: ``number``, ``date``, ``category`` (few numbers too), or not at all: ``key``."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return "number" if column.nunique() > _FEW_NUMBERS else "category"
    return "key" if column.astype(str).nunique() > _KEY_FRACTION * len(column) else "category"


def plain_values(column: pd.Series, kind: str) -> np.ndarray:
    """Return a column as floats (n,), NaN where missing, or as words (n,), ``missing`` where missing."""
    if kind == "number":
        return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if kind == "date":
        moments = pd.to_datetime(column, utc=True).astype("datetime64[ns, UTC]")
        return np.where(moments.isna(), np.nan, moments.astype("int64").to_numpy(dtype=float) / _DAY)
    words = column.astype(object).map(_word, na_action="ignore")
    return words.where(column.notna(), MISSING).to_numpy(dtype=object)


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Return how alike two columns are, 0 to 1: floats (n,), (m,) with NaN for missing, or words; NaN without rows."""
    if min(len(first), len(second)) == 0:
        return float("nan")
    if first.dtype == object:
        return 1 - float(np.abs(np.subtract(*_shares(first, second))).sum()) / 2
    sides = [np.sort(np.where(np.isnan(values), np.inf, values)) for values in (first, second)]
    heights = [np.searchsorted(side, np.concatenate(sides), side="right") / len(side) for side in sides]
    return 1 - float(np.abs(heights[0] - heights[1]).max())


def number_bins(values: np.ndarray, *, least: int) -> np.ndarray:
    """Return round edges of bins of which none holds fewer than ``least`` of the values (n,); none of too few."""
    from matplotlib.ticker import MaxNLocator

    known = np.sort(values[np.isfinite(values)])
    if len(known) < 2 * least:
        return np.empty(0)
    low, high = known[least - 1], known[-least]
    n_bins = int(min(_MOST_BINS, max(4, len(known) ** 0.5)))
    edges = np.asarray(MaxNLocator(nbins=n_bins, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    return _joined(edges, known, least=least)


def number_marginal(
    label: str, column: str, kind: str, *, real: np.ndarray, synthetic: np.ndarray, edges: np.ndarray, least: int
) -> Marginal | None:
    """Return shares over bins, of which none holds fewer than ``least`` real rows; None where two bins cannot be."""
    known = [values[np.isfinite(values)] for values in (real, synthetic)]
    kept = _joined(edges, known[0], least=least)
    if len(kept) < 3 or not len(synthetic):
        return None
    missing = [1 - len(part) / len(values) for part, values in zip(known, (real, synthetic), strict=True)]
    told = any(missing) and not 0 < len(real) - len(known[0]) < least
    sides = [_binned(part, kept) * (1 - told * share) for part, share in zip(known, missing, strict=True)]
    first, second = (tuple(map(float, side)) for side in sides)
    edges_of = tuple(map(float, kept))
    return Marginal(label, column, kind, edges_of, (), first, second, (missing[0], missing[1]) if told else None)


def category_names(values: np.ndarray, *, least: int) -> list[str]:
    """Return the values that at least ``least`` real rows hold, the most frequent of them, numbers in their order."""
    counts = pd.Series(values, dtype=object).value_counts()
    names = [str(name) for name in counts[counts >= least].index[:_MOST_VALUES]]
    return sorted(names, key=float) if all(map(_is_number, names)) else names


def category_marginal(
    label: str, column: str, *, real: np.ndarray, synthetic: np.ndarray, names: list[str], least: int
) -> Marginal | None:
    """Return shares of values; those that fewer than ``least`` real rows hold are told together. None for one value."""
    kept = [name for name in names if (real == name).sum() >= least]
    while kept and 0 < (~np.isin(real, kept)).sum() < least:  # what is told together must be enough, too
        kept.remove(min(kept, key=lambda name: (real == name).sum()))
    if not kept:
        return None
    shares = [[float((values == name).mean()) if len(values) else 0.0 for name in kept] for values in (real, synthetic)]
    rest = [max(0.0, 1 - sum(side)) for side in shares]
    if max(rest) > 1e-9:
        kept, shares = [*kept, OTHER], [[*side, left] for side, left in zip(shares, rest, strict=True)]
    if len(kept) < 2:
        return None
    return Marginal(label, column, "category", (), tuple(kept), tuple(shares[0]), tuple(shares[1]), None)


def _joined(edges: np.ndarray, values: np.ndarray, *, least: int) -> np.ndarray:
    """Return the edges without those that would leave a bin with fewer than ``least`` values; outer bins are open."""
    if len(edges) < 3:
        return edges
    inner, kept, begun = edges[1:-1], [], 0
    for edge in inner:
        below = int((values < edge).sum())
        if below - begun >= least and len(values) - below >= least:
            kept.append(edge)
            begun = below
    return np.array([edges[0], *kept, edges[-1]])


def _binned(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the share of each bin; the first and the last hold whatever lies beyond."""
    places = np.searchsorted(edges[1:-1], values, side="right")
    return np.bincount(places, minlength=len(edges) - 1) / max(1, len(values))


def _shares(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    names = sorted({*first, *second})
    shares = [pd.Series(side).value_counts(normalize=True).reindex(names, fill_value=0.0) for side in (first, second)]
    return shares[0].to_numpy(), shares[1].to_numpy()


def _word(value: object) -> str:
    """Return a value as text; whole floats as integers, so that 1 and 1.0 are one value."""
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
