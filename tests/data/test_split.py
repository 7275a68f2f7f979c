"""Splits: no row on both sides, classes spread, groups whole, and impossible requests named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthaug.data.groups import check_groups_apart
from synthaug.data.split import label_scarce_draws, repeated_folds, stratified_folds
from synthaug.errors import ConfigError

Y = np.repeat(["a", "b", "c"], [60, 24, 12])
GROUPS = np.arange(96) // 4  # every group within one class


def counts(y: np.ndarray) -> np.ndarray:
    """Return how many rows of a, b and c there are."""
    return np.array([(y == label).sum() for label in "abc"])


@given(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5), n_splits=st.integers(2, 6), seed=st.integers(0, 999))
def test_folds_share_rows_and_classes_out_evenly(sizes, n_splits, seed):
    """Each row is tested once, folds differ by one row at the most, in all and in every class."""
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    folds = stratified_folds(y, n_splits=n_splits, seed=seed)
    assert np.concatenate([test for _, test in folds]).size == len(y)
    tested = np.zeros(len(y), dtype=int)
    for train, test in folds:
        tested[test] += 1
        assert sorted([*train, *test]) == list(range(len(y)))
    assert (tested == 1).all()
    by_class = np.array([np.bincount(y[test], minlength=len(sizes)) for _, test in folds])
    assert np.ptp(by_class, axis=0).max() <= 1
    assert np.ptp(by_class.sum(1)) <= 1


@settings(max_examples=30)
@given(n_splits=st.integers(2, 4), seed=st.integers(0, 999), size=st.integers(1, 6))
def test_folds_never_tear_a_group(n_splits, seed, size):
    """A patient's rows are on one side, and together the folds test every row once."""
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.arange(96) // size)
    folds = stratified_folds(Y, n_splits=n_splits, seed=seed, groups=groups)
    for train, test in folds:
        check_groups_apart(groups, train, test)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(96))


def test_repeats_are_shuffled_anew_and_seeds_repeat_them():
    """The same seed gives the same folds, the next repeat others, another seed others."""
    first, again, other = (repeated_folds(Y, n_splits=4, n_repeats=3, seed=seed) for seed in (1, 1, 2))
    assert [(split.repeat, split.fold) for split in first] == [(r, f) for r in range(3) for f in range(4)]
    assert all(np.array_equal(a.test, b.test) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].test, first[4].test)
    assert not np.array_equal(first[0].test, other[0].test)


@settings(max_examples=50)
@given(seed=st.integers(0, 999), wanted=st.tuples(*[st.integers(1, 8)] * 3), test_rows=st.integers(6, 24))
def test_draws_share_one_test_set_and_take_exact_counts(seed, wanted, test_rows):
    """Every draw has the rows asked for of each class, no row of the held-out ones, and its own choice."""
    splits = label_scarce_draws(
        Y, rows_per_class=dict(zip("abc", wanted, strict=True)), n_draws=3, test_rows=test_rows, seed=seed
    )
    assert len(splits[0].test) == test_rows
    expected = counts(Y) * test_rows / len(Y)
    assert (abs(counts(Y[splits[0].test]) - expected) <= 1).all()
    for draw, split in enumerate(splits):
        assert (split.repeat, split.fold) == (draw, 0)
        assert np.array_equal(split.test, splits[0].test)
        assert tuple(counts(Y[split.train])) == wanted
        assert len(set(split.train)) == len(split.train)
        assert not set(split.train) & set(split.test)


def test_draws_differ_and_a_seed_repeats_them():
    """Draws are independent choices; more draws begin with the same ones."""
    few, many = (label_scarce_draws(Y, rows_per_class=5, n_draws=n, test_rows=20, seed=3) for n in (2, 4))
    assert all(np.array_equal(a.train, b.train) for a, b in zip(few, many[:2], strict=True))
    assert len({tuple(split.train) for split in many}) == 4


