"""Arms over mixed tables: what a sampler makes of numbers, categories and missing values."""

import numpy as np
import pandas as pd
import pytest

from synthaug.augment.arms import ARMS, NotApplicable
from synthaug.augment.arms.columns import take_apart

CATEGORIES = ["stage", "sex", "smokes"]
NUMBERS = ["age", "dose", "seen"]
MAKERS = ("oversample", "smote", "noise", "mixup")


def added(make_task, name, **settings):
    """Return the rows that an arm adds to a mixed table, and the task."""
    it = make_task("mixed", n_synthetic=30, **settings)
    return ARMS[name](it).classifier.X_.iloc[30:], it


def test_a_table_is_put_together_as_it_was(make_task):
    """Numbers and choices, as they were taken apart, are the training rows again, in every type."""
    it = make_task("mixed")
    parts = take_apart(it.X, it.augmenter)
    assert (parts.numbers.shape, parts.choices.shape) == ((30, 3), (30, 3))
    pd.testing.assert_frame_equal(parts.together(parts.numbers, parts.choices), it.X)


def test_arrays_with_gaps_are_taken_apart_too(make_task):
    """An array of numbers may lack some; it is put together as the array it was."""
    X = np.where(np.random.default_rng(0).random((30, 5)) < 0.2, np.nan, np.arange(150.0).reshape(30, 5))
    it = make_task("table", rows=(X, np.array(["ill", "well", "well"] * 10)))
    parts = take_apart(X, it.augmenter)
    np.testing.assert_allclose(parts.together(parts.numbers, parts.choices), X, rtol=1e-5)
    assert np.isnan(ARMS["smote"](it).classifier.X_[30:]).any()


@pytest.mark.parametrize("name", MAKERS)
def test_made_rows_are_of_the_tables_types(make_task, name):
    """Types, categories, ranges, whole numbers and days at midnight are those of the training rows."""
    rows, it = added(make_task, name)
    assert rows.dtypes.to_dict() == it.X.dtypes.to_dict()
    assert all(set(rows[column].dropna()) <= set(it.X[column].dropna()) for column in [*CATEGORIES, "centre"])
    assert all(rows[column].dropna().between(it.X[column].min(), it.X[column].max()).all() for column in NUMBERS)
    assert (rows["seen"] == rows["seen"].dt.normalize()).all()
    assert rows[["age", "seen", "smokes", "stage"]].notna().all(axis=None)


def test_smote_draws_missing_values_with_the_neighbours(make_task):
    """Where a number is missing in one of two groups of rows, it is missing in the new rows of that group alone."""
    rng, old = np.random.default_rng(0), np.arange(60) < 30
    X = pd.DataFrame({"age": np.where(old, 80.0, 20.0) + rng.normal(size=60), "weight": rng.normal(3, 0.1, 60)})
    X["weight"] = X["weight"].where(old)
    it = make_task("mixed", rows=(X, pd.Series(["ill", "well", "well"] * 20)), n_synthetic=30)
    rows = ARMS["smote"](it).classifier.X_.iloc[60:]
    assert rows["weight"].isna().nunique() == 2
    np.testing.assert_array_equal(rows["weight"].isna(), rows["age"] < 50)


def test_noise_moves_numbers_alone(make_task):
    """Categories are those of the rows that are repeated, and what is missing stays so."""
    rows, it = added(make_task, "noise")
    known = {tuple(row) for row in it.X[CATEGORIES].astype(str).to_numpy()}
    assert {tuple(row) for row in rows[CATEGORIES].astype(str).to_numpy()} <= known
    assert rows["dose"].isna().any()
    assert not set(rows["dose"].dropna()) <= set(it.X["dose"].dropna())


def test_mixup_takes_means_where_both_rows_have_a_number(make_task):
    """With one half of each of two rows numbers are means; a number that one lacks is the other's or missing."""
    rows, it = added(make_task, "mixup")
    known = {tuple(row) for row in it.X[CATEGORIES].astype(str).to_numpy()}
    assert {tuple(row) for row in rows[CATEGORIES].astype(str).to_numpy()} <= known
    assert rows["dose"].isna().any()


def test_mixup_takes_the_categories_of_the_greater_part(make_task):
    """Where a number's sign tells the category, it does so in the blends too, of one class and of two."""
    rng, high = np.random.default_rng(0), np.arange(60) % 2 == 1
    X = pd.DataFrame({"number": np.where(high, 10.0, -10.0) + rng.normal(size=60), "side": np.where(high, "+", "-")})
    it = make_task("mixed", rows=(X, pd.Series(["ill", "well", "well"] * 20)), n_synthetic=30)
    rows = ARMS["mixup"](it).classifier.X_.iloc[60:]
    np.testing.assert_array_equal(rows["number"] > 0, rows["side"] == "+")


WORDS = pd.DataFrame({"a": ["x", "y", "z"] * 10, "b": ["u", "v"] * 15})
SAME = pd.DataFrame({"a": ["x"] * 30, "b": [1.0] * 30})
REASONS = {
    ("noise", "words"): (WORDS, "noise moves numbers; the table's columns are categories"),
    ("mixup", "words"): (WORDS, "mixup takes means of numbers; the table's columns are categories"),
    ("smote", "constants"): (SAME, "SMOTE needs a column that varies; this table has none"),
    ("cutmix", "words"): (WORDS, "a table has no rectangles"),
    ("classic", "words"): (WORDS, "a table has no classical transforms"),
}


@pytest.mark.parametrize(
    ("name", "X", "reason"), [(key[0], *case) for key, case in REASONS.items()], ids=map(" ".join, REASONS)
)
def test_an_arm_says_why_it_does_not_apply(make_task, name, X, reason):
    """Where there is nothing to move or mix, the study is told instead of failing."""
    it = make_task("mixed", rows=(X, pd.Series(["ill", "well", "well"] * 10)))
    with pytest.raises(NotApplicable, match=reason):
        ARMS[name](it)


def test_smote_of_words_alone_makes_rows_of_words(make_task):
    """A table of categories alone is SMOTEN's."""
    it = make_task("mixed", rows=(WORDS, pd.Series(["ill", "well", "well"] * 10)))
    rows = ARMS["smote"](it).classifier.X_
    assert len(rows) == 40
    assert all(set(rows[column]) <= set(WORDS[column]) for column in WORDS)
