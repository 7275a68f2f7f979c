"""What an arm is worth in real labels: the tables of a study's learning curve, and their reading."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from synthaug.experiment.designs import paired_test_of
from synthaug.experiment.results import CurvePoint, SplitResult
from synthaug.statistics import LabelWorth, label_worth

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

_CURVE = ["arm", "rows_fraction", "n_rows", "split", "value"]
_WORTH = ["word", "rows", "low", "high", "base_rows", "text"]


def curve_table(comparison: "Comparison") -> pd.DataFrame:
    """Return every score of the learning curve: columns arm, rows_fraction, n_rows, split, value."""
    rows = [
        (point.arm, point.fraction, point.n_rows, split.index, point.value)
        for split in _measured(comparison)
        for point in _points(split, comparison)
    ]
    table = pd.DataFrame(rows, columns=_CURVE)
    return table.sort_values(["arm", "rows_fraction", "split"], kind="stable", ignore_index=True)


def worth_table(comparison: "Comparison") -> pd.DataFrame:
    """Return what each arm is worth in real labels: a row an arm, columns word, rows, low, high, base_rows, text."""
    splits = _measured(comparison)
    if len(splits) < 2:
        return pd.DataFrame(columns=_WORTH)
    points = [{(point.arm, point.fraction): point for point in _points(split, comparison)} for split in splits]
    there = set.intersection(*(set(part) for part in points))
    reference = _longest(there, comparison.reference)
    fractions = sorted(fraction for arm, fraction in there if arm == reference)
    arms = [arm for arm in comparison.arms if arm != reference and (arm, fractions[0]) in there]
    found = {arm: _worth(comparison, splits, points, arm, reference, fractions) for arm in arms}
    rows = [[*(getattr(worth, name) for name in _WORTH)] for worth in found.values()]
    return pd.DataFrame(rows, columns=_WORTH, index=list(found))


def _measured(comparison: "Comparison") -> list[SplitResult]:
    return [split for split in comparison.splits if split.curve]


def _points(split: SplitResult, comparison: "Comparison") -> list[CurvePoint]:
    """Return the points of a split's curve, and at fraction 1 those that the study itself measured."""
    whole = [
        CurvePoint(arm, 1.0, split.n_train, split.scores[arm][comparison.scoring], split.blocks.get(arm, np.empty(0)))
        for arm in comparison.arms
    ]
    return [*split.curve, *whole]


def _longest(there: set[tuple[str, float]], reference: str) -> str:
    """Return the arm that was measured at most sizes; among several the reference."""
    arms = [arm for arm, _ in there]
    return max(sorted(set(arms)), key=lambda arm: (arms.count(arm), arm == reference))


def _worth(
    comparison: "Comparison",
    splits: list[SplitResult],
    points: list[dict[tuple[str, float], CurvePoint]],
    arm: str,
    reference: str,
    fractions: list[float],
) -> LabelWorth:
    def effects(name: str, fraction: float) -> np.ndarray:
        chosen = [part[name, fraction] for part in points]
        return np.array([point.blocks if comparison.design == "draws" else point.value for point in chosen])

    sizes = [round(float(np.mean([part[reference, fraction].n_rows for part in points]))) for fraction in fractions]
    curve = np.array([effects(reference, fraction) for fraction in fractions])
    test_of = paired_test_of(comparison.design, splits)
    return label_worth(effects(arm, fractions[0]), curve, n_rows=sizes, test_of=test_of)
