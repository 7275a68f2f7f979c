"""Numbers as places on a line and as words: what figures and report share."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from synthaug.statistics.units import NOT_THERE, spoken


def p_text(p: float) -> str:
    """Return a p value as text: three places, never 0."""
    if not math.isfinite(p):
        return NOT_THERE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def count_range(values: Sequence[int]) -> str:
    """Return counts as text: one number where all agree, else the least and the greatest.

    Examples
    --------
    >>> count_range([60, 60]), count_range([1000, 60])
    ('60', '60 to 1,000')
    """
    return f"{min(values):,}" if min(values) == max(values) else f"{min(values):,} to {max(values):,}"


def metric_text(metric: str) -> str:
    """Return a metric's name as words: ``balanced accuracy``, ``sensitivity at 90 % specificity``."""
    return re.sub(r"at ([\d.]+) spec", r"at \1 % spec", metric.replace("_", " "))


@dataclass(frozen=True)
class Axis:
    """A line from ``low`` to ``high`` with ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, number: float) -> float | None:
        """Return where a number lies, in percent of the line; None for one that is not finite."""
        if not math.isfinite(number):
            return None
        return round(float(np.clip((number - self.low) / (self.high - self.low), 0.0, 1.0)) * 100, 2)


def fit_axis(numbers: Iterable[float], *, most_ticks: int = 5) -> Axis:
    """Return an axis that holds all finite numbers, with round ticks inside."""
    from matplotlib.ticker import MaxNLocator

    finite = [number for number in numbers if math.isfinite(number)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    low, high = low - margin, high + margin
    ticks = MaxNLocator(nbins=most_ticks, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return Axis(low, high, tuple(float(tick) for tick in ticks if low <= tick <= high))


def tick_text(axis: Axis, factor: float = 1.0, *, sign: bool = False) -> list[tuple[float | None, str]]:
    """Return place and text of each tick, with as many decimals as the ticks need."""
    values = [tick * factor for tick in axis.ticks]
    digits = next((d for d in range(5) if all(abs(v - round(v, d)) < 1e-9 * max(1.0, abs(v)) for v in values)), 4)
    return [
        (axis.place(tick), spoken(value, digits, sign=sign)) for tick, value in zip(axis.ticks, values, strict=True)
    ]
