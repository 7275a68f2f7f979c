"""The arm that moves the decision: scikit-learn's threshold for two classes, corrected priors for more."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.metrics import balanced_accuracy_score, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

from synthaug._seed import derive
from synthaug.augment.arms import ARMS, NotApplicable
from synthaug.augment.arms.threshold import adjust
from synthaug.data.split import stratified_folds


def rare(n=120, n_classes=2, seed=0):
    """Rows of classes that overlap, the last a tenth of the first."""
    stream = np.random.default_rng(seed)
    y = np.repeat(np.arange(n_classes), [n] * (n_classes - 1) + [n // 10])
    return stream.normal(size=(len(y), 2)) + 1.2 * np.stack([y == 1, y == 2], 1), y


def test_two_classes_get_scikit_learns_threshold(make_task):
    """The threshold is the one that scikit-learn finds on the same folds."""
    X, y = rare(50)
    it = make_task("table", LogisticRegression(), rows=(X, y))
    trained = ARMS["threshold"](it)
    settings = {"cv": stratified_folds(y, n_splits=5, seed=derive(it.seed, "threshold")), "thresholds": len(y)}
    direct = TunedThresholdClassifierCV(LogisticRegression(), scoring="balanced_accuracy", **settings).fit(X, y)
    assert trained.n_added == 0
    assert trained.classifier.best_threshold_ == pytest.approx(direct.best_threshold_)
    assert trained.classifier.best_threshold_ < 0.4


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_rare_class_is_found_more_often(make_task, n_classes):
    """On other rows of the same kind, balanced accuracy rises where a class is rare and the classifier calibrated."""
    it = make_task("table", LogisticRegression(), rows=rare(200, n_classes))
    X, y = rare(500, n_classes, seed=1)
    plain, tuned = (balanced_accuracy_score(y, ARMS[name](it).classifier.predict(X)) for name in ("none", "threshold"))
    assert tuned > plain + 0.05


def test_priors_are_divided_out():
    """Probabilities times priors, adjusted by power 1, are the likelihoods' own shares; power 0 changes nothing."""
    priors, likelihood = np.array([0.7, 0.2, 0.1]), np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
    posterior = likelihood * priors
    posterior /= posterior.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(adjust(posterior, priors, 1.0), likelihood)
    np.testing.assert_allclose(adjust(posterior, priors, 0.0), posterior)


@pytest.mark.parametrize("scoring", ["roc_auc_ovr", "neg_log_loss", "average_precision"])
def test_a_score_of_probabilities_has_no_threshold(make_task, scoring):
    """Where the primary metric looks at probabilities the arm does not apply."""
    it = replace(make_task("table", LogisticRegression(), rows=rare()), scoring=scoring)
    with pytest.raises(NotApplicable, match=f"a threshold changes labels, and {scoring} looks at probabilities"):
        ARMS["threshold"](it)


@pytest.mark.parametrize(
    ("rows", "groups", "estimator", "reason"),
    [
        (rare(n=10), None, LogisticRegression(), "needs 2 rows a class"),
        (rare(n=20), np.repeat([0, 1], [20, 2]), LogisticRegression(), "groups leave one with a single class"),
        (rare(n=20), np.zeros(22), LogisticRegression(), "as many groups"),
        (rare(n_classes=3), None, Perceptron(), "need a classifier with predict_proba; Perceptron has none"),
        (rare(n=20, n_classes=3), np.zeros(42), LogisticRegression(), "several classes in every fold"),
    ],
)
def test_where_there_is_no_threshold_the_reason_is_named(make_task, rows, groups, estimator, reason):
    """Too few rows or groups, or no probabilities for more than two classes: said in words."""
    with pytest.raises(NotApplicable, match=reason):
        ARMS["threshold"](make_task("table", estimator, rows=rows, groups=groups))


def test_constant_answers_have_no_threshold(make_task):
    """A classifier that answers every row alike is told so."""
    X, y = rare(30)
    with pytest.raises(NotApplicable, match="this one's are constant"):
        ARMS["threshold"](make_task("table", LogisticRegression(), rows=(0 * X, y)))


def test_groups_are_not_torn(make_task):
    """The inner folds keep groups together: rows of one group share a fold with nobody of it elsewhere."""
    X, y = rare(60)
    groups = np.arange(len(y)) // 3
    trained = ARMS["threshold"](make_task("table", LogisticRegression(), rows=(X, y), groups=groups))
    for train, test in trained.classifier.cv:
        assert set(groups[train]).isdisjoint(groups[test])


def test_classes_of_few_rows_in_groups_have_a_threshold(make_task):
    """Three classes of three rows, each row a group: as many folds as a class has rows."""
    X, y = np.random.default_rng(0).normal(size=(9, 2)), np.repeat([0, 1, 2], 3)
    trained = ARMS["threshold"](make_task("table", LogisticRegression(), rows=(X, y), groups=np.arange(9)))
    assert trained.classifier.predict(X).shape == (9,)


def share_right(classifier, X, y):
    """Return the accuracy, as a scorer of one's own."""
    return float((classifier.predict(X) == y).mean())


def test_a_plain_function_scores_more_than_two_classes_only(make_task):
    """scikit-learn tunes the threshold of two classes by a metric of labels: the reason and the remedy are named."""
    it = replace(make_task("table", LogisticRegression(), rows=rare()), scoring=share_right)
    with pytest.raises(NotApplicable, match=r"share_right is a function of the classifier\. Take a name, or make"):
        ARMS["threshold"](it)
    by_labels = replace(it, scoring=make_scorer(balanced_accuracy_score))
    assert ARMS["threshold"](by_labels).classifier.best_threshold_ < 0.4
    more = replace(make_task("table", LogisticRegression(), rows=rare(n_classes=3)), scoring=share_right)
    assert ARMS["threshold"](more).n_added == 0


class LabelsAlone(ClassifierMixin, BaseEstimator):
    """A classifier that gives labels and nothing else."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


def test_a_classifier_of_labels_alone_has_no_threshold(make_task):
    """Without probabilities or margins there is nothing to put a threshold on: said in words."""
    with pytest.raises(NotApplicable, match="more than labels; LabelsAlone gives none"):
        ARMS["threshold"](make_task("table", LabelsAlone(), rows=rare()))


def test_a_fold_of_one_row_is_no_constant_answer(make_task):
    """Groups that leave a single row in an inner fold do not take the threshold away."""
    X, y = np.random.default_rng(0).normal(size=(12, 2)), np.array([0, 1] * 6)
    groups = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 4])
    trained = ARMS["threshold"](make_task("table", LogisticRegression(), rows=(X, y), groups=groups))
    assert min(len(test) for _, test in trained.classifier.cv) >= 2
