"""The paired tests, against truths; `tests/benchmarks/test_calibration.py` simulates whole studies."""

import itertools
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from synthaug.errors import ConfigError, ShapeError
from synthaug.statistics import (
    PairedTest,
    corrected_resampled_t_test,
    crossed_t_test,
    detectable_gain,
    holm,
    verdict,
)

repeatable = settings(max_examples=60, deadline=None, derandomize=True)


def folds_test(differences: np.ndarray) -> PairedTest:
    return corrected_resampled_t_test(np.ravel(differences), n_train=80, n_test=20)


DESIGNS = {"folds": folds_test, "draws": crossed_t_test}
effects_that_vary = arrays(float, (4, 5), elements=st.floats(-1, 1, width=32)).filter(
    lambda values: np.ptp(values) > 1e-3
)
every_design = pytest.mark.parametrize("test_of", DESIGNS.values(), ids=DESIGNS.keys())


# --- agreement with a truth


def test_without_overlap_the_corrected_test_is_students():
    """Where a split scores on next to nothing, the correction vanishes and scipy's one-sample t-test is left."""
    differences = np.random.default_rng(0).normal(0.02, 0.03, 25)
    ours = corrected_resampled_t_test(differences, n_train=1e12, n_test=1e-3)
    theirs = stats.ttest_1samp(differences, 0)
    interval = theirs.confidence_interval(0.95)
    np.testing.assert_allclose(
        [ours.p_value, ours.low, ours.high], [theirs.pvalue, interval.low, interval.high], rtol=1e-9
    )


def test_the_corrected_test_agrees_with_the_formula_by_hand():
    """Differences 1, 2, 3, 6: mean 3, variance 14/3, error² = (1/4 + 1/3) · 14/3, 3 degrees of freedom."""
    test = corrected_resampled_t_test([1, 2, 3, 6], n_train=75, n_test=25)
    assert test.standard_error**2 == pytest.approx(7 / 12 * 14 / 3)
    assert (test.difference, test.df) == (3, 3)
    assert test.high == pytest.approx(3 + 3.182446 * test.standard_error, rel=1e-6)  # t table, 0.975


def test_the_crossed_test_agrees_with_the_formula_by_hand():
    """Effects [[1, 2], [3, 6]]: mean squares 9, 4, 1, so error² = (9 + 4 - 1) / 4 and df = 12² / (9² + 4² + 1²)."""
    test = crossed_t_test([[1, 2], [3, 6]])
    assert (test.difference, test.standard_error**2, test.df) == pytest.approx((3, 3, 144 / 98))


def test_the_crossed_test_agrees_with_an_analysis_of_variance_by_least_squares():
    """The mean squares are what each factor takes off the residuals of linear models, fitted by least squares."""
    effects = np.random.default_rng(5).normal(0.02, 0.03, (6, 9))
    draw, block = (np.eye(n)[places.ravel()] for n, places in zip((6, 9), np.indices((6, 9)), strict=True))
    models = [np.ones((54, 1)), draw, block, np.hstack([draw, block])]
    mean, by_draw, by_block, by_both = (residual_sum(model, effects.ravel()) for model in models)
    squares = np.array([(mean - by_draw) / 5, (mean - by_block) / 8, by_both / 40])
    variance = squares[:2].clip(squares[2]).sum() - squares[2]
    df = variance**2 / (squares**2 / [5, 8, 40]).sum()
    test = crossed_t_test(effects)
    np.testing.assert_allclose([test.standard_error**2, test.df], [variance / 54, df], rtol=1e-9)


def residual_sum(model: np.ndarray, values: np.ndarray) -> float:
    return float(((values - model @ np.linalg.lstsq(model, values)[0]) ** 2).sum())


def test_the_corrected_test_agrees_with_generalised_least_squares():
    """Where every two differences correlate by n_test / n, the mean's variance is (1'V^-1 1)^-1 of their covariance."""
    differences, rho = np.random.default_rng(6).normal(0.02, 0.03, 12), 0.2
    correlation = np.full((12, 12), rho) + (1 - rho) * np.eye(12)
    whitened = np.linalg.solve(np.linalg.cholesky(correlation), np.stack([differences, np.ones(12)], axis=1))
    residual = residual_sum(whitened[:, 1:], whitened[:, 0])
    expected = residual / 11 / (whitened[:, 1] ** 2).sum()
    test = corrected_resampled_t_test(differences, n_train=80, n_test=20)
    assert test.standard_error**2 == pytest.approx(expected)


