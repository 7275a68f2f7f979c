"""What the gate decided, split by split."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthaug.experiment.comparison import Comparison
from synthaug.experiment.report import report_html
from synthaug.experiment.report_gate import gate_part

NAMES = ["nothing", "classic", "classic+gan"]


def deciding(study: Comparison, chosen: list[str]) -> Comparison:
    """Return the study whose gate chose these, a split each."""

    def decided(split, name):
        table = pd.DataFrame({"candidate": NAMES, "gain": [0.0, 0.01, 0.02], "low": np.nan, "high": np.nan, "why": ""})
        return replace(split, decision=table.assign(chosen=table["candidate"] == name))

    return replace(study, splits=tuple(map(decided, study.splits, chosen)))


def test_a_candidate_of_ones_own_counts_by_what_it_adds(study: Comparison):
    """Learned rows are counted where the chosen mix adds some, whatever it is called."""
    called = deciding(study, ["classic"] * 6)
    splits = tuple(replace(one, decision=one.decision.assign(synthetic=[False, True, True])) for one in called.splits)
    assert gate_part(replace(called, splits=splits))["used"] == "It used learned rows in 6 of 6 draws."


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        (["classic+gan"] * 6, "It used learned rows in 6 of 6 draws."),
        (["nothing"] * 6, "It used learned rows in 0 of 6 draws, nothing in 6 of 6 draws."),
        (
            ["classic", "classic+gan", *["nothing"] * 4],
            "It used learned rows in 1 of 6 draws, another way without any in 1 of 6 draws, nothing in 4 of 6 draws.",
        ),
    ],
)
def test_gate_says_how_often_it_used_learned_rows(study: Comparison, chosen: list[str], text: str):
    """Learned rows, other rows and none are counted, and none is left out."""
    part = gate_part(deciding(study, chosen))
    assert part["used"] == text
    assert sum(row["chosen"] for row in part["rows"]) == 6


def test_every_split_has_its_table(study: Comparison):
    """Each split shows its candidates with score, gain, interval and reason, the chosen one marked."""
    part = gate_part(study)
    assert [split["name"] for split in part["splits"][:2]] == ["draw 1", "draw 2"]
    assert part["splits"][0]["rows"][1] == {
        "name": "x1",
        "score": "72.0 %",
        "gain": "+2.0",
        "interval": "+1.0 to +3.0",
        "chosen": True,
        "why": "best",
    }


def test_scores_stand_beside_gains(study: Comparison):
    """Both tables of the page hold what each candidate scored; the gains name their unit."""
    html = report_html(study, include_real_rows=False)
    gate = html[html.index('<section id="gate">') :].split("</section>")[0]
    assert gate.count("72.0 %") == 1 + len(study.splits)
    assert "Gain, points" in gate


def test_a_table_without_scores_is_shown(study: Comparison):
    """Studies of before scores were kept have dashes in their place."""
    part = gate_part(deciding(study, ["nothing"] * 6))
    assert {row["score"] for row in part["rows"]} == {"–"}
