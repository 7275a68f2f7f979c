"""How many synthetic rows each class gets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.utils import check_sampling_strategy

from synthaug.augment.plan import drop_small_classes, plan_counts, plan_of_part
from synthaug.errors import ConfigError, SmallClassWarning

ROWS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40), min_size=2).map(lambda d: dict(sorted(d.items())))
WORDS = ["auto", "minority", "not minority", "not majority", "all"]


def asked_of_imblearn(strategy, counts):
    y = np.repeat(list(counts), list(counts.values()))
    return dict.fromkeys(counts, 0) | dict(check_sampling_strategy(strategy, y, "over-sampling"))


def fill_up_to(n):
    """A strategy as a function: every class to n rows, where it has fewer."""

    def strategy(y):
        labels, counts = np.unique(y, return_counts=True)
        return {label: max(n, int(count)) for label, count in zip(labels.tolist(), counts, strict=True)}

    return strategy


@given(ROWS, st.sampled_from(WORDS))
def test_words_mean_what_they_mean_in_imbalanced_learn(counts, word):
    """A named strategy asks for exactly the rows that imbalanced-learn would make."""
    assert plan_counts(counts, word, 0) == asked_of_imblearn(word, counts)


@given(ROWS, st.integers(40, 60))
def test_target_counts_mean_what_they_mean_in_imbalanced_learn(counts, target):
    """A dict, and a function that returns one, name how many rows a class shall have in the end."""
    named = dict.fromkeys(list(counts)[::2], target)
    assert plan_counts(counts, named, 0) == asked_of_imblearn(named, counts)
    assert plan_counts(counts, fill_up_to(target), 0) == asked_of_imblearn(fill_up_to(target), counts)


@pytest.mark.parametrize("ratio", [0.5, 0.75, 1.0])
def test_a_ratio_means_what_it_means_in_imbalanced_learn(ratio):
    """A number is the wanted ratio of minority to majority, for two classes."""
    counts = {"no": 40, "yes": 10}
    assert plan_counts(counts, ratio, 0) == asked_of_imblearn(ratio, counts)


def test_a_row_more_or_less_changes_no_plan():
    """Folds of balanced classes, which differ by a row, are planned alike; a dict of few rows is taken as it is."""
    assert plan_counts({"a": 34, "b": 33}, "auto", "auto") == {"a": 34, "b": 35}
    assert plan_counts({"a": 34, "b": 33}, {"b": 34}, "auto") == {"a": 0, "b": 1}


@given(ROWS)
def test_auto_balances_or_doubles(counts):
    """By itself every class ends with equally many rows: the majority's, or twice as many where all are about equal."""
    plan = plan_counts(counts, "auto", "auto")
    most = max(counts.values())
    after = {counts[label] + n for label, n in plan.items()}
    missing = sum(most - n for n in counts.values())
    assert after == ({2 * most} if missing < 0.1 * sum(counts.values()) else {most})


@pytest.mark.parametrize(
    ("n_synthetic", "on_top"),
    [(0, [0, 0]), (7, [7, 7]), (np.int64(7), [7, 7]), ("x0.5", [10, 2]), ("x2", [40, 8]), ("x0", [0, 0])],
)
def test_n_synthetic_comes_on_top_of_the_strategy(n_synthetic, on_top):
    """An integer is a number for each class, a ratio a multiple of its real rows; balancing comes before either."""
    counts = {"cat": 20, "dog": 4}
    balance = np.array([0, 16])
    assert list(plan_counts(counts, "auto", n_synthetic).values()) == (balance + on_top).tolist()
    assert list(plan_counts(counts, {}, n_synthetic).values()) == on_top


def test_an_empty_dict_with_auto_doubles():
    """No balancing and n_synthetic='auto': as many synthetic rows as real ones, as documented."""
    assert plan_counts({0: 5, 1: 3}, {}, "auto") == {0: 5, 1: 3}


