"""What a study will be able to see, from a pilot."""

import numpy as np
import pytest

from synthaug.statistics import (
    corrected_resampled_t_test,
    crossed_t_test,
    planned_draws,
    planned_folds,
    resample_groups,
)

N_BLOCKS = 40


def effects(rng, n_draws, *, of_draw, of_block):
    parts = of_draw * rng.normal(size=(n_draws, 1)) + of_block * rng.normal(size=(1, N_BLOCKS))
    return parts + rng.normal(size=(n_draws, N_BLOCKS))


def pilot(rng, **luck):
    """Return the differences of three draws, and those on resamples of their blocks of rows."""
    found = effects(rng, 3, **luck)
    times = resample_groups(np.zeros(N_BLOCKS), n_resamples=200, rng=rng)
    return found.mean(axis=1), found @ times.T / N_BLOCKS


@pytest.mark.parametrize(("of_draw", "of_block"), [(0.0, 1.0), (1.0, 0.0), (0.5, 2.0)])
def test_a_pilot_of_draws_foretells_the_study(of_draw, of_block):
    """On average over pilots the variance foretold is that which the crossed test finds in the whole study."""
    rng = np.random.default_rng(0)
    luck = {"of_draw": of_draw, "of_block": of_block}
    told = [planned_draws(*pilot(rng, **luck), n_draws=20, n_units=N_BLOCKS).standard_error ** 2 for _ in range(200)]
    found = [crossed_t_test(effects(rng, 20, **luck)).standard_error ** 2 for _ in range(200)]
    assert np.mean(told) == pytest.approx(np.mean(found), rel=0.2)


def test_a_pilot_of_folds_has_the_corrected_error():
    """The error is that of Nadeau and Bengio for the variance of a fold."""
    rng = np.random.default_rng(2)
    replicates = rng.normal(size=(3, 100))
    planned = planned_folds(np.zeros(3), replicates, n_splits=25, n_train=80, n_test=20)
    differences = rng.normal(size=25)
    test = corrected_resampled_t_test(differences, n_train=80, n_test=20)
    spread = np.sqrt(replicates.var(axis=1).mean()) / differences.std(ddof=1)
    assert planned.standard_error == pytest.approx(test.standard_error * spread)
    assert planned.df == test.df
    assert planned.low == -planned.high


def test_a_pilot_without_any_difference_has_no_error():
    """Where nothing differs nothing is foretold but 0."""
    assert planned_draws(np.zeros(3), np.zeros((3, 10)), n_draws=5, n_units=9).standard_error == 0
