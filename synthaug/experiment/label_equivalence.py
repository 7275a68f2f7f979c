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


def curve_sizes(comparison: "Comparison") -> dict[float, int]:
    """Return at which multiples of the rows the best way without learned rows was measured on every split, rising, and
    how many rows those are in the mean.

    Multiples of as many rows as a smaller one count once. Empty where there are fewer than two sizes or two splits.
    """
    points = _by_place(comparison)
    there = set.intersection(*map(set, points)) if len(points) > 1 else set()
    sizes: dict[float, int] = {}
    for fraction in sorted(fraction for arm, fraction in there if arm == comparison.reference):
        n_rows = round(float(np.mean([part[comparison.reference, fraction].n_rows for part in points])))
        if n_rows > max(sizes.values(), default=0):
            sizes[fraction] = n_rows
    return sizes if len(sizes) > 1 else {}


def worth_table(comparison: "Comparison") -> pd.DataFrame:
    """Return what each arm is worth in real labels: a row an arm, columns word, rows, low, high, base_rows, text."""
    sizes, points = curve_sizes(comparison), _by_place(comparison)
    if not sizes:
        return pd.DataFrame(columns=_WORTH)
    fewest = next(iter(sizes))
    others = [arm for arm in comparison.arms if arm != comparison.reference]
    arms = [arm for arm in others if all((arm, fewest) in part for part in points)]
    found = {arm: _worth(comparison, points, arm, sizes) for arm in arms}
    rows = [[*(getattr(worth, name) for name in _WORTH)] for worth in found.values()]
    return pd.DataFrame(rows, columns=_WORTH, index=list(found))


def _by_place(comparison: "Comparison") -> list[dict[tuple[str, float], CurvePoint]]:
    """Return the points of each split that has a curve, by arm and multiple of the rows."""
    return [
        {(point.arm, point.fraction): point for point in _points(split, comparison)} for split in _measured(comparison)
    ]


def _measured(comparison: "Comparison") -> list[SplitResult]:
    return [split for split in comparison.splits if split.curve]


def _points(split: SplitResult, comparison: "Comparison") -> list[CurvePoint]:
    """Return the points of a split's curve, and at fraction 1 those that the study itself measured."""
    whole = [
        CurvePoint(arm, 1.0, split.n_train, split.scores[arm][comparison.scoring], split.blocks.get(arm, np.empty(0)))
        for arm in comparison.arms
    ]
    return [*split.curve, *whole]


def _worth(
    comparison: "Comparison", points: list[dict[tuple[str, float], CurvePoint]], arm: str, sizes: dict[float, int]
) -> LabelWorth:
    def effects(name: str, fraction: float) -> np.ndarray:
        chosen = [part[name, fraction] for part in points]
        return np.array([point.blocks if comparison.design == "draws" else point.value for point in chosen])

    curve = np.array([effects(comparison.reference, fraction) for fraction in sizes])
    test_of = paired_test_of(comparison.design, _measured(comparison), scoring=comparison.scoring)
    return label_worth(effects(arm, next(iter(sizes))), curve, n_rows=list(sizes.values()), test_of=test_of)