@pytest.mark.parametrize("axis", [0, 1])
def test_with_one_source_of_luck_the_crossed_test_is_students(axis):
    """Where only draws, or only test rows, differ, scipy's one-sample t-test over them is left."""
    units = np.random.default_rng(1).normal(0.02, 0.03, 12)
    effects = np.repeat(np.expand_dims(units, 1 - axis), 7, axis=1 - axis)
    ours, theirs = crossed_t_test(effects), stats.ttest_1samp(units, 0)
    np.testing.assert_allclose([ours.p_value, ours.df], [theirs.pvalue, 11], rtol=1e-6)


@repeatable
@given(p_values=st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), max_size=6))
def test_holm_is_bonferroni_of_every_group_a_test_belongs_to(p_values):
    """Holm's procedure is the closure of Bonferroni's: the adjusted p is the worst over all groups with the test."""
    made = [i for i, p in enumerate(p_values) if not np.isnan(p)]
    groups = [group for size in range(1, len(made) + 1) for group in itertools.combinations(made, size)]
    expected = np.full(len(p_values), np.nan)
    for i in made:
        expected[i] = max(min(1.0, len(group) * min(p_values[k] for k in group)) for group in groups if i in group)
    np.testing.assert_allclose(holm(p_values), expected)


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("df", [2, 5.7, 24])
def test_a_detectable_gain_is_found_as_often_as_promised(power, df):
    """Under a true gain of that size the t statistic is non-central, and beyond its critical value with that power."""
    test = PairedTest(0.0, 0.02, df, -1, 1, 1.0)
    gain = detectable_gain(test, power=power)
    assert stats.nct.sf(stats.t.isf(0.025, df), df, gain / 0.02) == pytest.approx(power, abs=1e-6)


# --- properties


@every_design
@repeatable
@given(effects=effects_that_vary, shift=st.floats(-1, 1))
def test_a_shift_moves_the_interval_and_not_the_error(test_of, effects, shift):
    """Adding a number to all differences moves difference and interval by it and leaves the standard error alone."""
    before, after = test_of(effects), test_of(effects + shift)
    moved = [before.difference + shift, before.low + shift, before.high + shift, before.standard_error, before.df]
    now = [after.difference, after.low, after.high, after.standard_error, after.df]
    np.testing.assert_allclose(now, moved, rtol=1e-6, atol=1e-9)


@every_design
@repeatable
@given(effects=effects_that_vary, scale=st.floats(0.01, 100))
def test_the_unit_does_not_matter(test_of, effects, scale):
    """In points instead of fractions, difference, error and interval scale, and the p-value stays."""
    before, after = test_of(effects), test_of(effects * scale)
    assert after.p_value == pytest.approx(before.p_value, rel=1e-6, abs=1e-12)
    np.testing.assert_allclose(
        [after.low, after.high], np.array([before.low, before.high]) * scale, rtol=1e-6, atol=1e-9
    )


@every_design
@repeatable
@given(effects=effects_that_vary)
def test_swapping_the_arms_mirrors_the_result(test_of, effects):
    """B against A is A against B with the sign turned: same p-value, mirrored interval, mirrored word."""
    ab, ba = test_of(effects), test_of(-effects)
    np.testing.assert_allclose([ba.difference, ba.low, ba.high], [-ab.difference, -ab.high, -ab.low], atol=1e-12)
    assert ba.p_value == pytest.approx(ab.p_value)
    assert (verdict(ab), verdict(ba)) in {("helps", "hurts"), ("hurts", "helps"), ("no evidence", "no evidence")}


@every_design
@repeatable
@given(effects=effects_that_vary)
def test_the_interval_leaves_zero_out_exactly_when_p_is_small(test_of, effects):
    """Interval and p-value never contradict each other."""
    test = test_of(effects)
    assert (test.p_value < 0.05) == (test.low > 0 or test.high < 0)


@every_design
@pytest.mark.parametrize("value", [0.0, 0.1, -0.3])
def test_no_spread_gives_no_nan(test_of, value):
    """Equal differences give finite numbers; all zero means p = 1 and an interval of no width."""
    test = test_of(np.full((6, 5), value))
    assert all(np.isfinite(list(asdict(test).values())))
    assert test.difference == pytest.approx(value)
    if value == 0:
        assert (test.low, test.high, test.p_value, detectable_gain(test), verdict(test)) == (0, 0, 1, 0, "no evidence")


