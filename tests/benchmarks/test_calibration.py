"""Calibration: whole studies simulated from populations whose truth is known, and what the statistics say of them."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

from synthaug.statistics import jackknife_blocks

FOLDER = Path(__file__).parents[2] / "benchmarks"
GAINS = (0.0, 0.01, 0.02, 0.05)
LUCK = ("draws and rows", "draws", "draws with rows", "rows")


@pytest.fixture(scope="module")
def calibration() -> Iterator[ModuleType]:
    """The script, with the folder that it is run in on the path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        yield importlib.import_module("calibration")


@pytest.fixture(scope="module")
def populations(calibration: ModuleType) -> ModuleType:
    return importlib.import_module("populations")


def balanced_accuracy(classes: np.ndarray, correct: np.ndarray, rows: np.ndarray) -> float:
    return float(np.mean([correct[rows[classes[rows] == c]].mean() for c in range(10)]))


def test_what_is_listed_is_what_is_tested(calibration, populations):
    """The table's true gains and kinds of luck are those of these tests."""
    assert tuple(populations.GAINS) == GAINS
    assert tuple(populations.LUCK) == LUCK


def test_the_simulation_uses_the_librarys_jackknife(calibration, populations):
    """The effects of all draws at once are those of `jackknife_blocks`, draw by draw and arm by arm."""
    study = populations.simulated_draws(np.random.default_rng(4), populations.LUCK["draws and rows"], 0.02, 3)
    arms = [
        [
            jackknife_blocks(
                lambda rows, c=correct: balanced_accuracy(populations.CLASSES, c, rows), populations.BLOCKS
            )
            for correct in arm
        ]
        for arm in study
    ]
    effects = populations.balanced_effects(study[1] - study[0])
    np.testing.assert_allclose(np.array(arms[1]) - np.array(arms[0]), effects, atol=1e-4)


@pytest.mark.parametrize("gain", [0.0, 0.05])
def test_few_draws_are_covered_in_short(calibration, populations, gain):
    """150 simulated studies of 6 draws: the 95 % interval holds the true gain about as often as it says."""
    found = calibration.calibrate(populations.draw_studies("draws and rows", gain, 6, 150), gain)
    assert found.coverage >= 0.92


@pytest.mark.parametrize("gain", [0.0, 0.05])
def test_folds_are_covered_in_short(calibration, populations, gain):
    """300 simulated 5 x 5-fold studies: the corrected interval holds the true gain at least as often as it says."""
    tests = populations.fold_studies(gain, n_folds=5, n_repeats=5, n_studies=300)
    assert calibration.calibrate(tests, gain).coverage >= 0.95


def test_without_the_correction_folds_would_mislead(calibration, populations):
    """The uncorrected t-test on the same folds calls a gain of 0 significant in a quarter of all studies and more."""
    tests = populations.fold_studies(0.0, n_folds=5, n_repeats=5, n_studies=300)
    naive = [test.difference / (test.standard_error * np.sqrt((1 / 25) / (1 / 25 + 1 / 4))) for test in tests]
    assert np.mean(np.abs(naive) > stats.t.isf(0.025, 24)) > 0.25


@pytest.mark.parametrize("extra", [0, 10])
def test_worth_in_labels_is_true_in_short(calibration, populations, extra):
    """50 simulated studies: what is said of labels is true of the same learner with so many more of them."""
    found = populations.draws_worth(extra, 50)
    assert np.mean([calibration.holds(worth, 2 * extra) for worth in found]) >= 0.86


@pytest.mark.slow
@pytest.mark.parametrize("extra", [0, 5, 10, 15, 40])
def test_worth_in_labels_is_true(calibration, populations, extra):
    """400 simulated studies: true in 93 % at least, also where the worth lies beyond the curve, and seldom mute."""
    found = populations.draws_worth(extra, 400)
    assert np.mean([calibration.holds(worth, 2 * extra) for worth in found]) >= 0.93
    assert np.mean([worth.word == "cannot tell" for worth in found]) <= 0.2


@pytest.mark.slow
@pytest.mark.parametrize("luck", LUCK)
@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("n_draws", [6, 20])
def test_draws_are_covered(calibration, populations, luck, gain, n_draws):
    """2,000 simulated studies a cell: coverage is nominal within the simulation's error, false alarms are rare."""
    found = calibration.calibrate(populations.draw_studies(luck, gain, n_draws, 2000), gain)
    assert found.coverage >= 0.935, f"{found.coverage:.3f}"  # 0.95 less 3 standard errors of 2,000 studies
    if gain == 0:
        assert found.called_most <= 0.07
        assert found.sure_and_wrong <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize(("n_folds", "n_repeats"), [(5, 5), (10, 10), (5, 1), (3, 1)])
def test_folds_are_covered(calibration, populations, gain, n_folds, n_repeats):
    """2,000 simulated studies a cell: with a stable learner the interval is on the wide side, false alarms are rare."""
    tests = populations.fold_studies(gain, n_folds=n_folds, n_repeats=n_repeats, n_studies=2000)
    found = calibration.calibrate(tests, gain)
    assert found.coverage >= 0.95, f"{found.coverage:.3f}"
    if gain == 0:
        assert found.called_most <= 0.07


@pytest.mark.slow
def test_a_true_gain_of_five_points_is_found(calibration, populations):
    """20 draws find a gain of five points nearly always, unless all luck is in the draws; one of one point seldom."""
    for luck in LUCK:
        strong, weak = (calibration.calibrate(populations.draw_studies(luck, g, 20, 200), g) for g in (0.05, 0.01))
        assert strong.called >= (0.35 if luck == "draws" else 0.85)
        assert weak.called < strong.called


@pytest.mark.slow
def test_folds_of_an_unstable_learner_are_not_quite_covered(calibration, populations):
    """The known limit of the correction: nearest neighbour on 30 rows, nothing in common, about 0.90."""
    found = calibration.calibrate(populations.nearest_neighbour_studies(2000), 0.0)
    assert 0.87 <= found.coverage <= 0.95, f"{found.coverage:.3f}"
