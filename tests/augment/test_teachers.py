"""Soft labels: what teachers that never saw a row say of it, and rows that share in several classes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import cross_val_predict
from sklearn.naive_bayes import GaussianNB

from synthaug._seed import derive
from synthaug.augment.mix import Mixed
from synthaug.augment.teachers import cross_fit, fit_teachers, share_out, soften
from synthaug.data.split import stratified_folds
from synthaug.errors import ConfigError

X, Y = load_iris(return_X_y=True)
NAMES = np.array(["se", "ve", "vi"])[Y]


class Nosy(ClassifierMixin, BaseEstimator):
    """A classifier that knows by heart the rows that it saw, and is sure of the last class for those."""

    def fit(self, X, y):
        self.seen_, self.classes_ = set(X[:, 0]), np.unique(y)
        return self

    def predict_proba(self, X):
        known = np.isin(X[:, 0], list(self.seen_))
        return np.eye(len(self.classes_))[np.where(known, -1, 0)]


def test_out_of_fold_is_scikit_learns():
    """A real row's probabilities are cross_val_predict's over the same folds; new rows get all teachers' mean."""
    teachers = fit_teachers(GaussianNB(), X, NAMES, random_state=3)
    folds = stratified_folds(Y, n_splits=5, seed=derive(3, "teachers"))
    expected = cross_val_predict(GaussianNB(), X, NAMES, cv=folds, method="predict_proba")
    np.testing.assert_allclose(teachers.out_of_fold, expected)
    each = [GaussianNB().fit(X[train], NAMES[train]).predict_proba(X + 0.1) for train, _ in folds]
    np.testing.assert_allclose(teachers.predict_proba(X + 0.1), np.mean(each, axis=0))
    assert teachers.classes_.tolist() == ["se", "ve", "vi"]


