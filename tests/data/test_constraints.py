"""Rules of the user's own: what each corrects, what it refuses, and in which words."""

import datetime
import json

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synthaug.data.constraints import (
    Forgotten,
    broken,
    check_constraints,
    constraint_facts,
    correct,
    name_constraints,
    restore_constraints,
)
from synthaug.data.rules import Fixed, LessOrEqual
from synthaug.errors import ConfigError, ConstraintError, ShapeError

STAGES = pd.CategoricalDtype(["I", "II", "III"], ordered=True)


def table() -> pd.DataFrame:
    """Return rows with a column of each kind that has an order, and one that has none."""
    return pd.DataFrame(
        {
            "low": [1.0, 5.0, np.nan],
            "high": [2.0, 4.0, 0.0],
            "count": [1, 2, 3],
            "stay": pd.array([1, 2, None], dtype="Int64"),
            "seen": pd.to_datetime(["2020-01-02", "2020-01-01", "2020-01-03"]),
            "left": pd.to_datetime(["2020-01-03", "2020-01-01", pd.NaT]),
            "before": pd.Categorical(["I", "III", "II"], dtype=STAGES),
            "after": pd.Categorical(["II", "I", "II"], dtype=STAGES),
            "sex": pd.Series(["f", "m", "f"], dtype="category"),
            "centre": ["a", "b", "c"],
        }
    )


def adults(rows: pd.DataFrame) -> pd.Series:
    return rows["count"] >= 2


CORRECTED = {
    "two columns are swapped": (LessOrEqual("low", "high"), "low", [1.0, 4.0, np.nan]),
    "so are ordered categories": (LessOrEqual("before", "after"), "before", ["I", "I", "II"]),
    "dates that are in order stay": (LessOrEqual("seen", "left"), "seen", list(table()["seen"])),
    "a column is brought to its bound": (LessOrEqual("low", 2.5), "low", [1.0, 2.5, np.nan]),
    "whole numbers stay whole": (LessOrEqual(1.5, "count"), "count", [2, 2, 3]),
    "a date is a bound": (
        LessOrEqual(pd.Timestamp("2020-01-02"), "seen"),
        "seen",
        list(pd.to_datetime(["2020-01-02", "2020-01-02", "2020-01-03"])),
    ),
    "a value is set": (Fixed("sex", "m"), "sex", ["m", "m", "m"]),
    "a word is set": (Fixed("centre", "drawn"), "centre", ["drawn"] * 3),
}


@pytest.mark.parametrize(("rule", "column", "wanted"), CORRECTED.values(), ids=CORRECTED)
def test_rows_are_corrected(rule, column, wanted):
    """A rule puts right what it can, keeps the types, leaves other rows and missing values, and then holds."""
    fixed = correct(name_constraints([rule]), table())
    assert fixed[column].dtype == table()[column].dtype
    pd.testing.assert_series_equal(fixed[column], pd.Series(wanted, name=column).astype(table()[column].dtype))
    assert not rule.broken(fixed).any()


def test_equal_values_break_a_strict_rule_alone():
    """No correction makes equal values differ, so such rows are for rejection."""
    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 1.0, 4.0]})
    strict, loose = LessOrEqual("a", "b", strict=True), LessOrEqual("a", "b")
    held = broken(name_constraints([strict, loose]), correct(name_constraints([strict]), rows))
    assert held["a < b"].tolist() == [True, False, False]
    assert held["a <= b"].tolist() == [False, False, False]


@pytest.mark.parametrize("wrap", [np.asarray, torch.tensor, lambda rows: np.array(rows, dtype=object)])
def test_arrays_name_their_columns_x0_x1(wrap):
    """Arrays and tensors are corrected too and come back as what they were."""
    rows = wrap([[3, 1, 5], [1, 2, 5]])
    fixed = correct(name_constraints([LessOrEqual("x0", "x1"), Fixed("x2", 7)]), rows)
    assert type(fixed) is type(rows)
    assert fixed.dtype == rows.dtype
    assert fixed.tolist() == [[1, 3, 7], [1, 2, 7]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-5, 5), min_size=4, max_size=4), min_size=1, max_size=6))
