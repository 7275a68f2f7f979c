"""Class by class: recalls under the arms that tell most, and quality beside floors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthaug.experiment.comparison import Comparison
from synthaug.experiment.dossier_evidence import gather
from synthaug.experiment.dossier_limits import limits_of_use
from synthaug.experiment.report_classes import quality_part, recalls_part, shown_arms
from synthaug.experiment.report_copies import copies_part
from synthaug.experiment.report_quality import quality_tables


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


def _numbered(study: Comparison, names: tuple[str, ...]) -> Comparison:
    """Return the study as one of labels 0 and 1, as a finding gives them, whose classes have these names."""
    numbers = {"all": "all", "a": 0, "b": 1}

    def changed(learner):
        found = learner.quality
        return replace(learner, quality=found.assign(**{"class": [numbers[name] for name in found["class"]]}))

    splits = tuple(replace(s, learners=tuple(map(changed, s.learners))) for s in study.splits)
    return replace(study, splits=splits, class_names=names)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("benign", "malignant"), ["all", "benign", "malignant"]),
        (("1", "0"), ["all", "1", "0"]),
        (("rest", "all"), ["all", "rest", "all (class)"]),
        (("a", "b", "never drawn"), ["all", "0", "1"]),
    ],
)
def test_classes_have_the_studys_names(study: Comparison, names: tuple[str, ...], said: list[str]):
    """Quality, copies and the dossier's figures call classes by name; by label where no learner knew them all."""
    numbered = _numbered(study, names)
    assert [name for name, _ in quality_part(numbered.splits, names=names)["rows"]] == said
    assert [row["arm"] for row in copies_part(numbered.splits, names=names)["rows"]] == said
    evidence = gather(numbered, "nowhere", {"include_real_rows": False})
    assert evidence.classes == said[1:]
    assert evidence.figure(said[1], "membership_auc") == pytest.approx(0.72)
    assert f"class {said[1]} (" in " ".join(limit.text for limit in limits_of_use(evidence))


def test_a_learner_that_lacks_a_class_shifts_no_name(study: Comparison):
    """A learner of fewer classes, met first, has its figures under their own names."""
    numbered = _numbered(study, ("benign", "malignant"))
    first, *others = numbered.splits
    learner = first.learners[0]
    short = replace(learner, quality=learner.quality[learner.quality["class"] != 0])
    table, *_ = quality_tables([replace(first, learners=(short,)), *others], names=numbered.class_names)
    assert list(dict.fromkeys(table["class"])) == ["all", "malignant"]


def test_copies_stand_in_the_quality_table_where_no_attack_was_tried(study: Comparison):
    """Copies have a part of their own only beside the attack; an old study keeps them with the quality."""
    old = pd.DataFrame([("a", "copy_rate", 0.1, 0.05)], columns=["class", "metric", "value", "floor"])
    splits = tuple(replace(s, learners=(replace(s.learners[0], quality=old),)) for s in study.splits)
    assert [name for name, _ in quality_part(splits, names=study.class_names)["metrics"]] == ["copy rate"]
    assert [name for name, _ in quality_part(study.splits, names=study.class_names)["metrics"]] == [
        "kid",
        "recall",
        "diversity",
    ]
