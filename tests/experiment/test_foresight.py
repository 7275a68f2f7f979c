"""The gain that a study could see, told before it starts."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from synthaug import Draws, Folds
from synthaug.experiment.arm_study import Estimate
from synthaug.experiment.compare import prepare
from synthaug.experiment.foresight import foreseen_gain

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 2, 400)
ROWS = rng.normal(size=(400, 3)) + LABELS[:, None] * 0.7


def study(cv, *, scoring="balanced_accuracy", arms=("none", "smote"), groups=None):
    return prepare(
        ROWS, LABELS, estimator=LogisticRegression(), arms=arms, cv=cv, scoring=scoring, groups=groups, random_state=0
    )


@pytest.mark.parametrize("scoring", ["balanced_accuracy", "roc_auc", "sensitivity_at_90_specificity"])
@pytest.mark.parametrize("cv", [Draws(20, n_draws=10, test_rows=200), Folds(4, 2)])
def test_it_is_of_the_size_of_what_the_study_says_afterwards(cv, scoring):
    """What is foretold is within a factor of three of what the finished study could have seen."""
    planned = study(cv, scoring=scoring)
    told, found = foreseen_gain(planned.work, planned.splits), planned.run().summary()["detectable"]["smote"]
    assert 1 / 3 < told / found < 3


def test_more_draws_and_fewer_arms_see_more():
    """A larger study sees smaller gains; each further arm costs some."""
    few, many = (study(Draws(20, n_draws=n, test_rows=200)) for n in (4, 40))
    assert foreseen_gain(many.work, many.splits) < foreseen_gain(few.work, few.splits)
    wide = study(Draws(20, n_draws=4, test_rows=200), arms=("none", "smote", "noise", "oversample"))
    assert foreseen_gain(wide.work, wide.splits) > foreseen_gain(few.work, few.splits)


def test_rows_of_one_patient_make_it_larger():
    """Eight rows a patient, all but the same, hold less than as many patients."""
    groups, labels = np.repeat(np.arange(50), 8), np.repeat(np.arange(50) % 2, 8)
    rows = np.repeat(rng.normal(size=(50, 3)), 8, axis=0) + labels[:, None] * 0.7 + 0.01 * rng.normal(size=(400, 3))
    cv = Draws(80, n_draws=4, test_rows=160)
    planned = prepare(rows, labels, arms=["none", "smote"], cv=cv, groups=groups, scoring="roc_auc", random_state=0)
    told = [foreseen_gain(replace(planned.work, groups=known), planned.splits) for known in (None, groups)]
    assert told[1] > told[0]


def test_where_nothing_differs_nothing_is_said():
    """A classifier without a mistake tells nothing of the study's luck, and the estimate leaves it out."""
    apart = prepare(ROWS + 50 * LABELS[:, None], LABELS, arms=["none", "smote"], cv=Folds(3, 1), random_state=0)
    told = foreseen_gain(apart.work, apart.splits)
    assert np.isnan(told)
    assert Estimate(10.0, 2, 0, told).text == "about 10 seconds: 2 splits, 0 learners"


def test_the_estimate_says_it_in_the_metrics_unit():
    """Shares in points, losses as they are."""
    assert Estimate(10.0, 2, 0, 0.031, "roc_auc").text.endswith(
        "a gain of 3.1 points or more would be seen four times in five"
    )
    assert "a gain of 0.031 or more" in Estimate(10.0, 2, 0, 0.031, "neg_brier_score").text
    assert "too few rows or splits" in Estimate(10.0, 2, 0, 1.93, "roc_auc").text
