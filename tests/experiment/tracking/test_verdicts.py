import json

import numpy as np
import pandas as pd
import pytest

from synthaug.experiment.comparison import Comparison
from synthaug.experiment.tracking.verdicts import (
    gate_word,
    registered_learner,
    runs_view,
    study_note,
    study_tables,
    study_verdict,
)


@pytest.fixture
def comparison(split) -> Comparison:
    splits = [split(index) for index in range(4)]
    for result in splits:
        result.scores["gan|2"] = dict(result.scores["gan"])
        result.blocks["gan|2"] = result.blocks["gan"]
        result.n_added["gan|2"] = 20
        result.recalls.update({arm: np.array([0.5, 0.9, 0.7]) for arm in result.scores})
    names = ("benign", "<50", ">50")
    return Comparison("demo", "draws", "balanced_accuracy", "none", tuple(splits), {"seed": 0}, names)


def test_note_has_the_sentence_and_a_row_an_arm(comparison):
    """The description says what was found, then shows each arm; a bar in a name does not break the table."""
    lines = study_note(comparison).splitlines()
    assert lines[0] == comparison.sentence()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(comparison.arms)
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}
    assert any(row.startswith("| gan\\|2 | 75.0") for row in rows)


def test_tables_without_rows_are_left_out(comparison):
    """What was not measured is no empty file."""
    tables = study_tables(comparison)
    assert set(tables) == {"summary", "recalls"}
    assert set(tables["recalls"]["class"]) == {"benign", "<50", ">50"}


def test_view_names_legal_metrics():
    """The page's columns are metrics by the names that were logged, and its filter is of one study."""
    view = json.loads(runs_view("abc", "roc_auc"))
    assert "metrics.`roc_auc_mean`" in view["selectedColumns"]
    assert "tags.study_id = 'abc'" in view["searchFilter"]


def test_study_without_verdict_has_no_tags():
    """A study of the baseline alone has no best arm."""
    assert study_verdict(pd.DataFrame({"difference": [np.nan], "verdict": ["baseline"]}, index=["none"])) == {}


@pytest.mark.parametrize(("chosen", "word"), [("gan", "approved"), ("classic", "declined"), ("nothing", "declined")])
def test_gate_approves_only_rows_of_the_learner(split, chosen, word):
    """Choosing repeated or transformed real rows is no approval of the learner."""
    decision = split().decision
    result = split(decision=decision.assign(chosen=decision["candidate"] == chosen))
    assert gate_word(result) == word


@pytest.mark.parametrize(("synthetic", "word"), [(True, "approved"), (False, "declined")])
def test_what_a_candidate_adds_counts_not_its_name(split, synthetic, word):
    """A candidate of one's own may be called anything."""
    decision = pd.DataFrame({"candidate": ["nothing", "half"], "chosen": [False, True]})
    decision = decision.assign(synthetic=[False, synthetic])
    assert gate_word(split(decision=decision)) == word


def test_approved_learner_is_preferred(split, learner):
    """Of all kept learners the first whose gate approved it is registered; without one the first; else none."""
    kept = learner(folder="learners/0")
    no = split().decision.assign(chosen=[True, False, False])
    splits = [split(0, learners=(kept,), decision=no), split(1, learners=(kept,)), split(2, learners=(kept,))]
    assert (registered_learner(splits).split, registered_learner(splits).approved) == (1, True)
    assert (registered_learner(splits[:1]).split, registered_learner(splits[:1]).approved) == (0, False)
    assert registered_learner([split(0, learners=(learner(),))]) is None


def test_one_gate_of_many_approves_nothing(split, learner):
    """A learner that one gate of three took is registered, and its tags say so, but not approved."""
    kept = learner(folder="learners/0")
    no = split().decision.assign(chosen=[True, False, False])
    found = registered_learner([split(0, learners=(kept,))] + [split(k, learners=(kept,), decision=no) for k in (1, 2)])
    assert (found.gate, found.approved, found.tags["approved_splits"]) == ("approved", False, "1 of 3")
