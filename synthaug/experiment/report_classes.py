"""Class by class: what each arm gets right, and how good the synthetic rows are beside held-out real ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug.experiment.axis import metric_text
from synthaug.experiment.report_copies import COPYING, audits
from synthaug.experiment.report_quality import quality_tables
from synthaug.experiment.results import SplitResult
from synthaug.quality.measures import BETTER
from synthaug.statistics.units import NOT_THERE, spoken, unit_of

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

Part = dict[str, Any]
_MOST_ARMS = 5
_MOST_CLASSES = 40
_LOST = -0.05
_WEAK = 0.8
_HARDLY_ANY = 0.01
QUALITY_MEANINGS: dict[str, str] = {
    "kid": "kernel distance of the features; 0 is no distance",
    "frechet": "Fréchet distance of the features; 0 is no distance",
    "precision": "share of synthetic rows that lie among real ones",
    "recall": "share of real rows that lie among synthetic ones",
    "density": "how thickly real rows lie around synthetic ones",
    "coverage": "share of real rows with a synthetic one near",
    "diversity": "spread within the class, over the real rows' own; 1 is as varied as real",
    "agreement": "share of synthetic rows to which a classifier of real rows gives the same class",
    "classifier_score": "Inception Score's form, with our own classifier; high is sure and varied",
    "copy_rate": "share nearer to a training row than 95 % of held-out real rows are",
}


def shown_arms(comparison: "Comparison", *, most: int = _MOST_ARMS) -> list[str]:
    """Return the arms that tell most: the baseline, the best way without learned rows, the best ones with them."""
    scores = comparison.summary()["score"]
    learned = sorted(comparison.learned_arms, key=lambda arm: -scores[arm])
    others = sorted(comparison.arms, key=lambda arm: -scores[arm])
    return list(dict.fromkeys([comparison.baseline, comparison.reference, *learned, *others]))[:most]


def recalls_part(comparison: "Comparison") -> Part:
    """Return each class's recall under the arms that tell most; of many classes those that the baseline finds least."""
    table = comparison.recalls()
    if not len(table):
        return {"rows": [], "arms": [], "more": 0}
    arms, shown = shown_arms(comparison), shown_classes(table, comparison.baseline)
    cells = {(arm, name): _recall_cell(*numbers) for arm, name, *numbers in table.itertuples(index=False)}
    rows = [(str(name), [cells[arm, name] for arm in arms]) for name in shown]
    return {"rows": rows, "arms": arms, "more": table["class"].nunique() - len(rows)}


def shown_classes(recalls: pd.DataFrame, baseline: str, *, most: int = _MOST_CLASSES) -> list[Any]:
    """Return the classes of a table of recalls in their order; of too many those that the baseline finds least."""
    base = recalls[recalls["arm"] == baseline].set_index("class")["recall"]
    kept = set(base.nsmallest(most).index) | set(base.index[: most * (len(base) <= most)])
    return [name for name in base.index if name in kept]


def _recall_cell(recall: float, gain: float) -> Part:
    unit = unit_of("recall")
    return {"value": unit.value(recall), "difference": unit.difference(gain), "weak": gain <= _LOST}


def quality_part(splits: Sequence[SplitResult], *, names: Sequence[str]) -> Part:
    """Return the quality of each class beside the real rows' own, means over the learners.

    ``names`` are the classes', in the order of their labels.
    """
    tables = quality_tables(splits, names=names)
    if audits(tables):  # copies have a part of their own
        tables = [table[~table["metric"].isin(COPYING)] for table in tables]
    if not tables:
        return {"metrics": [], "rows": [], "n": 0}
    means = pd.concat(tables).groupby(["class", "metric"], sort=False)[["value", "floor"]].mean()
    metrics = list(dict.fromkeys(means.index.get_level_values("metric")))
    classes = list(dict.fromkeys(means.index.get_level_values("class")))
    rows = [(name, [_quality_cell(means, name, metric) for metric in metrics]) for name in classes]
    heads = [(metric_text(metric), QUALITY_MEANINGS.get(metric, "")) for metric in metrics]
    return {"metrics": heads, "rows": rows, "n": len(tables)}


def _quality_cell(means: pd.DataFrame, name: Any, metric: str) -> Part:
    if (name, metric) not in means.index:
        return {"value": NOT_THERE, "floor": "", "weak": False}
    value, floor = (float(number) for number in means.loc[(name, metric)])
    weak = falls_short(value, floor, BETTER.get(metric, ""))
    return {"value": few_digits(value), "floor": few_digits(floor), "weak": weak}


def falls_short(value: float, floor: float, better: str) -> bool:
    """Return whether a value is worse than the real rows' own by a fifth or more."""
    low, high = value < _WEAK * floor, value * _WEAK > max(floor, 0.0) + _HARDLY_ANY
    return {"higher": low, "lower": high, "equal": low or high}.get(better, False)


def few_digits(number: float) -> str:
    """Return a number with two decimals, with three where it is small."""
    return spoken(number, 2 if abs(number) >= 0.095 else 3) if np.isfinite(number) else NOT_THERE
