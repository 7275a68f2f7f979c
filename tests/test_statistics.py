"""Tests of the paired tests: against truths, and by simulating whole studies whose true gain is known."""

import itertools
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, special, stats

from synthaug.errors import ConfigError, LabelError, ShapeError
from synthaug.statistics import (
    PairedTest,
    corrected_resampled_t_test,
    crossed_t_test,
    detectable_gain,
    holm,
    jackknife_blocks,
    stratified_blocks,
    verdict,
)

repeatable = settings(max_examples=60, deadline=None, derandomize=True)
GAINS = (0.0, 0.01, 0.02, 0.05)


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


@repeatable
@given(codes=st.lists(st.integers(0, 4), min_size=1, max_size=40), n_blocks=st.integers(2, 12))
def test_blocks_share_every_class_evenly(codes, n_blocks):
    """Blocks part the rows; sizes differ by at most 1, in total and in each class; without a block no class is gone."""
    labels = np.array([f"class {code}" for code in (*codes, *codes)])
    n_blocks = min(n_blocks, labels.size)
    blocks = stratified_blocks(labels, n_blocks)
    assert sorted(np.concatenate(blocks)) == list(range(labels.size))
    assert np.ptp([block.size for block in blocks]) <= 1
    for name in np.unique(labels):
        counts = np.array([(labels[block] == name).sum() for block in blocks])
        assert np.ptp(counts) <= 1
        assert counts.max() < counts.sum()


def test_pseudo_values_of_a_mean_are_the_means_of_its_blocks():
    """With blocks of one size the jackknife of a mean takes nothing away and adds nothing."""
    rows = np.random.default_rng(2).normal(size=30)
    blocks = stratified_blocks(np.repeat([0, 1, 2], 10), 6)
    np.testing.assert_allclose(
        jackknife_blocks(lambda kept: rows[kept].mean(), blocks), [rows[b].mean() for b in blocks]
    )


@repeatable
@given(sizes=st.lists(st.integers(1, 6), min_size=2, max_size=8), seed=st.integers(0, 99))
def test_the_mean_of_pseudo_values_is_the_metric(sizes, seed):
    """Blocks of any size and metrics that are no mean: the mean of the pseudo-values is the metric on all rows."""
    rows = np.random.default_rng(seed).normal(size=sum(sizes))
    blocks = np.split(np.arange(rows.size), np.cumsum(sizes)[:-1])
    for metric in (np.mean, np.median, np.std):
        values = jackknife_blocks(lambda kept, metric=metric: metric(rows[kept]), blocks)
        assert values.mean() == pytest.approx(metric(rows), abs=1e-12)


def test_the_spread_of_pseudo_values_is_the_metrics_own():
    """Over many samples the pseudo-values' standard error of a log of a mean is that of the delta method."""
    rng = np.random.default_rng(3)
    blocks = stratified_blocks(np.zeros(200), 40)
    samples = rng.gamma(4.0, size=(100, 200))
    spreads = [jackknife_blocks(lambda kept, row=row: np.log(row[kept].mean()), blocks).var(ddof=1) for row in samples]
    assert np.sqrt(np.mean(spreads) / 40) == pytest.approx(
        0.5 / np.sqrt(200), rel=0.05
    )  # sd / mean of the gamma is 1/2


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
        (lambda: jackknife_blocks(np.mean, [np.arange(3)]), ShapeError, "blocks must be at least 2; got 1"),
        (lambda: stratified_blocks([0, 0, 1, 1], 5), ConfigError, "n_blocks must be from 2 to .* 4; got 5"),
        (lambda: stratified_blocks(["a", "a", "b"], 2), LabelError, "at least 2 test rows; got 1 for class 'b'"),
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


# --- calibration by simulated studies: draws
#
# Row r of class c is right in draw i under arm k where a latent margin is above 0:
#   offset[k, c] + draw_i + draw_ik + draw_ikc + row_r + row_rk + both_ir + both_irk
# All parts are normal, so an arm's true accuracy in a class is Phi(offset / total sd), and the true gain is exact.

