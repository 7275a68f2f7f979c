"""What each arm is worth in real labels: the learning curve of the best way without learned rows, read backwards."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug.experiment.axis import Axis, fit_axis, tick_text
from synthaug.experiment.label_equivalence import curve_sizes
from synthaug.statistics.units import unit_of
from synthaug.statistics.worth import isotonic_curve

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

Part = dict[str, Any]


@dataclass(frozen=True)
class LabelCurve:
    """The learning curve of one arm, and the arm that is shown beside it.

    Attributes
    ----------
    arm
        Whose curve it is: the best way without learned rows.
    sizes
        Labelled rows, rising, shape (s,).
    values
        Scores, shape (s, n_splits).
    mean
        The mean, made to rise by isotonic regression, shape (s,).
    beside
        The best arm with learned rows among those that were measured with the fewest rows of the curve, or None.
    level
        What that arm scored there; NaN without one.
    """

    arm: str
    sizes: np.ndarray
    values: np.ndarray
    mean: np.ndarray
    beside: str | None
    level: float


def label_curve(comparison: "Comparison") -> LabelCurve | None:
    """Return the curve that arms are read off, or None where none was measured at two sizes."""
    sizes, arm = curve_sizes(comparison), comparison.reference
    if not sizes:
        return None
    table = comparison.learning_curve
    wide = table[table["arm"] == arm].pivot_table(index="rows_fraction", columns="split", values="value")
    values = wide.loc[list(sizes)].dropna(axis=1).to_numpy()
    beside, level = _beside(table[table["rows_fraction"] == next(iter(sizes))], comparison)
    return LabelCurve(arm, np.array([*sizes.values()]), values, isotonic_curve(values).mean(axis=1), beside, level)


def _beside(table: pd.DataFrame, comparison: "Comparison") -> tuple[str | None, float]:
    scores = table.groupby("arm")["value"].mean()
    learned = scores[scores.index.isin(comparison.learned_arms)]
    return (str(learned.idxmax()), float(learned.max())) if len(learned) else (None, np.nan)


def labels_part(comparison: "Comparison") -> Part:
    """Return the curve as places in percent, and a row for each arm with what it is worth."""
    curve, worth = label_curve(comparison), comparison.label_equivalence()
    if curve is None or not len(worth):
        return {"rows": []}
    axis = fit_axis([0.0, curve.sizes[-1] - curve.sizes[0]])
    return {
        "arm": curve.arm,
        "base": f"{curve.sizes[0]:,.0f}",
        "most": f"{curve.sizes[-1]:,.0f}",
        "rows": [_worth_row(str(arm), row, axis) for arm, row in worth.iterrows()],
        "ticks": tick_text(axis),
        "zero": axis.place(0.0),
        "panel": _panel(curve, comparison.scoring),
    }


def _worth_row(arm: str, row: pd.Series, axis: Axis) -> Part:
    """Return one arm's worth; what is *more than* some labels is a line from there to the curve's end."""
    more = row["word"] == "more than"
    low, high = (row["rows"], axis.high) if more else (row["low"], row["high"])
    low = 0.0 if row["word"] == "worth" and not np.isfinite(low) else low
    places = {"low": low, "high": high, "difference": np.nan if more else row["rows"], "detectable": np.nan}
    gains = row["word"] == "more than" or (row["word"] == "worth" and np.isfinite(row["low"]))
    style = "helps" if gains else "hurts" if row["word"] == "less than none" else "flat"
    at = {name: axis.place(float(value)) for name, value in places.items()}
    return {
        "arm": arm,
        "text": str(row["text"]),
        "style": style,
        "difference": str(row["text"]),
        "interval": "",
        "at": at,
    }


def _panel(curve: LabelCurve, scoring: str) -> Part:
    """Return dots, the rising line and the level of the arm beside, with log rows across and the score up."""
    unit = unit_of(scoring)
    up = fit_axis([*curve.values.ravel(), curve.level], most_ticks=4)
    across = fit_axis(np.log(curve.sizes))
    at = [across.place(float(place)) for place in np.log(curve.sizes)]
    line = [(x, _down(up, value)) for x, value in zip(at, curve.mean, strict=True)]
    return {
        "dots": [(x, _down(up, value)) for x, row in zip(at, curve.values, strict=True) for value in row],
        "lines": [(*a, *b) for a, b in pairwise(line)],
        "level": _down(up, curve.level),
        "beside": curve.beside,
        "up": [(_flip(place), text) for place, text in tick_text(up, unit.factor)],
        "sizes": [(x, f"{size:,.0f}") for x, size in zip(at, curve.sizes, strict=True)],
        "text": f"{curve.arm} from {unit.value(curve.mean[0])} to {unit.value(curve.mean[-1])}",
    }


def _down(axis: Axis, value: float) -> float | None:
    return _flip(axis.place(float(value)))


def _flip(place: float | None) -> float | None:
    return None if place is None else round(100 - place, 2)
