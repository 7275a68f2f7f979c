"""How strongly two columns go together: agreement with scipy, and what chance gives."""

import numpy as np
import pytest
from scipy.stats import f_oneway, rankdata, spearmanr
from scipy.stats.contingency import association as plain_association
from scipy.stats.contingency import crosstab

from synthaug.experiment.column_pairs import association, associations, correlation_ratio, cramers_v, rank_correlation

RNG = np.random.default_rng(0)


def words(numbers: np.ndarray) -> np.ndarray:
    return np.array([f"w{number}" for number in numbers], dtype=object)


@pytest.mark.parametrize("ties", [False, True])
def test_two_numbers_as_spearman(ties: bool):
    """It is scipy's rank correlation, with ties and without."""
    first = RNG.normal(size=60)
    second = RNG.normal(size=60) - first
    sides = [side.round() if ties else side for side in (first, second)]
    assert rank_correlation(*sides) == pytest.approx(spearmanr(*sides).statistic)


def test_two_categories_as_cramer_less_what_chance_gives():
    """For many rows it is Cramer's V; for few it is below, and nothing for what has nothing to do with each other."""
    first = RNG.integers(0, 3, 20_000)
    second = np.where(RNG.random(20_000) < 0.5, first, RNG.integers(0, 3, 20_000))
    plain = plain_association(crosstab(first, second).count, method="cramer")
    assert cramers_v(words(first), words(second)) == pytest.approx(plain, abs=1e-3)
    chance = [cramers_v(words(RNG.integers(0, 3, 30)), words(RNG.integers(0, 3, 30))) for _ in range(200)]
    assert np.median(chance) < 0.1
    assert cramers_v(words(first[:40]), words(first[:40])) == pytest.approx(1)


def test_number_and_category_as_the_analysis_of_variance():
    """Kelley's epsilon squared is (F - 1) b / (F b + w), with F of the ranks and b and w its degrees of freedom."""
    codes = RNG.integers(0, 3, 90)
    numbers = RNG.normal(size=90) + codes
    ranks = rankdata(numbers)
    f = f_oneway(*(ranks[codes == code] for code in range(3))).statistic
    assert correlation_ratio(words(codes), numbers) ** 2 == pytest.approx((f - 1) * 2 / (f * 2 + 87))


def test_missing_values_are_left_out():
    """Rows with a missing value in either column count as not there; too few leave nothing to tell."""
    first, second = np.arange(10.0), np.arange(10.0)
    first[0], second[0] = np.nan, -50.0
    assert association(first, second) == pytest.approx(1)
    assert np.isnan(association(first[:4], second[:4]))


def test_table_is_symmetric_and_a_constant_goes_with_nothing():
    """Order plays no part, a column goes with itself, and a constant with nothing."""
    x = RNG.normal(size=40)
    found = associations({"x": x, "less": -x, "word": words(x > 0), "one": np.ones(40)})
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(np.diag(found), 1)
    assert found[0, 1] == pytest.approx(-1)
    np.testing.assert_array_equal(found[:3, 3], 0)