LUCK = {
    "draws and rows": {
        "draw": 0.2,
        "arm": 0.15,
        "class": 0.3,
        "row": 1.0,
        "row_arm": 0.4,
        "both": 0.5,
        "both_arm": 0.4,
    },
    "draws": {"draw": 0.3, "arm": 0.3, "class": 0.6, "row": 1.0, "row_arm": 0.1, "both": 0.3, "both_arm": 0.3},
    "draws with rows": {
        "draw": 0.05,
        "arm": 0.0,
        "class": 0.0,
        "row": 1.0,
        "row_arm": 0.0,
        "both": 0.5,
        "both_arm": 0.6,
    },
    "rows": {"draw": 0.05, "arm": 0.02, "class": 0.05, "row": 1.0, "row_arm": 0.6, "both": 0.1, "both_arm": 0.1},
}
CLASSES = np.repeat(np.arange(10), [100] * 6 + [50] * 4)
BLOCKS = stratified_blocks(CLASSES, 40)


def offsets(luck: dict[str, float], gain: float) -> np.ndarray:
    """Return what is added to the margin of each class under either arm, shape (2, 10)."""
    accuracy = np.linspace(0.7, 0.85, 10) + np.array([[0.0], [gain]])
    return special.ndtri(accuracy) * np.sqrt(sum(sd**2 for sd in luck.values()))


def simulated_draws(rng: np.random.Generator, luck: dict[str, float], gain: float, n_draws: int) -> np.ndarray:
    """Return right (1) or wrong (0) for each arm, draw and test row of one study, shape (2, n_draws, n_rows)."""
    n_rows, arm_offsets = CLASSES.size, offsets(luck, gain)
    rows, draws = luck["row"] * rng.standard_normal(n_rows), luck["draw"] * rng.standard_normal((n_draws, 1))
    shared = rows + draws + luck["both"] * rng.standard_normal((n_draws, n_rows), dtype=np.float32)
    margins = []
    for offset in arm_offsets:
        of_class = (
            offset
            + luck["arm"] * rng.standard_normal((n_draws, 1))
            + luck["class"] * rng.standard_normal((n_draws, 10))
        )
        of_row = luck["row_arm"] * rng.standard_normal(n_rows)
        of_both = luck["both_arm"] * rng.standard_normal((n_draws, n_rows), dtype=np.float32)
        margins.append(shared + of_class[:, CLASSES] + of_row + of_both)
    return (np.stack(margins) > 0).astype(np.float32)


def balanced_accuracy(correct: np.ndarray, rows: np.ndarray) -> float:
    return float(np.mean([correct[rows[CLASSES[rows] == c]].mean() for c in range(10)]))


def balanced_effects(difference: np.ndarray) -> np.ndarray:
    """Return the jackknife of the balanced accuracy of all draws at once, shape (n_draws, n_blocks)."""
    owner = np.empty(CLASSES.size, int)
    owner[np.concatenate(BLOCKS)] = np.repeat(np.arange(40), [block.size for block in BLOCKS])
    cells = np.zeros((CLASSES.size, 400), np.float32)
    cells[np.arange(CLASSES.size), owner * 10 + CLASSES] = 1
    sums, counts = (difference @ cells).reshape(-1, 40, 10), cells.sum(0).reshape(40, 10)
    whole = (sums.sum(1) / counts.sum(0)).mean(-1, keepdims=True)
    without = ((sums.sum(1, keepdims=True) - sums) / (counts.sum(0) - counts)).mean(-1)
    deviations = 40 * (1 - counts.sum(1) / CLASSES.size) * (whole - without)
    return whole + deviations - deviations.mean(1, keepdims=True)


def draw_studies(luck: str, gain: float, n_draws: int, n_studies: int) -> list[PairedTest]:
    rng = np.random.default_rng([n_draws, int(1000 * gain), n_studies])
    studies = (simulated_draws(rng, LUCK[luck], gain, n_draws) for _ in range(n_studies))
    return [crossed_t_test(balanced_effects(study[1] - study[0])) for study in studies]


