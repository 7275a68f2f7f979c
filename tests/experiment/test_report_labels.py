"""What an arm is worth in labels: the curve that is drawn is the study's, and nothing lies beyond its ends."""

from dataclasses import replace

import numpy as np
import pytest

from synthaug.experiment.comparison import Comparison
from synthaug.experiment.report import report_html
from synthaug.experiment.report_labels import label_curve, labels_part
from synthaug.experiment.results import CurvePoint


def test_curve_is_the_measured_one(study: Comparison):
    """Sizes, scores and the level of the best arm with learned rows are those of the study's table."""
    curve = label_curve(study)
    assert curve.arm == "smote"
    assert curve.sizes.tolist() == [60, 90, 120, 150]
    base = np.array([split.scores["smote"]["balanced_accuracy"] for split in study.splits])
    np.testing.assert_allclose(curve.values, [base + 0.03 * k for k in range(4)])
    np.testing.assert_allclose(curve.mean, base.mean() + 0.03 * np.arange(4))
    assert curve.beside == "classic+gan"
    assert curve.level == pytest.approx(study.summary().loc["classic+gan", "score"])


def test_curve_that_falls_is_made_to_rise(study: Comparison):
    """Where more labels scored worse, the line that is drawn is level, the dots stay where they were."""

    def dented(split):
        return replace(split, curve=(replace(split.curve[0], value=split.curve[0].value - 0.1), *split.curve[1:]))

    curve = label_curve(replace(study, splits=tuple(dented(split) for split in study.splits)))
    assert (np.diff(curve.values.mean(axis=1)) < 0).any()
    assert (np.diff(curve.mean) >= 0).all()


def test_level_meets_the_curve_where_the_arm_is_worth(study: Comparison):
    """The line of the arm crosses the curve at as many labels as the table says."""
    part, curve = labels_part(study), label_curve(study)
    rows = study.label_equivalence().loc["classic+gan", "rows"]
    met = np.interp(np.log(60 + rows), np.log(curve.sizes), curve.mean)
    assert met == pytest.approx(curve.level, abs=0.002)
    assert [row["text"] for row in part["rows"]] == study.label_equivalence()["text"].tolist()


def test_only_a_gain_that_is_shown_is_coloured(study: Comparison):
    """An interval that begins at no label is grey: it is no gain that was shown."""
    styles = {row["arm"]: row["style"] for row in labels_part(study)["rows"]}
    assert styles["classic+gan"] == "helps"
    assert styles["gan"] == "hurts"
    assert np.isnan(study.label_equivalence().loc["gated", "low"]) == (styles["gated"] == "flat")


def test_more_than_is_a_line_to_the_end(study: Comparison):
    """An arm that is better than the curve's end has a line without a point, up to the edge."""

    def better(split):
        gain = 0.2
        scores = {**split.scores, "gan": {name: value + gain for name, value in split.scores["gan"].items()}}
        return replace(split, scores=scores, blocks={**split.blocks, "gan": split.blocks["gan"] + gain})

    study = replace(study, splits=tuple(better(split) for split in study.splits))
    row = next(row for row in labels_part(study)["rows"] if row["arm"] == "gan")
    assert row["text"] == "worth more than 90 real labels"
    assert (row["at"]["difference"], row["at"]["high"]) == (None, 100.0)
    assert row["at"]["low"] < 100


def test_without_a_curve_there_is_no_such_part(study: Comparison):
    """Where label-equivalence was not asked for, nothing is said of it."""
    bare = replace(study, splits=tuple(replace(split, curve=()) for split in study.splits))
    assert labels_part(bare) == {"rows": []}
    assert "worth in labels" not in report_html(bare, include_real_rows=False)


def test_with_one_multiple_in_folds_the_curve_is_still_the_references(a_study):
    """There every learned arm has as many sizes as the reference; theirs is not drawn."""
    folds = a_study(design="folds")

    def held_back(split):
        part = {arm: scores["balanced_accuracy"] - 0.1 for arm, scores in split.scores.items() if arm != "none"}
        return replace(split, curve=tuple(CurvePoint(arm, 0.5, 30, v, np.empty(0)) for arm, v in part.items()))

    curve = label_curve(replace(folds, splits=tuple(map(held_back, folds.splits))))
    assert (curve.arm, curve.beside, curve.sizes.tolist()) == ("smote", "classic+gan", [30, 60])


def test_multiples_that_come_to_as_many_rows_count_once(study: Comparison):
    """Of sizes that are rounded to one number the first is kept; where one size is left there is no curve."""

    def crowded(split, n_rows):
        return replace(
            split, curve=tuple(replace(point, n_rows=n) for point, n in zip(split.curve, n_rows, strict=True))
        )

    some, none = (replace(study, splits=tuple(crowded(s, n) for s in study.splits)) for n in ([60, 120, 120], [60] * 3))
    assert label_curve(some).sizes.tolist() == [60, 120]
    assert list(some.label_equivalence().index) == list(study.label_equivalence().index)
    assert label_curve(none) is None
    assert none.label_equivalence().empty
    assert labels_part(none) == {"rows": []}
