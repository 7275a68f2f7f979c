"""A study as a notebook shows it: the answer and the table of arms."""

from typing import TYPE_CHECKING

import pandas as pd

from synthaug._card import CardTable, card
from synthaug.experiment.axis import metric_text, p_text
from synthaug.experiment.report_verdict import answer, probability_text
from synthaug.statistics.units import NOT_THERE, Unit, unit_of

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

_NOTE = "plot() draws the charts, to_html(path) writes the whole report."


def study_card(comparison: "Comparison") -> str:
    """Return the answer and the table of arms as HTML for a notebook."""
    said, unit = answer(comparison), unit_of(comparison.scoring)
    difference = f"{unit.points or 'difference'} from {comparison.baseline} (95 %)"
    head = [
        "arm",
        metric_text(comparison.scoring),
        difference,
        "p adjusted",
        f"chance of over {unit.size(comparison.rope)}",
    ]
    rows = [_cells(str(arm), row, unit) for arm, row in comparison.summary().iterrows()]
    return card(
        [(said["style"], f"{said['word']} {said['text']}".strip())], CardTable([*head, "verdict"], rows), note=_NOTE
    )


def _cells(arm: str, row: pd.Series, unit: Unit) -> list[str]:
    if row["verdict"] == "baseline":
        return [arm, unit.value(row["score"]), *[NOT_THERE] * 3, "baseline"]
    interval = f"({unit.difference(row['low'])} to {unit.difference(row['high'])})"
    difference = f"{unit.difference(row['difference'])} {interval}"
    return [
        arm,
        unit.value(row["score"]),
        difference,
        p_text(row["p_adjusted"]),
        probability_text(row["p_gain"]),
        row["verdict"],
    ]
