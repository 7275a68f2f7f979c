"""One column, real beside synthetic: likeness agrees with scipy, and no bin tells of fewer rows than it may."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from synthaug.experiment.column_shapes import (
    MISSING,
    OTHER,
    as_frame,
    category_marginal,
    category_names,
    kind_of,
    likeness,
    number_bins,
    number_marginal,
    plain_values,
)

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), min_size=1, max_size=80)
NUMBERS = arrays(float, st.integers(1, 80), elements=st.one_of(st.integers(-20, 20).map(float), st.just(np.nan)))


@pytest.mark.parametrize("ties", [False, True])
def test_likeness_of_numbers_is_that_of_kolmogorov_and_smirnov(ties: bool):
    """It is 1 less scipy's statistic, with ties and without."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=70), rng.normal(0.5, 2.0, size=40)
    sides = [side.round() if ties else side for side in (first, second)]
    assert likeness(*sides) == pytest.approx(1 - ks_2samp(*sides).statistic)


def test_likeness_of_words_is_that_of_total_variation():
    """Shares of 0.5, 0.5 and 0.25, 0.75 have a quarter not in common."""
    first, second = (np.array(words, dtype=object) for words in (["a", "b"], ["a", "b", "b", "b"]))
    assert likeness(first, second) == pytest.approx(0.75)


def test_missing_values_are_values():
    """Columns that differ in nothing but the share that is missing are unlike by the difference in that share."""
    full, half = np.zeros(10), np.repeat([0.0, np.nan], 5)
    assert likeness(full, half) == pytest.approx(0.5)
    assert likeness(half, half) == 1.0


def test_likeness_without_rows_is_unknown():
    """There is no figure of nothing."""
    assert np.isnan(likeness(np.empty(0), np.zeros(3)))


KINDS = {
    "number": pd.Series(np.arange(30) / 7),
    "date": pd.Series(pd.date_range("2020-01-01", periods=30)),
    "category": pd.Series([0, 1, 2] * 10),
    "key": pd.Series([f"person {i}" for i in range(30)]),
}
ALSO_CATEGORIES = {
    "bool": pd.Series([True, False] * 15),
    "words": pd.Series(["x", None] * 15),
    "category": pd.Series(["x", "y"] * 15, dtype="category"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kind_of_a_column(kind: str):
    """Many numbers are numbers, few are categories, words that nearly all differ are keys."""
    assert kind_of(KINDS[kind]) == kind


@pytest.mark.parametrize("name", ALSO_CATEGORIES)
def test_words_and_truth_values_are_categories(name: str):
    """A missing word is one more category."""
    column = ALSO_CATEGORIES[name]
    assert kind_of(column) == "category"
    assert (MISSING in plain_values(column, "category")) == column.isna().any()


def test_dates_are_days():
    """A day is 1; a missing date is missing."""
    column = pd.Series(pd.to_datetime(["1970-01-02", None, "1970-01-11"]))
    np.testing.assert_allclose(plain_values(column, "date"), [1, np.nan, 10])


def test_any_rows_become_a_frame():
    """An array's columns are called by their numbers."""
    assert list(as_frame(np.zeros((2, 3)))) == ["0", "1", "2"]


@settings(max_examples=40)
@given(real=NUMBERS, synthetic=NUMBERS, least=st.integers(1, 12))
def test_no_bin_tells_of_few_real_rows(real: np.ndarray, synthetic: np.ndarray, least: int):
    """Every bin, and what is missing, holds at least so many real rows, and both sides' shares sum to 1."""
    edges = number_bins(real, least=least)
    found = number_marginal("a", "x", "number", real=real, synthetic=synthetic, edges=edges, least=least)
    if found is None:
        return
    missing = found.missing or (0.0, 0.0)
    n_told = len(real) if found.missing else np.isfinite(real).sum()
    assert min(found.real) * n_told >= least - 1e-6
    assert missing[0] == 0 or missing[0] * len(real) >= least - 1e-6
    assert sum(found.real) + missing[0] == pytest.approx(1)
    if np.isfinite(synthetic).any():
        assert sum(found.synthetic) + missing[1] == pytest.approx(1)


@settings(max_examples=40)
@given(real=WORDS, synthetic=WORDS, least=st.integers(1, 12))
def test_no_word_of_few_real_rows_is_told(real: list[str], synthetic: list[str], least: int):
    """Every word that is told is held by so many real rows, and so are the others together, or by none."""
    sides = [np.array(words, dtype=object) for words in (real, synthetic)]
    names = category_names(sides[0], least=least)
    found = category_marginal("a", "x", real=sides[0], synthetic=sides[1], names=names, least=least)
    if found is None:
        return
    counts = dict(zip(found.names, np.array(found.real) * len(real), strict=True))
    others = counts.pop(OTHER, 0.0)
    assert min(counts.values()) >= least - 1e-6
    assert others < 1e-6 or others >= least - 1e-6
    assert (sum(found.real), sum(found.synthetic)) == (pytest.approx(1), pytest.approx(1))


def test_numbers_as_categories_stand_in_their_order():
    """Few numbers are told one by one, rising."""
    values = plain_values(pd.Series([10.0, 2.0, 2.0, 10.0, 1.0, 1.0, 10.0]), "category")
    assert category_names(values, least=1) == ["1", "2", "10"]
