"""What a notebook shows of the main objects: whole HTML, in words, escaped."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthaug._card import CardTable, card
from synthaug.augment.gate import Decision
from synthaug.augment.mix import Mix
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.results import SplitResult
from synthaug.experiment.verdict import Verdict
from synthaug.quality.assess import QualityReport
from synthaug.quality.audit import CopyAudit

EVIL = "<script>alert('x')</script>"


def a_split(index: int) -> SplitResult:
    score = {"none": 0.5 + 0.01 * index, EVIL: 0.7 + 0.02 * index}
    scores = {arm: {"accuracy": value} for arm, value in score.items()}
    added, seconds = dict.fromkeys(scores, 5), dict.fromkeys(scores, 0.1)
    return SplitResult(index, index, 0, 60, 40, scores, {}, {}, added, seconds)


def a_decision() -> Decision:
    table = pd.DataFrame({"candidate": ["nothing", EVIL], "score": [0.7, 0.72], "gain": [0.0, 0.02]})
    table = table.assign(low=[0.0, -0.01], high=[0.0, 0.05], chosen=[False, True], why=["", EVIL])
    return Decision(EVIL, Mix(), table, f"Augmented with {EVIL}.", ())


def a_quality_report() -> QualityReport:
    rows = [("all", "recall", 0.8, 0.9, 30, 30), (EVIL, "recall", np.nan, np.nan, 2, 2), (EVIL, EVIL, 0.1, 0.2, 2, 2)]
    columns = ["class", "metric", "value", "floor", "n_real", "n_synthetic"]
    return QualityReport(pd.DataFrame(rows, columns=columns))


def an_audit() -> CopyAudit:
    rows = [("all", "copy_rate", 0.2, 0.05), ("all", "distance_ratio", 0.7, 1.0), ("all", "membership_auc", 0.8, 0.5)]
    rows += [(EVIL, "copy_rate", np.nan, np.nan)]
    frame = pd.DataFrame(rows, columns=["class", "metric", "value", "floor"])
    return CopyAudit(frame.assign(n_real=30, n_synthetic=30, low=0.7, high=0.9))


SHOWN = {
    "audit": an_audit(),
    "comparison": Comparison("x", "folds", "accuracy", "none", tuple(map(a_split, range(3))), {}, ()),
    "decision": a_decision(),
    "quality": a_quality_report(),
    "verdict": Verdict(EVIL, "none", "helps", 0.05, 0.01, 0.09, 0.01, 0.04),
}


def read(html: str) -> str:
    """Return the text of whole HTML; what does not close is an error."""
    return " ".join(" ".join(ElementTree.fromstring(html).itertext()).split())


@pytest.mark.parametrize("name", SHOWN)
def test_main_objects_show_themselves_in_a_notebook(name: str):
    """Tags close, names are shown and not run, nothing reads 'nan'."""
    html = SHOWN[name]._repr_html_()
    text = read(html)
    assert "<script" not in html
    assert EVIL in text
    assert "nan" not in text.split()


def test_comparison_shows_answer_and_every_arm():
    """The card holds the answer and a row an arm with its interval."""
    text = read(SHOWN["comparison"]._repr_html_())
    assert "scored best: +21.0 points" in text
    for arm, row in SHOWN["comparison"].summary().iterrows():
        assert f"{arm} {100 * row['score']:.1f} %" in text


@pytest.mark.parametrize(
    ("metric", "head", "text"),
    [
        ("balanced_accuracy", "gain, points", "72.0 % +2.0 −1.0 to +5.0"),
        ("neg_log_loss", "gain", "0.720 +0.020 −0.010 to +0.050"),
    ],
)
def test_decision_shows_gains_of_every_candidate(metric: str, head: str, text: str):
    """The candidates stand with scores and intervals in the metric's unit, the chosen one in bold."""
    html = replace(SHOWN["decision"], metric=metric)._repr_html_()
    assert f"{head} 95 % interval" in read(html)
    assert text in read(html)
    assert html.count("font-weight:600") == 5


def test_quality_shows_each_value_beside_its_floor():
    """A value stands with what real rows get; what was not measured is a dash."""
    text = read(SHOWN["quality"]._repr_html_())
    assert "0.80 (0.90)" in text
    assert "–" in text


def test_audit_that_betrays_training_rows_is_no_praise():
    """The sentence stands first, with the mark of harm where the attack is right; copies stand beside their floor."""
    html = SHOWN["audit"]._repr_html_()
    assert "▼" in html
    assert "Training rows show" in read(html)
    assert "0.20 (0.05)" in read(html)


def test_refusal_of_the_gate_is_not_praise():
    """A gate that chose nothing has the mark of neither help nor harm."""
    no = replace(SHOWN["decision"], chosen="nothing", sentence="Not augmented.")
    assert "●" in no._repr_html_()
    assert "▲" in SHOWN["decision"]._repr_html_()


def test_table_and_note_are_escaped():
    """Every text of a card is text."""
    html = card([("flat", EVIL)], CardTable([EVIL], [[EVIL]]), note=EVIL)
    assert "<script" not in html
    assert read(html).count(EVIL) == 4
