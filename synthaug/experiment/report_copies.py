"""What the synthetic rows give away: copies, nearness to training rows, and a simple attack on membership."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from synthaug.experiment.axis import Axis, fit_axis, tick_text
from synthaug.experiment.report_quality import quality_tables
from synthaug.experiment.results import SplitResult
from synthaug.quality.assess import ALL
from synthaug.quality.measures import MEMBERSHIP
from synthaug.quality.membership import NO_SECRET
from synthaug.statistics.units import NOT_THERE, spoken

Part = dict[str, Any]
COPYING = ("copy_rate", "distance_ratio", MEMBERSHIP)
_FIGURES = ["value", "floor", "low", "high"]


def audits(tables: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the audit of each learner: the rows of its quality that tell of copies; none of one without an attack."""
    return [table[table["metric"].isin(COPYING)] for table in tables if MEMBERSHIP in set(table["metric"])]


def copies_part(splits: Sequence[SplitResult], *, names: Sequence[str]) -> Part:
    """Return a row a class: the attack's AUC with its interval, copies, and nearness; means over the learners.

    ``names`` are the classes', in the order of their labels.
    """
    tables = audits(quality_tables(splits, names=names))
    if not tables:
        return {"rows": []}
    means = pd.concat(tables).groupby(["class", "metric"], sort=False)[_FIGURES].mean()
    classes = list(dict.fromkeys(means.index.get_level_values("class")))
    axis = fit_axis([0.0, 1.0])
    of_class = {name: means[means.index.get_level_values("class") == name].droplevel("class") for name in classes}
    rows = [_row(name, found, axis) for name, found in of_class.items()]
    return {
        "rows": rows,
        "ticks": tick_text(axis),
        "zero": axis.place(NO_SECRET),
        "n": len(tables),
        "n_betray": sum(map(_betrays, tables)),
        "known": any(row["difference"] != NOT_THERE for row in rows),
    }


def _betrays(table: pd.DataFrame) -> bool:
    """Return whether one learner's attack is right more often than chance allows, over all classes."""
    whole = table[(table["class"] == ALL) & (table["metric"] == MEMBERSHIP)]
    return bool((whole["low"] > NO_SECRET).any())


def _row(name: str, found: pd.DataFrame, axis: Axis) -> Part:
    """Return one class's row; ``found[figure][metric]`` are its means."""
    value, low, high = (found[figure][MEMBERSHIP] for figure in ("value", "low", "high"))
    known = np.isfinite(low) and np.isfinite(high)
    return {
        "arm": name,
        "style": "hurts" if low > NO_SECRET else "flat",
        "difference": _number(value),
        "interval": f"{_number(low)} to {_number(high)}" if known else "",
        "copies": _beside(found, "copy_rate", _percent),
        "ratio": _beside(found, "distance_ratio", _number),
        "at": {
            "difference": axis.place(value),
            "low": axis.place(low),
            "high": axis.place(high),
            "detectable": None,
        },
    }


def _beside(found: pd.DataFrame, metric: str, say: Callable[[float], str]) -> tuple[str, str]:
    """Return a figure in words, and what held-out real rows get in its place."""
    value, floor = (found[figure].get(metric, np.nan) for figure in ("value", "floor"))
    return (say(value), say(floor)) if np.isfinite(value) else (NOT_THERE, "")


def _number(value: float) -> str:
    return spoken(value, 2) if np.isfinite(value) else NOT_THERE


def _percent(share: float) -> str:
    return f"{spoken(100 * share, 0)} %" if np.isfinite(share) else NOT_THERE
