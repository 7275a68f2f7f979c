"""Scores that cannot be taken are refused in words, before anything is learned."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, fbeta_score, get_scorer, log_loss, make_scorer
from sklearn.svm import LinearSVC

from synthaug import AugmentedClassifier, SyntheticAugmenter
from synthaug.augment.scorable import check_scoring_fits
from synthaug.errors import ConfigError

WORDS = np.array(["ill", "well"] * 10)
IMAGES = np.random.default_rng(0).random((20, 8, 8))
PROBABILITIES = make_scorer(log_loss, greater_is_better=False, response_method="predict_proba")


def first_pixel(estimator, X, y):
    """Score by a value of the rows, which are not there."""
    return X[0, 0]


def few_errors(estimator, X, y):
    """Score as no answers without an error can be scored."""
    return 1 / int((estimator.predict(X) != y).sum())


@pytest.mark.parametrize(
    ("scoring", "estimator", "message"),
    [
        ("balanced_acuracy", LogisticRegression(), "Did you mean 'balanced_accuracy'"),
        (
            "f1",
            LogisticRegression(),
            "scoring f1 must be able to score these labels by LogisticRegression; got an error",
        ),
        (
            "neg_log_loss",
            LinearSVC(),
            r"what LinearSVC gives, predict and decision_function; got an error.*predict_proba",
        ),
        (PROBABILITIES, LinearSVC(), "scoring neg_log_loss must look at what LinearSVC gives"),
        (["accuracy"], LogisticRegression(), r"scoring must be one name, one scorer or None; got \['accuracy'\]"),
        ({"a": "accuracy"}, LogisticRegression(), "scoring must be one name"),
        (balanced_accuracy_score, LogisticRegression(), r"make_scorer\(balanced_accuracy_score\)"),
        (lambda truth, said: 1.0, LogisticRegression(), r"a scorer \(estimator, X, y\)"),
        (first_pixel, LogisticRegression(), "may look at answers and labels only"),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"gate": False, "image_transform": "tuned"}])
def test_a_score_that_cannot_be_is_refused_before_anything_is_learned(
    scoring, estimator, message, settings, monkeypatch
):
    """A mistake in the score costs no training, of the learner or the classifier, and is said in words."""
    for learns in (SyntheticAugmenter, LogisticRegression, LinearSVC):
        monkeypatch.setattr(learns, "fit", lambda *rows, **more: pytest.fail("it learned"))
    with pytest.raises(ConfigError, match=message):
        AugmentedClassifier(estimator, scoring=scoring, **settings).fit(IMAGES, WORDS)


@pytest.mark.parametrize(
    ("scoring", "estimator"),
    [
        (None, LinearSVC()),
        ("roc_auc", LinearSVC()),
        ("neg_log_loss", LogisticRegression()),
        ("sensitivity_at_90_specificity", LinearSVC()),
        (get_scorer("matthews_corrcoef"), LinearSVC()),
        (make_scorer(fbeta_score, beta=2, pos_label="ill"), LinearSVC()),
        (PROBABILITIES, DummyClassifier()),
        (few_errors, LinearSVC()),
    ],
)
def test_a_score_that_can_be_is_not_refused(scoring, estimator):
    """Names and scorers pass that score these labels, also one that fails only where nothing is wrong."""
    check_scoring_fits(scoring, WORDS, estimator)
