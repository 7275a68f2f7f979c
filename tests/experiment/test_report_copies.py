"""What the synthetic rows give away: the attack's figures as they were measured."""

from dataclasses import replace

import numpy as np
import pytest

from synthaug.experiment.comparison import Comparison
from synthaug.experiment.report import report_html
from synthaug.experiment.report_copies import copies_part


def with_attack(study: Comparison, **changes: float) -> Comparison:
    """Return the study with other figures of the attack over all classes."""

    def changed(split):
        quality = split.learners[0].quality.copy()
        whole = (quality["class"] == "all") & (quality["metric"] == "membership_auc")
        quality.loc[whole, list(changes)] = list(changes.values())
        return replace(split, learners=(replace(split.learners[0], quality=quality),))

    return replace(study, splits=tuple(changed(split) for split in study.splits))


def test_attack_is_shown_with_its_interval(study: Comparison):
    """Every class has its AUC and interval; only an interval above chance is coloured."""
    rows = {row["arm"]: row for row in copies_part(study.splits, names=study.class_names)["rows"]}
    assert (rows["all"]["difference"], rows["all"]["interval"], rows["all"]["style"]) == (
        "0.58",
        "0.48 to 0.68",
        "flat",
    )
    assert (rows["a"]["difference"], rows["a"]["interval"], rows["a"]["style"]) == ("0.72", "0.62 to 0.82", "hurts")
    assert rows["all"]["copies"][1] == "90 %"


@pytest.mark.parametrize(("low", "n_betray"), [(0.49, 0), (0.51, 6)])
def test_learners_that_give_training_rows_away_are_counted(study: Comparison, low: float, n_betray: int):
    """A learner counts where its whole interval lies above chance."""
    html = report_html(with_attack(study, low=low), include_real_rows=False)
    assert f"In {n_betray} of 6 learners the whole interval lies above 0.5." in html


def test_too_few_rows_are_said_to_be_too_few(study: Comparison):
    """An attack that could not be tried is a dash, not a zero."""

    def unknown(split):
        quality = split.learners[0].quality.assign(value=np.nan, low=np.nan, high=np.nan)
        return replace(split, learners=(replace(split.learners[0], quality=quality),))

    part = copies_part([unknown(split) for split in study.splits], names=study.class_names)
    assert not part["known"]
    assert {row["difference"] for row in part["rows"]} == {"–"}
    assert {row["copies"] for row in part["rows"]} == {("–", "")}
