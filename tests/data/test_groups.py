"""Groups: one for each row, none missing, and never on both sides; what they are called is not told."""

from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from synthaug.data.groups import check_groups_apart, check_named_split, check_sets_apart, checked_groups
from synthaug.errors import ShapeError

GROUPS = np.array(["Doe, Jane", "Doe, Jane", "Roe", "Roe", "Poe", "Poe"])

FORMS = {
    "numbers": [1, 1, 2],
    "words": ["a", "a", "b"],
    "series": pd.Series(["a", "a", "b"], index=[7, 8, 9]),
    "categories": pd.Categorical(["a", "a", "b"]),
    "objects": np.array(["a", "a", "b"], dtype=object),
    "other objects": [UUID(int=1), UUID(int=1), UUID(int=2)],
}


@pytest.mark.parametrize("form", FORMS)
def test_groups_of_any_form_are_read(form):
    """Whatever groups come in, equal entries stay equal, others apart, and they can be sorted."""
    groups = checked_groups(FORMS[form], 3)
    assert np.unique(groups, return_inverse=True)[1].tolist() == [0, 0, 1]


def test_no_groups_are_none():
    """Where nobody says what belongs together, nothing does."""
    assert checked_groups(None, 3) is None


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2], r"groups must hold one entry for each row; got shape \(2,\) for 3 rows"),
        ([[1], [2], [3]], r"got shape \(3, 1\) for 3 rows"),
        ([1.0, np.nan, np.nan], r"groups must not be missing; got 2 missing \(rows 1, 2\)\. Give each row whose group"),
        (["a", None, "b"], r"got 1 missing \(rows 1\)"),
        (pd.Series(["a", pd.NA, "b"], dtype="string"), r"got 1 missing \(rows 1\)"),
        (np.array(["a", 1, "b"], dtype=object), "groups must be of one type; got int and str. Convert them to one"),
    ],
)
def test_impossible_groups_are_refused(groups, message):
    """Groups of another length, missing ones (no patient called NaN) and mixed types are refused in words."""
    with pytest.raises(ShapeError, match=message):
        checked_groups(groups, 3)


def test_a_group_on_both_sides_is_named_by_number():
    """The error says the group's number and its rows, where to go, and not what the group is called."""
    with pytest.raises(ShapeError, match=r"group number 1 on both \(rows 2, 3\)\. Use a splitter that knows") as error:
        check_groups_apart(np.array(["p", "p", "q", "q"]), np.array([0, 1, 2]), np.array([3]))
    with pytest.raises(ShapeError, match=r"number 0 on both \(rows 0, 1\); so do 2 other groups") as error:
        check_groups_apart(GROUPS, np.array([0, 2, 4]), np.array([1, 3, 5]))
    assert "Doe" not in str(error.value)
    check_groups_apart(GROUPS, np.arange(4), np.array([4, 5]))


def test_a_group_in_two_sets_is_named_by_number():
    """Of two sets of rows the error says the rows of either."""
    with pytest.raises(ShapeError, match=r"number 1 in both \(rows 2, 3 of real and rows 0, 1 of holdout\)") as error:
        check_sets_apart(GROUPS[:4], np.array(["Roe", "Roe", "Zoe"]), names=("real", "holdout"))
    assert "Roe" not in str(error.value)
    check_sets_apart(GROUPS[:2], GROUPS[2:], names=("real", "holdout"))


def test_a_group_in_two_parts_of_a_named_split_is_named_by_number():
    """Where a manifest puts a patient into train and test, the error says the number and the rows of either part; rows
    that are in no part do not matter.
    """
    split = np.array(["train", "train", "train", "test", "test", ""])
    with pytest.raises(
        ShapeError, match=r"number 2 in 2 \(rows 3 in 'test' and rows 2 in 'train'\), and 1 groups"
    ) as error:
        check_named_split(GROUPS, split)
    assert "Roe" not in str(error.value)
    split[3] = "train"
    check_named_split(GROUPS, split)
    check_named_split(None, split)
    check_named_split(GROUPS, None)


def test_many_rows_are_told_short():
    """Of a group of many rows six are named, and how many there are."""
    with pytest.raises(ShapeError, match=r"rows 0, 1, 2, 3, 4, 5, \.\.\. \(20 in all\)"):
        check_groups_apart(np.zeros(20, dtype=int), np.arange(10), np.arange(10, 20))