@settings(max_examples=30)
@given(seed=st.integers(0, 999), test_rows=st.integers(20, 48))
def test_draws_hold_back_whole_groups_of_every_class(seed, test_rows):
    """With groups the held-out part has about the rows asked for, every class, and no patient of the drawn rows."""
    for split in label_scarce_draws(Y, rows_per_class=2, n_draws=2, test_rows=test_rows, seed=seed, groups=GROUPS):
        check_groups_apart(GROUPS, split.train, split.test)
        assert (counts(Y[split.test]) > 0).all()
        assert 0.4 * test_rows <= len(split.test) <= 2 * test_rows


def test_labels_may_be_named_as_text():
    """A YAML file names the class '3' where the label is 3."""
    y = np.repeat([3, 5], 20)
    (split,) = label_scarce_draws(y, rows_per_class={"3": 2, 5: 4}, n_draws=1, test_rows=10, seed=0)
    assert np.bincount(y[split.train])[[3, 5]].tolist() == [2, 4]


def test_labels_are_named_by_their_value():
    """The class 1.0 may be named 1, and none is named twice."""
    y = np.repeat([0.0, 1.0], 20)
    asked = {"n_draws": 1, "test_rows": 10, "seed": 0}
    (split,) = label_scarce_draws(y, rows_per_class={1: 2, 0: 4}, **asked)
    assert np.bincount(y[split.train].astype(int)).tolist() == [4, 2]
    with pytest.raises(ConfigError, match="must name every class"):
        label_scarce_draws(y, rows_per_class={1: 2, "1.0": 2, 0: 4}, **asked)
    with pytest.raises(ConfigError, match="must name every class"):
        label_scarce_draws(y, rows_per_class={True: 2, False: 4}, **asked)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"test_rows": 0}, r"test_rows must be between 1 and the number of rows \(96\) less 1; got 0"),
        ({"test_rows": 96}, r"less 1; got 96"),
        ({"test_rows": 2}, "test_rows must leave rows of every class on both sides; got 2"),
        ({"test_rows": 95}, "on both sides; got 95"),
        ({"rows_per_class": 11}, "beside the 20 held out; got 11 for class 'c', which has [0-9]+. Ask for fewer"),
        ({"rows_per_class": {"a": 1, "b": 1}}, r"must name every class \(\['a', 'b', 'c'\]\); got \['a', 'b'\]"),
        ({"rows_per_class": {"a": 1, "b": 1, "d": 1}}, "must name every class"),
        ({"rows_per_class": 0}, "rows_per_class must be a positive integer; got 0"),
        ({"rows_per_class": 2.5}, "rows_per_class must be a positive integer; got 2.5"),
        ({"rows_per_class": {"a": 1, "b": -2, "c": 1}}, r"rows_per_class\['b'\] must be a positive integer; got -2"),
        ({"n_draws": 0}, "n_draws must be a positive integer; got 0"),
        ({"groups": np.zeros(96, dtype=int)}, "groups must be at least two, so that some can be held out; got one"),
        ({"groups": GROUPS, "test_rows": 3}, "enough for rows of every class; got 3, .* of the groups holds all"),
    ],
)
def test_impossible_draws_are_named(changed, message):
    """Too few rows, forgotten or unknown classes, counts that are none, groups that cannot be parted."""
    settings_ = {"rows_per_class": 2, "n_draws": 2, "test_rows": 20, "seed": 0, **changed}
    with pytest.raises(ConfigError, match=message):
        label_scarce_draws(Y, **settings_)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_splits": 13}, r"at most the rows of the smallest class \(12\); got 13"),
        ({"n_splits": 1}, "n_splits must be at least 2; got 1"),
        ({"n_splits": 2.0}, "n_splits must be a positive integer; got 2.0"),
        ({"n_repeats": 0}, "n_repeats must be a positive integer; got 0"),
        ({"n_splits": 4, "groups": np.arange(96) % 3}, r"at most the number of groups \(3\); got 4"),
    ],
)
def test_impossible_folds_are_named(changed, message):
    """More folds than rows of a class or than groups, or fewer than two."""
    with pytest.raises(ConfigError, match=message):
        repeated_folds(Y, **{"n_splits": 3, "n_repeats": 1, "seed": 0, **changed})
