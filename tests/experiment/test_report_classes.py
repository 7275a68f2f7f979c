"""Class by class: recalls under the arms that tell most, and quality beside floors."""

from dataclasses import replace

import numpy as np
import pandas as pd

from synthaug.experiment.comparison import Comparison
from synthaug.experiment.report_classes import quality_part, recalls_part, shown_arms


def test_recalls_are_the_studys(study: Comparison):
    """Each cell is the study's mean recall and its difference from the baseline."""
    part, table = recalls_part(study), study.recalls().set_index(["arm", "class"])
    for name, cells in part["rows"]:
        for arm, cell in zip(part["arms"], cells, strict=True):
            assert cell["value"] == f"{100 * table.loc[(arm, name), 'recall']:.1f} %"
            assert cell["weak"] == (table.loc[(arm, name), "difference"] <= -0.05)
    assert any(cell["weak"] for _, cells in part["rows"] for cell in cells)


def test_arms_that_tell_most_come_first(a_study):
    """Of many arms the baseline, the best without learned rows, and the best with them are shown."""
    gains = {"none": 0.0, "smote": 0.02, "classic": 0.05} | {f"gan {k}": k / 100 for k in range(6)}
    assert shown_arms(a_study(gains=gains)) == ["none", "classic", "gan 5", "gan 4", "gan 3"]


def test_of_many_classes_the_least_found_are_shown(study: Comparison):
    """Of sixty classes the forty with the lowest recall under the baseline are shown, in their order."""
    recalls = np.random.default_rng(0).permutation(60) / 60
    splits = tuple(replace(s, recalls=dict.fromkeys(s.recalls, recalls)) for s in study.splits)
    part = recalls_part(replace(study, splits=splits, class_names=tuple(map(str, range(60)))))
    assert part["more"] == 20
    assert [int(name) for name, _ in part["rows"]] == np.flatnonzero(recalls < 40 / 60).tolist()


def test_class_without_test_rows_has_no_recall(study: Comparison):
    """A recall that could not be measured is a dash, and its class is not left out."""
    splits = tuple(replace(s, recalls={arm: np.array([0.5, np.nan]) for arm in s.recalls}) for s in study.splits)
    part = recalls_part(replace(study, splits=splits))
    assert [(name, cells[0]["value"]) for name, cells in part["rows"]] == [("a", "50.0 %"), ("b", "–")]


def test_copies_stand_in_the_quality_table_where_no_attack_was_tried(study: Comparison):
    """Copies have a part of their own only beside the attack; an old study keeps them with the quality."""
    old = pd.DataFrame([("a", "copy_rate", 0.1, 0.05)], columns=["class", "metric", "value", "floor"])
    splits = tuple(replace(s, learners=(replace(s.learners[0], quality=old),)) for s in study.splits)
    assert [name for name, _ in quality_part(splits)["metrics"]] == ["copy rate"]
    assert [name for name, _ in quality_part(study.splits)["metrics"]] == ["kid", "recall", "diversity"]
