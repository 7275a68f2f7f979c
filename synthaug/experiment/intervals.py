"""Scores with intervals by the bootstrap of groups, pooled over the splits of a study."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from synthaug._check import check_choice
from synthaug._seed import numpy_stream
from synthaug.statistics import pooled_interval

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

COLUMNS = ("arm", "metric", "value", "low", "high")


def interval_table(found: "Comparison", *, over: str | None) -> pd.DataFrame:
    """Return what ``Comparison.intervals`` does."""
    if over is not None:
        check_choice("arm", over, found.arms)
    if not all(split.replicates for split in found.splits):
        return pd.DataFrame(columns=list(COLUMNS))
    metrics = list(found.splits[0].replicates[found.baseline])
    rows = [
        (arm, metric, *_interval(found, arm, over, metric)) for metric in metrics for arm in found.arms if arm != over
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _interval(found: "Comparison", arm: str, over: str | None, metric: str) -> tuple[float, float, float]:
    values = np.array([split.scores[arm][metric] for split in found.splits])
    drawn = np.stack([split.replicates[arm][metric] for split in found.splits])
    if over is not None:
        values = values - [split.scores[over][metric] for split in found.splits]
        drawn = drawn - np.stack([split.replicates[over][metric] for split in found.splits])
    draws = numpy_stream(int(found.settings.get("seed", 0)), "draws") if found.design == "draws" else None
    interval = pooled_interval(values, drawn, draws=draws)
    return interval.value, interval.low, interval.high