def test_a_chain_of_inequalities_is_put_in_order(rows):
    """Inequalities that follow one another sort a row, whatever order they are given in."""
    rules = name_constraints([LessOrEqual("x2", "x3"), LessOrEqual("x0", "x1"), LessOrEqual("x1", "x2")])
    np.testing.assert_array_equal(correct(rules, np.array(rows)), np.sort(rows, axis=1))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-9, 9)] * 2), min_size=1, max_size=8), st.randoms())
def test_swapping_keeps_the_ranges_seen(pairs, shuffle):
    """Values of rows that keep a rule, paired anew and put right, stay within each column's range."""
    low, high = np.sort(pairs, axis=1).T
    drawn = pd.DataFrame({"a": shuffle.sample(low.tolist(), len(low)), "b": shuffle.sample(high.tolist(), len(high))})
    fixed = correct(name_constraints([LessOrEqual("a", "b")]), drawn)
    assert fixed["a"].between(low.min(), low.max()).all()
    assert fixed["b"].between(high.min(), high.max()).all()


def test_a_fixed_value_wins_over_an_inequality():
    """What is fixed stays so where an inequality would move it."""
    rules = name_constraints([Fixed("a", 5), LessOrEqual("a", "b")])
    fixed = correct(rules, pd.DataFrame({"a": [1, 9], "b": [3, 8]}))
    assert fixed.to_dict("list") == {"a": [5, 5], "b": [5, 9]}


def test_training_rows_that_break_a_rule_are_named():
    """The message counts them, and names the first five by number."""
    with pytest.raises(ConstraintError, match=r"'adults' must hold in the training rows; 1 of 3 break it \(row 0\)"):
        check_constraints([adults], table())
    rows = pd.DataFrame({"a": range(10)})
    with pytest.raises(ConstraintError, match=r"7 of 10 break it \(rows 3, 4, 5, 6, 7, \.\.\.\)\. Drop or mend"):
        check_constraints([LessOrEqual("a", 2)], rows)


def test_a_fixed_value_is_of_drawn_rows_alone():
    """Training rows may have other values in a column that is fixed."""
    check_constraints([Fixed("centre", "drawn")], table())


def missing_answers(rows):
    return rows["stay"] <= 3


def unfit(rows):
    return rows["count"].sum() > 2


def counted(rows):
    return rows["count"]


WRONG = {
    "no list": (LessOrEqual("low", "high"), "constraints must be a list"),
    "no constraint": (["low <= high"], "must be Fixed, LessOrEqual or functions of rows"),
    "a class": ([Fixed], "must be Fixed, LessOrEqual or functions of rows"),
    "no such column": (
        [LessOrEqual("lo", "high")],
        "'lo <= high' must name a column that is.*Did you mean 'low'",
    ),
    "no such fixed column": ([Fixed("sx", "f")], "'sx = 'f'' must name a column that is there"),
    "no column": ([LessOrEqual(1, 2)], "must name a column; got two values"),
    "no order": ([LessOrEqual("sex", "centre")], "must compare numbers, dates or ordered categories; got column 'sex'"),
    "two types": ([LessOrEqual("seen", "low")], "must compare what can be compared"),
    "an unknown category": ([Fixed("sex", "x")], r"that the column can hold \(categories 'f', 'm'\); got 'x'"),
    "a part of a whole number": ([Fixed("count", 1.5)], r"that the column can hold \(int64\); got 1.5"),
    "a word for a number": ([Fixed("low", "five")], "that the column can hold"),
    "one answer for all rows": ([unfit], "'unfit' must return True or False for each row; got bool of shape"),
    "a missing answer": ([missing_answers], r"'missing_answers' must return.*got none for row 2.*\.fillna\(True\)"),
    "numbers for answers": ([counted], "'counted' must return True or False for each row; got int64"),
}


def test_a_day_bounds_a_column_of_dates():
    """A plain date is a bound like a moment: drawn dates beyond it are set to its midnight."""
    seen = pd.DataFrame({"visit": pd.to_datetime(["2020-01-01", "2021-05-05"])})
    rule = LessOrEqual("visit", datetime.date(2022, 1, 1))
    check_constraints([rule], seen)
    late = pd.DataFrame({"visit": pd.to_datetime(["2023-01-01", "2021-05-05"])})
    assert correct(name_constraints([rule]), late)["visit"].dt.year.tolist() == [2022, 2021]


