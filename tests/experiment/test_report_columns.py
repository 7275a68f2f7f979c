"""The report's part on a table's columns."""

from dataclasses import asdict

import numpy as np
import pytest

from synthaug import CGAN, Folds, SyntheticAugmenter, compare
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.report import report_html
from synthaug.experiment.report_columns import columns_part
from synthaug.experiment.storage import SplitStore


def test_images_have_no_columns(study: Comparison):
    """A study of images shows pictures, not columns."""
    assert columns_part(study.splits, names=study.class_names) == {"rows": []}
    assert 'id="columns"' not in report_html(study, include_real_rows=False)


def test_columns_stand_in_the_place_of_pictures(table_study: Comparison):
    """Every column has a row, the least alike first; shares, associations and what was left out are there."""
    part = columns_part(table_study.splits, names=table_study.class_names)
    assert part["rows"][0]["name"] == "slope"
    assert part["rows"][0]["mean"]["weak"]
    assert {row["name"] for row in part["rows"]} == {"first", "slope", "holes", "word", "day", "few"}
    assert part["left_out"] == ["key"]
    html = report_html(table_study, include_real_rows=False)
    assert 'id="columns"' in html
    assert 'id="images"' not in html
    assert "Each bin holds at least 10 real rows" in html


def test_drawings_are_the_shares(table_study: Comparison):
    """The area of the boxes is the share of real rows that is not missing, the same for the line of synthetic ones."""
    found = table_study.splits[0].learners[0].columns
    part = columns_part(table_study.splits, names=("a", "b"))
    panel = next(one for one in part["marginals"] if one["name"] == "holes")["panels"][0]
    marginal = next(one for one in found.marginals if (one.column, one.label) == ("holes", "a"))
    areas = np.array([width * height for _, _, width, height in panel["steps"]["boxes"]])
    np.testing.assert_allclose(areas / areas.sum(), np.array(marginal.real) / sum(marginal.real), atol=2e-3)
    real, synthetic = (round(100 * share) for share in marginal.missing)
    assert panel["missing"] == f"missing: real {real} %, synthetic {synthetic} %"


def test_pair_that_differs_most_is_named(table_study: Comparison):
    """The column that follows nothing any more is in the first pair, with its real and its synthetic figure."""
    first = columns_part(table_study.splits, names=("a", "b"))["differences"][0]
    assert first["pair"] in ("first, slope", "slope, first")
    assert float(first["real"]) > 0.8


def test_columns_are_kept_with_the_split(table_study: Comparison, tmp_path):
    """A stored split comes back with its columns."""
    store = SplitStore(tmp_path)
    store.open("key", {}, resume=False)
    store.save(table_study.splits[0])
    back, found = (split.learners[0].columns for split in (store.load(0), table_study.splits[0]))
    assert repr(asdict(back)) == repr(asdict(found))


@pytest.mark.slow
def test_study_of_a_mixed_table_shows_its_columns(a_table):
    """``compare`` on a frame with numbers, words, dates and holes measures its columns; shares come of one split."""
    X, y = a_table(120, seed=0)
    augmenter = SyntheticAugmenter(CGAN(n_steps=4), selection="none")
    X = X[["first", "slope", "few"]]
    result = compare(X, y, arms=["none", "gan"], augmenter=augmenter, cv=Folds(2, 1), random_state=0)
    shares = [bool(split.learners[0].columns.marginals) for split in result.splits]
    assert shares == [True, False]
    assert "slope" in report_html(result, include_real_rows=False)