def coverage(tests: list[PairedTest], gain: float) -> float:
    return float(np.mean([test.low <= gain <= test.high for test in tests]))


def test_the_simulation_uses_the_librarys_jackknife():
    """The effects of all draws at once are those of `jackknife_blocks`, draw by draw and arm by arm."""
    study = simulated_draws(np.random.default_rng(4), LUCK["draws and rows"], 0.02, 3)
    arms = [[jackknife_blocks(lambda rows, c=c: balanced_accuracy(c, rows), BLOCKS) for c in arm] for arm in study]
    np.testing.assert_allclose(np.array(arms[1]) - np.array(arms[0]), balanced_effects(study[1] - study[0]), atol=1e-4)


@pytest.mark.parametrize("gain", [0.0, 0.05])
def test_few_draws_are_covered_in_short(gain):
    """150 simulated studies of 6 draws: the 95 % interval holds the true gain about as often as it says."""
    assert coverage(draw_studies("draws and rows", gain, 6, 150), gain) >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize("luck", LUCK)
@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("n_draws", [6, 10, 20])
def test_draws_are_covered(luck, gain, n_draws):
    """2,000 simulated studies a cell: coverage is nominal within the simulation's error, false alarms are rare."""
    tests = draw_studies(luck, gain, n_draws, 2000)
    held = coverage(tests, gain)
    assert held >= 0.935, f"{held:.3f}"  # 0.95 less 3 standard errors of 2,000 studies
    if gain == 0:
        alarms = sum(test.p_value <= 0.05 for test in tests)
        assert stats.binomtest(alarms, len(tests)).proportion_ci(0.95).high <= 0.07


# --- calibration by simulated studies: folds
#
# Two normal classes, one above and one below 0 in every feature. Both arms are the same learner, trained and scored on
# the very same overlapping folds; they share some features and each has some of its own. With own features of one
# strength the true gain is 0 by symmetry; strengthening the second arm's gives any other.

SHARED, OWN = 6, 3
ARMS = (np.arange(SHARED + OWN), np.r_[0:SHARED, SHARED + OWN : SHARED + 2 * OWN])


