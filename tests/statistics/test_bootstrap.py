"""Intervals by resampling whole groups."""

import numpy as np
import pytest
from scipy.stats import t

from synthaug.errors import ConfigError, ShapeError
from synthaug.statistics import mean_replicates, pooled_interval, resample_groups


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_group_brings_all_of_its_rows():
    """Rows of one group are in a resample equally often, and the resample holds as many groups as there are."""
    groups = np.repeat(np.arange(20), 3)
    times = resample_groups(np.zeros(60), groups, n_resamples=50, rng=rng())
    assert (times.reshape(50, 20, 3) == times[:, ::3, None]).all()
    assert (times.sum(axis=1) == 60).all()
    assert times.max() > 1


def test_without_groups_every_class_keeps_its_rows():
    """Rows are drawn within their class, so no resample lacks one."""
    labels = np.array(["ill"] * 3 + ["well"] * 47)
    times = resample_groups(labels, n_resamples=200, rng=rng())
    assert (times[:, :3].sum(axis=1) == 3).all()
    assert (times[:, 3:].sum(axis=1) == 47).all()


def test_the_spread_of_a_mean_is_its_standard_error():
    """Of independent rows the bootstrap's deviation of the mean is that of the closed form, s / sqrt(n)."""
    values = rng(1).normal(size=400)
    times = resample_groups(np.zeros(400), n_resamples=4000, rng=rng())
    means = times @ values / 400
    assert means.std() == pytest.approx(values.std() / np.sqrt(400), rel=0.05)


def test_rows_of_one_patient_count_as_one():
    """Ten equal rows a patient give the interval of the patients, about sqrt(10) times that of the rows."""
    values = np.repeat(rng(1).normal(size=50), 10)
    by_group = resample_groups(np.zeros(500), np.repeat(np.arange(50), 10), n_resamples=2000, rng=rng()) @ values / 500
    by_row = resample_groups(np.zeros(500), n_resamples=2000, rng=rng()) @ values / 500
    assert by_group.std() / by_row.std() == pytest.approx(np.sqrt(10), rel=0.1)


def test_the_interval_holds_the_truth():
    """Of a mean of 40 rows the 95 % interval holds the truth in about 95 % of studies."""
    held = []
    for study in range(300):
        values = rng(study).normal(size=40)
        means = resample_groups(np.zeros(40), n_resamples=400, rng=rng(study + 1000)) @ values / 40
        found = pooled_interval([values.mean()], means[None])
        held.append(found.low < 0 < found.high)
    assert 0.90 <= np.mean(held) <= 0.98


def test_patients_of_many_classes_are_luck_too():
    """Where hardly two patients hold the same classes, the interval of a mean holds the truth as often as it says."""
    held, patients = [], np.repeat(np.arange(40), 6)
    for study in range(200):
        draw = rng(study)
        labels, values = draw.integers(0, 8, 240), np.repeat(draw.normal(size=40), 6)
        times = resample_groups(labels, patients, n_resamples=200, rng=rng(study + 1000))
        found = pooled_interval([values.mean()], (times @ values / 240)[None])
        held.append(found.low < 0 < found.high)
    assert 0.88 <= np.mean(held) <= 0.99


def test_patients_of_one_class_keep_their_number():
    """Patients are drawn within their class, those of both classes among themselves."""
    labels = np.array([0, 0, 0, 0, 1, 1, 0, 1, 0, 1])
    patients = np.array([0, 0, 1, 1, 2, 3, 4, 4, 5, 5])
    times = resample_groups(labels, patients, n_resamples=100, rng=rng())
    assert (times[:, :4].sum(axis=1) == 4).all()
    assert (times[:, 4:6].sum(axis=1) == 2).all()
    assert (times[:, 6:].sum(axis=1) == 4).all()


def test_draws_are_resampled_beside_the_groups():
    """Where draws differ and test rows do not, the interval is Student's of the draws; without draws it is a point."""
    values = rng().normal(size=30)
    replicates = np.repeat(values[:, None], 2000, axis=1)
    still = pooled_interval(values, replicates)
    moved = pooled_interval(values, replicates, draws=rng(1))
    assert still.low == pytest.approx(still.high)
    low, high = t.interval(0.95, 29, values.mean(), values.std(ddof=1) / np.sqrt(30))
    assert (moved.high - moved.low) / (high - low) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("of_rows", [0.0, 1.0])
def test_few_draws_are_allowed_for(of_rows):
    """With five draws on common test rows the interval holds the truth as often as it says, whatever varies more."""
    held = []
    for study in range(200):
        draw = rng(study)
        values = draw.normal(size=(5, 1)) + of_rows * draw.normal(size=(1, 40)) * np.sqrt(40 / 5)
        times = resample_groups(np.zeros(40), n_resamples=300, rng=rng(study + 1000))
        found = pooled_interval(values.mean(axis=1), values @ times.T / 40, draws=rng(study + 2000))
        held.append(found.low < 0 < found.high)
    assert 0.90 <= np.mean(held) <= 0.995


def test_what_has_no_score_has_no_interval():
    """Where no resample has a value, as of a class without a row, everything is NaN, without a warning."""
    found = pooled_interval([np.nan, np.nan], np.full((2, 5), np.nan), draws=rng())
    assert np.isnan([found.value, found.low, found.high]).all()


def test_a_split_without_a_score_is_left_out():
    """NaN of one split in one resample leaves the other splits' mean."""
    assert mean_replicates([[1.0, np.nan], [3.0, 5.0]]).tolist() == [2.0, 5.0]
    assert np.isnan(mean_replicates([[np.nan]])).all()


def test_what_cannot_be_is_refused():
    """Counts, levels and shapes that make no sense are errors in words."""
    with pytest.raises(ConfigError, match="n_resamples must be at least 1; got 0"):
        resample_groups([0, 1], n_resamples=0, rng=rng())
    with pytest.raises(ShapeError, match="groups must have one entry for each row; got 1 for 2 rows"):
        resample_groups([0, 1], ["a"], n_resamples=5, rng=rng())
    with pytest.raises(ShapeError, match="replicates must have shape"):
        pooled_interval([1.0, 2.0], [[1.0, 2.0]])
    with pytest.raises(ConfigError, match="level must be above 0 and below 1"):
        pooled_interval([1.0], [[1.0, 2.0]], level=95)
