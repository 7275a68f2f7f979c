"""The parts of a report that hold scores, as plain values: numbers as text, places in percent. The template only lays
them out.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug.experiment.axis import Axis, fit_axis, metric_text, p_text, tick_text
from synthaug.experiment.report_verdict import STYLE_OF_WORD, probability_text
from synthaug.statistics.units import NOT_THERE, unit_of

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

Part = dict[str, Any]
_MOST_NAMED = 6
_NUMBERS = ("difference", "low", "high", "detectable")


def differences_part(comparison: "Comparison") -> Part:
    """Return the tables of paired differences from the baseline and, if that is another, from the best plain way."""
    unit = unit_of(comparison.scoring)
    table = _forest(comparison.summary(), comparison.baseline, comparison)
    still_open = [row for row in table["rows"] if _is_open(row, comparison)]
    blind = [row for row in still_open if unit.points and float(row["detectable"]) > unit.factor]
    return {
        "table": table,
        "beside": _forest(_beside(comparison), comparison.reference, comparison),
        "unit": unit.points or "own unit",
        "points": unit.points,
        "metric": metric_text(comparison.scoring),
        "rope": f"{unit.size(comparison.rope)} {unit.points}".strip(),
        "skipped": [(str(arm), reason) for arm, reason in comparison.skipped.items()],
        "unseen": _unseen([row for row in still_open if row not in blind], unit.points),
        "blind": ", ".join(str(row["arm"]) for row in blind),
    }


def _unseen(rows: list[Part], points: str) -> str:
    """Return in words what gains the arms without evidence could have been seen with; "" for none."""
    if len(rows) <= _MOST_NAMED:
        named = [f"{row['detectable']} {points}".strip() + f" by {row['arm']}" for row in rows]
        return " and ".join(filter(None, [", ".join(named[:-1]), *named[-1:]]))
    sizes = sorted((row["detectable"] for row in rows), key=float)
    return f"{sizes[0]} to {sizes[-1]} {points}".strip() + ", depending on the arm"


def _is_open(row: Part, comparison: "Comparison") -> bool:
    differs = row["at"]["low"] != row["at"]["high"]  # else no gain can be named that would have been seen
    return bool(row["word"] == "no evidence" and row["same"] != comparison.baseline and differs)


def _beside(comparison: "Comparison") -> pd.DataFrame:
    """Return the arms with learned rows less the best arm without one; no row if that is the baseline."""
    if comparison.reference == comparison.baseline:
        return pd.DataFrame()
    verdicts = [comparison.verdict(arm, comparison.reference) for arm in comparison.learned_arms]
    gains = [comparison.practical(one.arm, one.baseline).gain for one in verdicts]
    table = pd.DataFrame([asdict(one) for one in verdicts], index=[one.arm for one in verdicts])
    table = table.rename(columns={"word": "verdict", "p_value": "p_adjusted"})
    return table.assign(p_gain=gains, score=np.nan, n_added=np.nan)


def _forest(table: pd.DataFrame, baseline: str, comparison: "Comparison") -> Part:
    """Return a table of differences from ``baseline``, with the places of its forest plot."""
    shown = table[list(_NUMBERS)].to_numpy(dtype=float) if len(table) else np.empty(0)
    axis = fit_axis([0.0, *shown.ravel()])
    return {
        "baseline": baseline,
        "rows": [
            _difference_row(str(arm), entry, axis, comparison) | {"same": _twin(str(arm), baseline, comparison)}
            for arm, entry in table.iterrows()
        ],
        "ticks": tick_text(axis, unit_of(comparison.scoring).factor, sign=True),
        "zero": axis.place(0.0),
    }


def _difference_row(arm: str, entry: pd.Series, axis: Axis, comparison: "Comparison") -> Part:
    unit = unit_of(comparison.scoring)
    low, high = unit.difference(entry["low"]), unit.difference(entry["high"])
    tied = entry["low"] == entry["high"]  # nothing is known of what a gain would have looked like
    return {
        "arm": arm,
        "word": entry["verdict"],
        "style": STYLE_OF_WORD[entry["verdict"]],
        "score": unit.value(entry["score"]),
        "n_added": f"{round(entry['n_added']):,}" if np.isfinite(entry["n_added"]) else NOT_THERE,
        "difference": unit.difference(entry["difference"]),
        "interval": f"{low} to {high}" if NOT_THERE not in (low, high) else NOT_THERE,
        "p_adjusted": p_text(entry["p_adjusted"]),
        "p_gain": probability_text(entry["p_gain"]) if np.isfinite(entry["p_gain"]) and not tied else NOT_THERE,
        "detectable": NOT_THERE if tied else unit.size(entry["detectable"]),
        "at": {name: axis.place(entry[name]) for name in _NUMBERS},
    }


def _twin(arm: str, baseline: str, comparison: "Comparison") -> str:
    """Return the arm that this one is the same as on every split: the baseline, or one before it; "" for none."""
    before = comparison.arms[: comparison.arms.index(arm)]
    return next((other for other in (baseline, *before) if comparison.verdict(arm, other).same), "")


def scores_part(comparison: "Comparison") -> Part:
    """Return every split's scores, as dots on one line an arm and as a table, and the other metrics' means."""
    frame, unit = comparison.frame, unit_of(comparison.scoring)
    primary = frame[frame["metric"] == comparison.scoring]
    wide = primary.pivot_table(index=["repeat", "fold"], columns="arm", values="value", sort=False)
    axis = fit_axis(wide.to_numpy().ravel())
    strips = [
        {"arm": str(arm), "dots": [axis.place(v) for v in wide[arm]], "mean": axis.place(wide[arm].mean()),
         "text": unit.value(wide[arm].mean())}
        for arm in wide
    ]  # fmt: skip
    rows = [(split_name(comparison.design, key), [unit.value(v) for v in wide.loc[key]]) for key in wide.index]
    return {"strips": strips, "ticks": tick_text(axis, unit.factor), "arms": list(map(str, wide)), "rows": rows,
            "percent": unit.percent.strip(), "others": _other_metrics(frame, comparison.scoring)}  # fmt: skip


def split_name(design: str, key: Any) -> str:
    """Return what a split, a repeat and a fold, is called."""
    repeat, fold = key
    return f"draw {repeat + 1}" if design == "draws" else f"repeat {repeat + 1}, fold {fold + 1}"


def _other_metrics(frame: pd.DataFrame, scoring: str) -> Part:
    others = frame[frame["metric"] != scoring]
    means = others.pivot_table(index="arm", columns="metric", values="value", sort=False)
    metrics = [str(metric) for metric in means]
    rows = [(str(arm), [unit_of(m).value(v) for m, v in zip(metrics, row, strict=True)])
            for arm, row in zip(means.index, means.to_numpy(dtype=float), strict=True)]  # fmt: skip
    return {"metrics": [metric_text(metric) for metric in metrics], "rows": rows}
