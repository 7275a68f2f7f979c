"""Numbers become normal scores and lead back: steps, thinning, grids, atoms."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from synthaug.data.tables.column_types import Cells
from synthaug.data.tables.grid import Grid, fit_grid
from synthaug.data.tables.numbers import fit_numbers
from synthaug.data.tables.quantiles import fit_quantiles

FINITE = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60).map(np.array)


def cells(values, missing=None):
    values = np.asarray(values)
    return Cells(values, np.zeros(len(values), dtype=bool) if missing is None else missing)


@given(numbers=FINITE)
def test_scores_rise_with_numbers_and_lead_back(numbers):
    """The way there never falls, and the way back ends where it began, to a rounding."""
    quantiles = fit_quantiles(numbers)
    scores = quantiles.scores(numbers)
    assert (np.diff(scores[np.argsort(numbers)]) >= 0).all()
    np.testing.assert_allclose(quantiles.numbers(scores), numbers, rtol=1e-9, atol=1e-9 * max(np.ptp(numbers), 1e-9))


@given(numbers=FINITE, scores=st.lists(st.floats(-50, 50), min_size=1, max_size=9).map(np.array))
def test_no_score_leaves_the_range(numbers, scores):
    """Whatever a network says: between the least and the greatest number, and never falling."""
    drawn = fit_quantiles(numbers).numbers(np.sort(scores))
    assert numbers.min() <= drawn.min() <= drawn.max() <= numbers.max()
    assert (np.diff(drawn) >= 0).all()


@pytest.mark.parametrize("family", [stats.norm(), stats.lognorm(2), stats.t(2), stats.uniform(), stats.expon()])
def test_normal_scores_give_the_distribution_back(family):
    """Decoded from perfect normal noise, a column is distributed as the training column was."""
    column = family.rvs(size=5000, random_state=0)
    drawn = fit_quantiles(column).numbers(np.random.default_rng(1).normal(size=5000))
    assert stats.ks_2samp(column, drawn).pvalue > 0.01
    assert np.quantile(drawn, 0.99) == pytest.approx(np.quantile(column, 0.99), rel=0.35)


def test_counts_come_as_often_as_they_were():
    """The steps of a column of few values are as wide as the values were frequent."""
    column = np.repeat([0.0, 1.0, 5.0], [600, 300, 100])
    codec = fit_numbers(cells(column), "x")
    places = np.random.default_rng(0).normal(size=(20000, 1)).astype(np.float32)
    drawn = codec.decode(places, np.arange(20000)).values
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [0, 1, 5]
    np.testing.assert_allclose(counts / 20000, [0.6, 0.3, 0.1], atol=0.015)


@pytest.mark.parametrize("n", [10, 100, 3000, 100_000])
def test_of_many_different_values_few_are_kept(n):
    """At most half as many quantiles as rows, and no more than about a thousand; of the values only the ends."""
    column = np.random.default_rng(0).normal(size=n)
    quantiles = fit_quantiles(column)
    assert len(quantiles.values) <= max(8, min(n // 2, 1000))
    assert n == 10 or set(quantiles.values) & set(column) == {column.min(), column.max()}


GRIDS = {
    "whole": (np.array([3, 4, 9]), Grid(3, 1, 0)),
    "fives": (np.array([80, 120, 85]), Grid(80, 5, 0)),
    "whole floats": (np.array([-2.0, 3.0]), Grid(-2, 5, 0)),
    "cents": (np.array([0.07, 12.34, 5.0]), Grid(7, 1, 2)),
    "quarters": (np.array([0.25, 1.5, 0.75]), Grid(25, 25, 2)),
    "one": (np.array([7.5]), Grid(75, 1, 1)),
    "negative": (np.array([-0.3, 0.6]), Grid(-3, 9, 1)),
    "large": (np.array([2**60, 2**60 + 6]), Grid(2**60, 6, 0)),
}


@pytest.mark.parametrize("case", GRIDS)
def test_the_coarsest_grid_is_found(case):
    """Whole numbers, cents, multiples: origin, step and decimals, and places lead back exactly."""
    numbers, grid = GRIDS[case]
    assert fit_grid(numbers) == grid
    assert grid.numbers(grid.places(numbers)).tolist() == numbers.tolist()


@pytest.mark.parametrize(
    "numbers", [np.array([1 / 3, 0.5]), np.array([np.pi]), np.array([1e300, 1.0]), np.array([-(2**63), 2**63 - 1])]
)
def test_numbers_off_every_grid_have_none(numbers):
    """Fractions without end, and numbers too far apart to count."""
    assert fit_grid(numbers) is None


@given(whole=st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=30), decimals=st.integers(0, 4))
def test_decimals_seen_are_decimals_drawn(whole, decimals):
    """Prices at two decimals lie on a grid of two decimals, in float32 as far as it can hold them."""
    numbers = np.round(np.array(whole) / 10.0**decimals, decimals)
    grid = fit_grid(numbers)
    assert grid is not None
    assert grid.decimals <= decimals
    assert grid.numbers(grid.places(numbers)).tolist() == numbers.tolist()


def test_zeros_and_holes_are_states():
    """A value of many rows among many values is a state of its own, as is a missing one; they come back as such."""
    rng = np.random.default_rng(0)
    values, missing = np.where(np.arange(300) % 3, rng.exponential(size=300), 0.0), np.arange(300) % 10 == 0
    codec = fit_numbers(cells(values, missing), "x")
    assert codec.atoms.tolist() == [0.0]
    assert [(column.kind, column.width) for column in codec.columns] == [("number", 1), ("category", 3)]
    places = codec.encode(cells(values, missing))
    assert (places[:, 1:].sum(axis=1) == 1).all()
    assert (places[missing | (values == 0), 0] == 0).all()
    decoded = codec.decode(places, np.arange(300))
    assert (decoded.missing == missing).all()
    np.testing.assert_allclose(decoded.present, values[~missing], rtol=1e-5)


def test_a_column_of_few_values_has_no_atoms():
    """Counts and grades are drawn from the values seen; none of them is apart."""
    codec = fit_numbers(cells(np.repeat([1.5, 2.5, 9.5], [50, 30, 20])), "x")
    assert codec.is_discrete
    assert not len(codec.atoms)
    drawn = codec.decode(np.linspace(-3, 3, 50, dtype=np.float32)[:, None], np.arange(50)).values
    assert set(drawn) == {1.5, 2.5, 9.5}


def test_the_range_is_of_all_values():
    """Atoms count: a column of zeros and large numbers reaches from 0."""
    codec = fit_numbers(cells(np.concatenate([np.zeros(50), np.linspace(10, 20, 50) + 1 / 3])), "x")
    assert codec.range == pytest.approx((0, 20 + 1 / 3))


def test_a_day_is_a_day():
    """Moments at midnight stay at midnight: their grid is of days, whatever the unit they are counted in."""
    days = pd.date_range("2024-01-01", periods=50, freq="3D").to_numpy(dtype="M8[ns]").view(np.int64)
    grid = fit_grid(days)
    assert grid is not None
    assert grid.step == 3 * 24 * 3600 * 10**9


def test_a_column_of_short_floats_is_no_grid_unless_it_is_one():
    """Numbers that a grid of decimals only comes near, in their own type, stay within the range seen."""
    near, on = np.nextafter(np.float32([0.99721, 0.5]), np.float32(0)), np.float32([0.99721, 0.5])
    assert fit_grid(near.astype(np.float64), dtype=near.dtype) is None
    grid = fit_grid(on.astype(np.float64), dtype=on.dtype)
    assert grid is not None
    assert grid.numbers(grid.places(on.astype(np.float64))).astype(np.float32).tolist() == on.tolist()