@pytest.mark.parametrize("n_units", [2, 5, 6, 30, 2000])
def test_equal_differences_count_no_more_than_their_signs(n_units):
    """The p-value of n equal differences is the sign test's, 2^(1 - n): five prove nothing yet, six do."""
    sign_test = max(2.0 ** (1 - n_units), 2e-300)
    for test in (folds_test(np.full(n_units, 0.1)), crossed_t_test(np.full((n_units, 7), 0.1))):
        assert test.p_value == pytest.approx(sign_test)
        assert verdict(test) == ("helps" if n_units > 5 else "no evidence")


# --- contract


@pytest.mark.parametrize(
    ("test", "p_adjusted", "word"),
    [
        (PairedTest(0.02, 0.005, 24, 0.01, 0.03, 0.001), None, "helps"),
        (PairedTest(-0.02, 0.005, 24, -0.03, -0.01, 0.001), None, "hurts"),
        (PairedTest(0.02, 0.02, 24, -0.02, 0.06, 0.33), None, "no evidence"),
        (PairedTest(0.02, 0.005, 24, 0.01, 0.03, 0.001), 0.06, "no evidence"),
        (PairedTest(0.02, 0.005, 24, 0.01, 0.03, 0.001), float("nan"), "no evidence"),
    ],
)
def test_the_verdict_goes_by_the_adjusted_p_value_and_the_sign(test, p_adjusted, word):
    """Helps above 0, hurts below, and no evidence where the adjusted p-value is large or missing."""
    assert verdict(test, p_adjusted=p_adjusted) == word


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: folds_test(np.array([0.1])), ShapeError, r"differences must have shape at least 2; got \(1,\)"),
        (
            lambda: crossed_t_test([[1.0, 2.0]]),
            ShapeError,
            r"effects must have shape at least 2 x at least 2; got \(1, 2\)",
        ),
        (lambda: crossed_t_test([[1, np.nan], [np.inf, 1]]), ShapeError, "effects must be finite; got 2 that are not"),
        (lambda: crossed_t_test(np.eye(3), level=95), ConfigError, "level must be above 0 and below 1; got 95"),
        (
            lambda: corrected_resampled_t_test([1, 2], n_train=0, n_test=1),
            ConfigError,
            "n_train must be above 0; got 0",
        ),
        (
            lambda: corrected_resampled_t_test([1, 2], n_train=9, n_test=-1),
            ConfigError,
            "n_test must be above 0; got -1",
        ),
        (
            lambda: detectable_gain(crossed_t_test(np.eye(3)), power=80),
            ConfigError,
            "0 < alpha < power < 1; got 0.05 and 80",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    """Errors say the rule, what came and what to do."""
    with pytest.raises(error, match=message):
        call()


def test_importing_costs_no_scipy():
    """The module can be imported without scipy, torch or pandas being loaded."""
    code = "import sys, synthaug.statistics; sys.exit(bool({'scipy', 'torch', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_two_draws_and_two_blocks_have_one_degree_of_freedom():
    """However their mean squares lie, what is asked of the t distribution has an answer (with under 0.5 none came)."""
    test = crossed_t_test([[1.0, -0.8], [-0.9, 1.1]])
    assert test.df == 1
    assert np.isfinite(detectable_gain(test, alpha=0.0025))


def test_nearly_equal_differences_are_no_proof():
    """Three folds in each of which one row changed sides prove nothing, also where one fold is a row smaller."""
    near = [1 / 20, 1 / 20, 1 / 19]
    plain = corrected_resampled_t_test(near, n_train=40, n_test=20)
    counted = corrected_resampled_t_test(near, n_train=40, n_test=20, resolution=1 / 20)
    assert plain.p_value < 0.01
    assert counted.p_value > 0.25
    assert counted.low < 0 < counted.high
    far = [0.01, 0.09, 0.3]
    assert corrected_resampled_t_test(far, n_train=40, n_test=20, resolution=1 / 20) == corrected_resampled_t_test(
        far, n_train=40, n_test=20
    )
    none = corrected_resampled_t_test([0.0] * 3, n_train=40, n_test=20, resolution=1 / 20)
    assert (none.low, none.high, none.p_value) == (0.0, 0.0, 1.0)
    with pytest.raises(ConfigError, match="resolution must be at least 0; got -1"):
        corrected_resampled_t_test(near, n_train=40, n_test=20, resolution=-1)


def test_many_folds_of_one_row_are_proof():
    """Twenty rows of 150 that one arm alone gets right are seen when each row is left out by itself, too."""
    differences = np.repeat([1.0, 0.0], [20, 130])
    test = corrected_resampled_t_test(differences, n_train=149, n_test=1, resolution=1.0)
    assert test.p_value < 0.01
    assert test.low > 0