@pytest.mark.parametrize("groups", [None, np.arange(60) // 4])
def test_no_teacher_is_asked_of_a_row_it_saw(groups):
    """No row's own teacher saw it, nor another row of its group."""
    y = np.arange(60) % 3
    first = np.arange(60.0) if groups is None else groups.astype(float)
    teachers = fit_teachers(Nosy(), np.stack([first, first], 1), y, groups=groups, random_state=0)
    np.testing.assert_array_equal(teachers.out_of_fold, np.tile([1.0, 0.0, 0.0], (60, 1)))


def test_a_class_that_a_teacher_never_saw_is_improbable_to_it():
    """A class of one row is missing from one teacher's: it has probability 0 there, in its own column."""
    y = np.array(["a"] + ["b"] * 10 + ["c"] * 10)
    rows = np.random.default_rng(0).normal(size=(21, 2))
    teachers = fit_teachers(LogisticRegression(), rows, y, random_state=0)
    assert teachers.out_of_fold[0, 0] == 0
    np.testing.assert_allclose(teachers.out_of_fold.sum(axis=1), 1)
    np.testing.assert_allclose(teachers.predict_proba(rows).sum(axis=1), 1)


@pytest.mark.parametrize(("n_rows", "n_teachers"), [(2, 2), (4, 4), (9, 5)])
def test_classes_of_few_rows_have_fewer_teachers(n_rows, n_teachers):
    """Where rows have groups, there are no more teachers than the largest class has rows."""
    y = np.repeat([0, 1, 2], n_rows)
    rows = np.random.default_rng(0).normal(size=(len(y), 2))
    teachers = fit_teachers(LogisticRegression(), rows, y, groups=np.arange(len(y)), random_state=0)
    assert len(teachers.classifiers) == n_teachers
    np.testing.assert_allclose(teachers.out_of_fold.sum(axis=1), 1)


@pytest.mark.filterwarnings("ignore:The number of unique classes")
@pytest.mark.parametrize(
    ("estimator", "y", "groups", "message"),
    [
        (
            Perceptron(),
            Y,
            None,
            r"a teacher must have predict_proba; got Perceptron.* Wrap it in CalibratedClassifierCV",
        ),
        (GaussianNB(), Y, np.zeros(150), "need rows of two groups"),
        (GaussianNB(), Y == 0, np.where(Y == 0, 0, Y), "leave one with a single class"),
        (GaussianNB(), np.arange(150), np.arange(150), "and with groups a class of two rows"),
    ],
)
def test_who_cannot_teach(estimator, y, groups, message):
    """Without probabilities, or rows for two teachers of two classes, there are no soft labels, and it is said why."""
    with pytest.raises(ConfigError, match=message):
        fit_teachers(estimator, X, y, groups=groups, random_state=0)


@settings(max_examples=30)
@given(arrays(np.float64, (6, 4), elements=st.floats(0.001, 1.0)))
def test_a_row_that_is_shared_out_weighs_what_it_did(raw):
    """A row's copies together weigh what the row did, none has a share under 0.05, and real rows are as they were."""
    shares = raw / raw.sum(axis=1, keepdims=True)
    rows, y = np.arange(10.0)[:, None], np.array(["a", "b", "c", "d"])
    weight = np.array([1.0, 1.0, 1.0, 1.0, 0.5, 1.0, 2.0, 1.0, 1.0, 1.0])
    out = share_out(Mixed(rows, np.r_[y, y[[0] * 6]], weight, 6, np.empty(0, dtype=np.int64)), y, shares)
    np.testing.assert_array_equal(out.X[:4], rows[:4])
    np.testing.assert_array_equal(out.y[:4], y)
    totals = [out.weight[4:][out.X[4:, 0] == row].sum() for row in range(4, 10)]
    np.testing.assert_allclose(totals, weight[4:])
    assert (out.weight[4:] >= 0.05 * 0.5).all()
    assert out.n_added == 6


def test_small_shares_are_dropped():
    """A share under 0.05 is dropped and the rest scaled up; a row of many even shares keeps its greatest."""
    y = np.repeat(np.arange(30), 2)
    shares = np.zeros((2, 30))
    shares[0, :3] = [0.6, 0.36, 0.04]
    shares[1] = np.where(np.arange(30) == 7, 0.04, 0.96 / 29)
    out = share_out(Mixed(np.zeros((62, 1)), np.zeros(62, int), None, 2, np.empty(0, dtype=np.int64)), y, shares)
    assert out.y[60:].tolist() == [0, 1, 7]
    np.testing.assert_allclose(out.weight[60:], [0.625, 0.375, 1.0])


def test_repeated_rows_get_the_labels_of_their_origins():
    """Half of a label is the row's class, half the probabilities: out-of-fold for a repeated row, else the mean."""
    teachers = cross_fit(lambda rows, number: GaussianNB().fit(X[rows], Y[rows]), X, Y, groups=None, seed=0)
    origins, new = np.array([100, 20]), X[[60]] + 0.05
    mixed = Mixed(np.concatenate([X, X[origins], new]), np.r_[Y, Y[origins], 1], None, 3, origins)
    out = soften(mixed, Y, teachers)
    said = np.concatenate([teachers.out_of_fold[origins], teachers.predict_proba(new)])
    rows = (np.eye(3)[[*Y[origins], 1]] + said) / 2
    kept = np.where(rows < 0.05, 0, rows) / np.where(rows < 0.05, 0, rows).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(out.weight[150:], kept[kept > 0])
    assert out.y[150:].tolist() == np.nonzero(kept)[1].tolist()


def test_weighted_copies_are_the_soft_labels_cross_entropy():
    """A logistic regression of weighted copies ends at the minimum of the cross-entropy with the soft labels."""
    stream = np.random.default_rng(0)
    rows, target = stream.normal(size=(40, 2)), stream.uniform(0.1, 0.9, size=40)
    shares = np.stack([1 - target, target], 1)
    y = np.array([0, 1])
    mixed = Mixed(np.concatenate([np.zeros((2, 2)), rows]), np.zeros(42, int), None, 40, np.empty(0, dtype=np.int64))
    out = share_out(mixed, y, shares)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(out.X[2:], out.y[2:], out.weight[2:])
    residual = model.predict_proba(rows)[:, 1] - target
    np.testing.assert_allclose([residual.sum(), *(residual @ rows)], 0, atol=1e-3)  # the gradient vanishes
