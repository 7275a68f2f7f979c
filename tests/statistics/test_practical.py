"""Practical equivalence: the t distribution of a paired test, cut by a region that counts as no difference."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from synthaug.errors import ConfigError
from synthaug.statistics import PairedTest, corrected_resampled_t_test, crossed_t_test, practical_equivalence


def posterior_tail(differences: np.ndarray, rho: float, edge: float) -> float:
    """Return the posterior probability of a mean above the edge by brute force: equally correlated normal differences,
    flat priors on the mean and on the log of the spread, integrated on a grid.
    """
    n, mean, ssq = differences.size, differences.mean(), ((differences - differences.mean()) ** 2).sum()
    log_sd = np.linspace(np.log(differences.std()) - 3, np.log(differences.std()) + 3, 300)
    variance = np.exp(2 * log_sd)[:, None]
    means = mean + differences.std() * np.linspace(-20, 20, 4001)
    of_mean = variance * ((1 - rho) / n + rho)  # eigenvalues of the correlation: 1 - rho, and 1 + (n - 1) rho once
    log_density = -(n - 1) / 2 * np.log(variance) - ssq / (2 * variance * (1 - rho))
    log_density = log_density - 0.5 * np.log(of_mean) - (means - mean) ** 2 / (2 * of_mean)
    density = integrate.trapezoid(np.exp(log_density - log_density.max()), log_sd, axis=0)
    return float(density[means > edge].sum() / density.sum())


@pytest.mark.parametrize("edge", [-0.005, 0.005, 0.03])
def test_folds_agree_with_the_bayesian_correlated_t_test_by_brute_force(edge):
    """With correlation n_test / n between folds, the probabilities are those of the posterior, integrated on a grid."""
    differences = np.random.default_rng(0).normal(0.01, 0.02, 10)
    test = corrected_resampled_t_test(differences, n_train=80, n_test=20)
    found = practical_equivalence(test, rope=abs(edge))
    ours = found.gain if edge > 0 else 1 - found.loss
    assert ours == pytest.approx(posterior_tail(differences, 0.2, edge), abs=2e-3)


def test_the_probabilities_are_areas_of_the_t_distribution():
    """Above, within and below the region: scipy's density, integrated."""
    test = crossed_t_test(np.random.default_rng(1).normal(0.004, 0.01, (6, 10)))
    found = practical_equivalence(test, rope=0.002)
    edges = [-np.inf, -0.002, 0.002, np.inf]
    areas = [
        integrate.quad(stats.t(test.df, test.difference, test.standard_error).pdf, low, high)[0]
        for low, high in pairwise(edges)
    ]
    np.testing.assert_allclose([found.loss, found.equal, found.gain], areas, atol=1e-7)


@given(difference=st.floats(-1, 1), error=st.floats(1e-6, 1), df=st.floats(1, 500), rope=st.floats(0, 0.5))
def test_the_three_sum_to_one_and_swapping_the_arms_swaps_them(difference, error, df, rope):
    """Gain, no matter and loss share the whole; B against A is A against B with gain and loss exchanged."""
    found, swapped = (
        practical_equivalence(PairedTest(sign * difference, error, df, -1, 1, 0.5), rope=rope) for sign in (1, -1)
    )
    assert found.gain + found.equal + found.loss == pytest.approx(1)
    assert min(found.gain, found.equal, found.loss) >= 0
    assert (found.gain, found.loss) == pytest.approx((swapped.loss, swapped.gain), abs=1e-9)


def test_without_a_region_the_gain_is_one_minus_half_the_p_value():
    """At a region of no width the one-sided p-value is left."""
    test = corrected_resampled_t_test([0.02, 0.05, 0.03, 0.04, 0.01], n_train=80, n_test=20)
    found = practical_equivalence(test, rope=0)
    assert found.gain == pytest.approx(1 - test.p_value / 2)
    assert found.equal == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("value", "expected"), [(0.0, (0, 1, 0)), (0.1, (1, 0, 0)), (-0.1, (0, 0, 1))])
def test_equal_differences_give_no_nan(value, expected):
    """No difference at all is no matter for certain; equal differences speak for their side without certainty."""
    found = practical_equivalence(crossed_t_test(np.full((12, 5), value)))
    assert (found.gain, found.equal, found.loss) == pytest.approx(expected, abs=0.01)
    assert value == 0 or max(found.gain, found.loss) < 1


@pytest.mark.parametrize("rope", [-0.01, float("nan"), float("inf")])
def test_an_impossible_region_is_refused(rope):
    """A region has a width of at least 0."""
    with pytest.raises(ConfigError, match="rope must be at least 0; got"):
        practical_equivalence(PairedTest(0.0, 0.1, 5, -1, 1, 1.0), rope=rope)