@pytest.mark.parametrize(
    ("strategy", "n_synthetic", "message"),
    [
        ("minorty", 0, r"sampling_strategy must be one of .*; got 'minorty'\. Did you mean 'minority'\?"),
        ("majority", 0, "sampling_strategy must be one of .*; got 'majority'"),
        ({"dgo": 30}, 0, r"must name classes of y; got 'dgo'\. The classes are \['cat', 'dog'\]"),
        ({"cat": 5}, 0, "imbalanced-learn's; got {'cat': 5}.*greater or equal"),
        ({"cat": -5}, 0, "imbalanced-learn's; got {'cat': -5}.*negative"),
        ({"cat": "many"}, 0, "imbalanced-learn's; got {'cat': 'many'}"),
        (lambda y: 3, 0, "imbalanced-learn's; got <function"),
        (lambda y: {"cow": 30}, 0, "must name classes of y; got 'cow'"),
        (-0.5, 0, "imbalanced-learn's; got -0.5"),
        ("auto", -1, "n_synthetic must be a whole number from 0 to 10,000,000; got -1"),
        ("auto", 10**9, "n_synthetic must be a whole number from 0"),
        ("auto", True, "n_synthetic must be a whole number from 0 .*; got True"),
        ("auto", 0.5, "n_synthetic must be 'auto', a whole number a class, or a ratio like 'x0.5'; got 0.5"),
        ("auto", "half", "n_synthetic must be 'auto'.*; got 'half'"),
        ("auto", "x-1", "n_synthetic must be a ratio like 'x0.5', at most 'x1000'; got 'x-1'"),
        ("auto", "xnan", "n_synthetic must be a ratio like 'x0.5'.*; got 'xnan'"),
        ("auto", "x1e9", "n_synthetic must be a ratio like 'x0.5'.*; got 'x1e9'"),
    ],
)
def test_what_cannot_be_asked_for(strategy, n_synthetic, message):
    """A strategy or a number that cannot be is refused in words, before anything is learned."""
    with pytest.raises(ConfigError, match=message):
        plan_counts({"cat": 20, "dog": 4}, strategy, n_synthetic)


@pytest.mark.parametrize("strategy", [0.5, {None: 60}, {"cat": 30}, fill_up_to(60), None])
def test_without_labels_there_is_nothing_to_balance(strategy):
    """A ratio, target counts or a function for rows without labels point to the parameter that takes a number."""
    with pytest.raises(ConfigError, match=r"must be a word where rows have no labels; got .*how many .* by n_synth"):
        plan_counts({None: 30}, strategy, 7)
    assert plan_counts({None: 30}, "auto", 7) == plan_counts({None: 30}, {}, 7) == {None: 7}


def test_a_class_of_one_row_gets_nothing():
    """A class too small to learn from is named in a warning, and only its own rows are dropped from the plan."""
    with pytest.warns(SmallClassWarning, match="needs at least 2 rows to learn from; got 1 for 'dog'"):
        plan = drop_small_classes({"cat": 0, "dog": 19, "cow": 18}, {"cat": 20, "dog": 1, "cow": 2})
    assert plan == {"cat": 0, "dog": 0, "cow": 18}


@pytest.mark.parametrize("strategy", ["auto", "all", "minority"])
@pytest.mark.parametrize("numbers", [(10, 10, 10), (60, 4, 60), (90, 30, 9)])
def test_a_part_is_filled_up_to_its_share_of_the_same_total(numbers, strategy):
    """What a part lacks of a class by chance is filled up; classes that get nothing, or that it lacks, get nothing."""
    counts = dict(zip("abc", numbers, strict=True))
    plan = plan_counts(counts, strategy, "auto")
    part = {"a": counts["a"] * 2 // 3 + 1, "b": counts["b"] * 2 // 3 - 1}
    share = sum(part.values()) / sum(counts.values())
    of_part = plan_of_part(plan, counts, part)
    assert set(of_part) == set(part)
    for label in part:
        if plan[label]:
            assert part[label] + of_part[label] == pytest.approx(share * (counts[label] + plan[label]), abs=0.5)
        else:
            assert of_part[label] == 0
    assert plan_of_part(plan, counts, counts) == plan
