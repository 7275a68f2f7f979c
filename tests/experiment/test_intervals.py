"""Intervals of every metric by resampling groups, from a study's own splits."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from synthaug import Draws, Folds, compare
from synthaug.errors import ConfigError
from synthaug.experiment.arm_study import ArmStudy
from synthaug.experiment.compare import prepare
from synthaug.experiment.storage import SplitStore

rng = np.random.default_rng(0)
GROUPS = np.repeat(np.arange(40), 4)
LABELS = np.repeat(np.arange(40) % 2, 4)
ROWS = np.repeat(rng.normal(size=(40, 3)), 4, axis=0) + LABELS[:, None] * 0.8 + 0.1 * rng.normal(size=(160, 3))
METRICS = ("sensitivity_at_80_specificity", "neg_brier_score")


def study(cv, groups=GROUPS, bootstrap=100) -> ArmStudy:
    return prepare(
        ROWS,
        LABELS,
        estimator=LogisticRegression(),
        arms=["none", "noise"],
        cv=cv,
        groups=groups,
        scoring="roc_auc",
        metrics=METRICS,
        bootstrap=bootstrap,
        random_state=0,
    )


@pytest.mark.parametrize("cv", [Draws(10, n_draws=3, test_rows=60), Folds(3, 2)])
def test_every_arm_and_metric_has_an_interval(cv):
    """The value is the mean over the splits, and the interval holds it."""
    found = study(cv).run()
    table = found.intervals()
    assert list(table["metric"].unique()) == ["roc_auc", *METRICS]
    assert list(table["arm"].unique()) == ["none", "noise"]
    frame = found.frame.groupby(["arm", "metric"])["value"].mean()
    for row in table.itertuples():
        assert row.value == pytest.approx(frame[row.arm, row.metric])
        assert row.low <= row.value <= row.high


def test_differences_are_paired():
    """Over itself's twin a difference is much narrower than a level, for all arms share the resamples."""
    found = study(Folds(3, 2)).run()
    level = found.intervals().query("arm == 'noise' and metric == 'roc_auc'").iloc[0]
    gain = found.intervals(over="none").query("metric == 'roc_auc'").iloc[0]
    assert gain.high - gain.low < 0.5 * (level.high - level.low)
    with pytest.raises(ConfigError, match="arm must be one of"):
        found.intervals(over="gan")


def test_patients_make_intervals_wide():
    """Four rows of a patient hold little more than one: the interval by patients is wider than that by rows."""
    by_row, by_patient = (study(Folds(3, 2), groups, 400).run().intervals() for groups in (None, GROUPS))
    widths = [float((table["high"] - table["low"]).iloc[0]) for table in (by_row, by_patient)]
    assert widths[1] > 1.3 * widths[0]


def test_they_outlive_the_disk(tmp_path):
    """A study that is read back gives the same intervals."""
    store, planned = SplitStore(tmp_path), study(Draws(10, n_draws=2, test_rows=60))
    store.open(planned.key, {}, resume=False)
    found = planned.run(store=store)
    back = planned.comparison([store.load(index) for index in store.finished()])
    assert back.intervals().equals(found.intervals())


def test_without_asking_there_are_none():
    """A study that was not asked to resample has no interval table, and keeps nothing more than before."""
    found = compare(ROWS, LABELS, arms=["none", "noise"], cv=Folds(2, 1), random_state=0)
    assert found.intervals().empty
    assert not found.splits[0].replicates
    with pytest.raises(ConfigError, match="bootstrap must be 0 or 100 to 100000 resamples; got 5"):
        study(Folds(3, 2), bootstrap=5)