def centroid_accuracy(centre: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the exact accuracy of the nearest of two learned centroids, shape (b,)."""
    axis, middle = high - low, (high + low) / 2
    reach = np.stack([centre - middle, centre + middle])
    return special.ndtr((reach * axis).sum(-1) / np.linalg.norm(axis, axis=-1)).mean(0)


def true_gain(strength: float, n_train: int) -> float:
    """Return the expected gain of the second arm over all training sets of a size."""
    centre, rng = class_centre(strength), np.random.default_rng(0)
    low, high = (sign * centre + rng.standard_normal((50_000, centre.size)) * np.sqrt(2 / n_train) for sign in (-1, 1))
    first, second = (centroid_accuracy(centre[arm], low[:, arm], high[:, arm]).mean() for arm in ARMS)
    return float(second - first)


def class_centre(strength: float) -> np.ndarray:
    return np.repeat([0.3, 0.3, strength], [SHARED, OWN, OWN])


def strength_for(gain: float, n_train: int) -> float:
    """Return how strong the second arm's own features must be for a true gain."""
    return 0.3 if gain == 0 else optimize.brentq(lambda s: true_gain(s, n_train) - gain, 0.3, 1.0, xtol=1e-4)


def fold_studies(gain: float, *, n_folds: int, n_repeats: int, n_studies: int) -> list[PairedTest]:
    """Return the tests of simulated repeated stratified k-fold studies with 90 or 100 rows."""
    rng, half = np.random.default_rng([n_folds, int(1000 * gain)]), 45 if n_folds == 3 else 50
    n_test = 2 * half // n_folds
    n_train = 2 * half - n_test
    centre = class_centre(strength_for(gain, n_train))
    rows = rng.standard_normal((n_studies, 2, half, centre.size)) + np.array([-1, 1])[:, None, None] * centre
    repeats = [repeat_difference(rng, rows, n_folds) for _ in range(n_repeats)]
    return [corrected_resampled_t_test(d, n_train=n_train, n_test=n_test) for d in np.concatenate(repeats, axis=1)]


def repeat_difference(rng: np.random.Generator, rows: np.ndarray, n_folds: int) -> np.ndarray:
    """Return the second arm's accuracy less the first's on each fold of a fresh split, shape (n_studies, n_folds)."""
    n_studies, _, half, d = rows.shape
    order = rng.permuted(np.broadcast_to(np.arange(half), rows.shape[:3]), axis=2)
    folds = np.take_along_axis(rows, order[..., None], 2).reshape(n_studies, 2, n_folds, -1, d)
    centroids = (rows.sum(2)[:, :, None] - folds.sum(3)) / (half - half // n_folds)
    axis, middle = np.diff(centroids, axis=1)[..., None, :], centroids.mean(1)[:, None, :, None]
    side = np.array([-1, 1])[:, None, None]
    right = [(((folds - middle) * axis)[..., arm].sum(-1) * side > 0).mean((1, 3)) for arm in ARMS]
    return right[1] - right[0]


def nearest_neighbour_studies(n_studies: int) -> list[PairedTest]:
    """Return 5 x 5-fold tests of nearest neighbour on 30 rows, arms without a common feature; true gain 0."""
    rng, classes = np.random.default_rng(5), np.repeat([0, 1], 15)
    rows = rng.standard_normal((n_studies, 2, 30, 3)) + (2 * classes - 1)[:, None] * 0.4
    distances = ((rows[:, :, :, None] - rows[:, :, None]) ** 2).sum(-1)
    repeats = []
    for _ in range(5):
        fold = rng.permuted(np.broadcast_to(np.arange(15) % 5, (n_studies, 2, 15)), axis=2).reshape(n_studies, 1, 30)
        nearest = np.where(fold[..., None] == fold[..., None, :], np.inf, distances).argmin(-1)
        gained = np.diff((classes[nearest] == classes).astype(float), axis=1)
        repeats.append(np.concatenate([(gained * (fold == k)).sum(-1) / 6 for k in range(5)], axis=1))
    return [corrected_resampled_t_test(d, n_train=24, n_test=6) for d in np.concatenate(repeats, axis=1)]


@pytest.mark.parametrize("gain", [0.0, 0.05])
def test_folds_are_covered_in_short(gain):
    """300 simulated 5 x 5-fold studies: the corrected interval holds the true gain at least as often as it says."""
    assert coverage(fold_studies(gain, n_folds=5, n_repeats=5, n_studies=300), gain) >= 0.95


def test_without_the_correction_folds_would_mislead():
    """The uncorrected t-test on the same folds calls a gain of 0 significant in a quarter of all studies and more."""
    tests = fold_studies(0.0, n_folds=5, n_repeats=5, n_studies=300)
    naive = [test.difference / (test.standard_error * np.sqrt((1 / 25) / (1 / 25 + 1 / 4))) for test in tests]
    assert np.mean(np.abs(naive) > stats.t.isf(0.025, 24)) > 0.25


@pytest.mark.slow
@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize(("n_folds", "n_repeats"), [(5, 5), (10, 10), (5, 1), (3, 1)])
def test_folds_are_covered(gain, n_folds, n_repeats):
    """2,000 simulated studies a cell: with a stable learner the interval is on the wide side, false alarms are rare."""
    tests = fold_studies(gain, n_folds=n_folds, n_repeats=n_repeats, n_studies=2000)
    held = coverage(tests, gain)
    assert held >= 0.95, f"{held:.3f}"
    if gain == 0:
        alarms = sum(test.p_value <= 0.05 for test in tests)
        assert stats.binomtest(alarms, len(tests)).proportion_ci(0.95).high <= 0.07


@pytest.mark.slow
def test_folds_of_an_unstable_learner_are_not_quite_covered():
    """The known limit of the correction: nearest neighbour on 30 rows, nothing in common, about 0.90."""
    held = coverage(nearest_neighbour_studies(2000), 0.0)
    assert 0.87 <= held <= 0.95, f"{held:.3f}"