@pytest.mark.parametrize(("constraints", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_rule_is_refused(constraints, message):
    """The message names the constraint, the rule and what came."""
    with pytest.raises(ConfigError, match=message):
        check_constraints(constraints, table())


def test_columns_that_are_named_by_numbers_are_told_apart_from_words():
    """Rules name columns by text, so the remedy is to name the columns so, not to write what was written."""
    with pytest.raises(ConfigError, match=r"got '0'\. Name columns by text: X\.columns = X\.columns\.astype\(str\)"):
        check_constraints([LessOrEqual("0", "1")], pd.DataFrame({0: [1], 1: [2]}))


def test_images_have_no_columns():
    """A rule of columns is refused for images; a function of rows is not."""
    images = np.zeros((4, 8, 8))
    with pytest.raises(ShapeError, match=r"columns of a table \(n, d\); got rows of shape \(8, 8\)"):
        check_constraints([LessOrEqual("x0", 1)], images)
    check_constraints([lambda rows: rows.max(axis=(1, 2)) < 1], images)


def test_equal_names_are_numbered():
    """Every constraint has a name of its own in reports and messages."""
    names = name_constraints([adults, LessOrEqual("a", 1), adults, adults])
    assert list(names) == ["adults", "a <= 1", "adults (2)", "adults (3)"]


def test_saved_constraints_come_back_but_for_functions():
    """Rules are kept as they were; a function must be given again, and says so when it is needed."""
    fixed, ordered = Fixed("sex", "f"), LessOrEqual("low", 3.5, strict=True)
    restored = restore_constraints(constraint_facts([fixed, adults, ordered]))
    assert restored == [fixed, Forgotten("adults"), ordered]
    with pytest.raises(ConstraintError, match="'adults' must be given again"):
        broken(name_constraints(restored), table())
    assert restore_constraints(constraint_facts(None)) is None


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2020-01-02 03:04:05.000000006"),
        pd.Timestamp("2020-01-02", tz="Europe/Berlin"),
        np.datetime64("2020-01-02"),
        datetime.date(2020, 1, 2),
        pd.Timedelta(3, "h"),
    ],
    ids=str,
)
def test_dates_in_rules_can_be_saved(value):
    """A date that bounds a column, or is set in it, comes back out of JSON as the same moment."""
    facts = json.loads(json.dumps(constraint_facts([LessOrEqual("seen", value), Fixed("seen", value)])))
    as_pandas = pd.Timedelta if isinstance(value, pd.Timedelta) else pd.Timestamp
    assert restore_constraints(facts) == [LessOrEqual("seen", as_pandas(value)), Fixed("seen", as_pandas(value))]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (LessOrEqual("a", None), "must have a number or a date for a bound; got None"),
        (LessOrEqual("a", [1, 2]), "must have a number or a date for a bound"),
        (LessOrEqual("a", float("nan")), "must have a number or a date for a bound; got nan"),
        (Fixed("kind", ["x", "y"]), "must give a value that the column can hold"),
        (Fixed(0, 5), "Name columns by text"),
    ],
    ids=str,
)
def test_a_rule_that_can_never_hold_is_refused_in_words(rule, message):
    """Bounds and values that columns cannot be compared with are named before anything is learned."""
    frame = pd.DataFrame({"a": [1, 2], "kind": pd.Categorical(["x", "y"]), 0: [5, 5]})
    with pytest.raises(ConfigError, match=message):
        check_constraints([rule], frame)


def test_an_endless_bound_bounds_nothing():
    """Infinity leaves a column of whole numbers as it is."""
    frame = pd.DataFrame({"a": [1, 2]})
    rules = [LessOrEqual("a", float("inf")), LessOrEqual(float("-inf"), "a")]
    check_constraints(rules, frame)
    assert correct(name_constraints(rules), frame)["a"].tolist() == [1, 2]
