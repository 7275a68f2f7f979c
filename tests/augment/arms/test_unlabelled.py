"""Arms of rows without labels: what the classifier itself says of them, and what a learner makes of them."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from synthaug.augment.arms import ARMS, NotApplicable
from synthaug.data.container import join

KINDS = ("images", "colour", "flat", "tensors", "table", "frame")


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that remembers what it was fitted with and is sure of the first class."""

    def fit(self, X, y):
        self.X_, self.y_, self.classes_ = X, np.asarray(y), np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile(np.eye(len(self.classes_))[0], (len(X), 1))


class Sure(ClassifierMixin, BaseEstimator):
    """A classifier that gives no probabilities."""


@pytest.mark.parametrize("kind", KINDS)
def test_self_training_adds_the_rows_it_is_sure_of(make_task, unlabelled, kind):
    """Rows without labels that the classifier is sure of come after the real ones, under the label it gives them, and
    after those the rows again that the plan still lacks.
    """
    it = make_task(kind, Recorder())
    trained, rows = (
        ARMS["self-training"](replace(it, X_unlabeled=unlabelled(it.X))),
        np.asarray(unlabelled(it.X)).reshape(6, -1),
    )
    seen, y = np.asarray(trained.classifier.X_).reshape(-1, rows.shape[1]), trained.classifier.y_
    np.testing.assert_array_equal(seen[30:36], rows)
    assert (y[30:36] == np.unique(np.asarray(it.y))[0]).all()
    for row, label in zip(seen[36:], y[36:], strict=True):
        assert y[:36][(seen[:36] == row).all(axis=1)].tolist() == [label]


def test_self_training_leaves_out_what_it_is_not_sure_of(make_task):
    """Rows in the middle between two classes get no label; rows well inside one get it, whatever labels are called."""
    X = np.r_[np.linspace(-2, -1, 15), np.linspace(1, 2, 15)][:, None]
    y = np.repeat(["well", "ill"], 15)
    it = make_task("table", LogisticRegression(C=100), rows=(X, y))
    trained = ARMS["self-training"](replace(it, X_unlabeled=np.array([[-1.5], [0.0], [1.7], [1.8]])))
    assert trained.n_added == 30  # balanced rows: the plan is as many again
    assert trained.classifier.predict([[-1.0], [1.0]]).tolist() == ["well", "ill"]


@pytest.mark.parametrize("n_unlabelled", [0, 4, 300])
def test_self_training_is_balanced_as_the_other_arms_are(make_task, n_unlabelled):
    """Before anything is labelled and at the end classes stand as the plan wants them, however many rows are sure."""
    fits = []

    class Watched(Recorder):
        def fit(self, X, y):
            fits.append(np.unique(y, return_counts=True)[1].tolist())
            return super().fit(X, y)

        def predict_proba(self, X):
            return np.tile([0.1, 0.9] if n_unlabelled else [0.5, 0.5], (len(X), 1))

    it = make_task("table", Watched())
    more = np.random.default_rng(1).uniform(0, 255, size=(n_unlabelled or 3, 5))
    trained = ARMS["self-training"](replace(it, X_unlabeled=more))
    assert fits[0] == [20, 20]
    assert fits[-1] == [20 + n_unlabelled, 20 + n_unlabelled]
    assert trained.n_added == 10 + 2 * n_unlabelled


def test_self_training_learns_as_well_from_few_rows_of_a_class(make_task):
    """Where a rare class lies apart from a common one, labelling is not biased to the common one by its count."""
    stream = np.random.default_rng(0)
    X = np.r_[stream.normal(0, 1, (180, 1)), stream.normal(2.5, 1, (12, 1))]
    y = np.repeat(["common", "rare"], [180, 12])
    more = np.r_[stream.normal(0, 1, (300, 1)), stream.normal(2.5, 1, (300, 1))]
    it = make_task("table", LogisticRegression(), rows=(X, y))
    classifier = ARMS["self-training"](replace(it, X_unlabeled=more)).classifier
    edge = -classifier.intercept_[0] / classifier.coef_[0, 0]
    assert edge == pytest.approx(1.25, abs=0.4)  # halfway, as if the classes were equally frequent


def test_self_training_goes_on_from_what_it_labelled(make_task):
    """A row too far from the labelled ones is labelled in a later round, through the rows between (Yarowsky, 1995)."""
    X = np.r_[np.linspace(0, 0.5, 10), np.linspace(10, 10.5, 10)][:, None]
    it = make_task("table", KNeighborsClassifier(3), rows=(X, np.repeat(["ill", "well"], 10)))
    chain = np.linspace(0.6, 6.2, 40)[:, None]
    classifier = ARMS["self-training"](replace(it, X_unlabeled=chain)).classifier
    assert KNeighborsClassifier(3).fit(it.X, it.y).predict([[6.2]]).tolist() == ["well"]
    assert classifier.predict([[5.0]]).tolist() == ["ill"]


def test_self_training_keeps_a_frames_columns(make_task, unlabelled):
    """A classifier that picks columns by name is trained, and a frame's columns and types stay."""
    it = make_task("frame", make_pipeline(ColumnTransformer([("some", "passthrough", ["b", "d"])]), Recorder()))
    trained = ARMS["self-training"](replace(it, X_unlabeled=unlabelled(it.X)))
    assert trained.classifier.feature_names_in_.tolist() == list("abcde")
    assert trained.n_added == 10
    assert join(it.X, unlabelled(it.X)).dtypes.tolist() == it.X.dtypes.tolist()


@pytest.mark.parametrize("estimator", [Recorder(), Sure()])
def test_self_training_says_why_it_does_not_apply(make_task, estimator):
    """Without rows or probabilities there is no self-training, and the reason is named."""
    it = make_task("images", estimator)
    reason = "needs rows without labels" if isinstance(estimator, Recorder) else "a classifier with predict_proba"
    more = None if isinstance(estimator, Recorder) else it.X
    with pytest.raises(NotApplicable, match=reason):
        ARMS["self-training"](replace(it, X_unlabeled=more))


def test_gan_unlabelled_needs_rows_without_labels(make_task):
    """The arm is for a learner that saw rows without labels, and says so where there are none."""
    with pytest.raises(NotApplicable, match="needs rows without labels"):
        ARMS["gan unlabelled"](make_task("images"))
