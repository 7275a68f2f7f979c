"""Every metric's scores and differences, with intervals over whole groups of test rows."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synthaug.experiment.axis import metric_text
from synthaug.statistics.units import NOT_THERE, unit_of

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

Part = dict[str, Any]


def intervals_part(comparison: "Comparison", *, grouped: bool | None = None) -> Part:
    """Return every metric's scores and differences from the best plain way; no row where intervals were not asked for.

    Parameters
    ----------
    comparison
        The study.
    grouped
        Whether its rows have groups, such as patients; None where that is not known.
    """
    over = comparison.reference
    tables = [comparison.intervals(), comparison.intervals(over=over)]
    beside = {(row.arm, row.metric): row for row in tables[1].itertuples()}
    rows = [
        {
            "metric": metric_text(str(row.metric)),
            "arm": row.arm,
            "score": _with_interval(row, unit_of(str(row.metric)).value),
            "difference": _with_interval(beside.get((row.arm, row.metric)), unit_of(str(row.metric)).difference),
        }
        for row in tables[0].itertuples()
    ]
    return {"rows": rows, "over": over, "resampled": _RESAMPLED[grouped]}


def _with_interval(row: Any, say: Callable[[float], str]) -> tuple[str, str]:
    if row is None:
        return NOT_THERE, ""
    return say(row.value), f"{say(row.low)} to {say(row.high)}"


_RESAMPLED = {
    True: "whole groups of test rows, such as patients",
    False: "test rows, each on its own",
    None: "test rows, whole groups such as patients where they were named",
}
