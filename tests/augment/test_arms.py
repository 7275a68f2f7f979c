"""Arms: the contract that every way to train keeps, whatever rows and classifier it meets."""

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.over_sampling import SMOTE
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from synthaug import CGAN, SyntheticAugmenter
from synthaug.augment.arms import ARMS, GATED_ARMS, SHARED_LEARNER_ARMS, NotApplicable, Task
from synthaug.augment.fitting import as_estimator_wants
from synthaug.augment.mix import plan_for

NEED_IMAGES = ("classic", "classic+gan")
ADD_NOTHING_OF_THEMSELVES = ("none", "gated")


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that remembers what it was fitted with and predicts the first class."""

    def fit(self, X, y):
        self.X_, self.y_, self.classes_ = X, np.asarray(y), np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


def images():
    X = np.random.default_rng(0).integers(0, 256, size=(30, 8, 8), dtype=np.uint8)
    return X, np.array(["ill", "well", "well"] * 10)


def colour():
    X, y = images()
    return np.stack([X, X, X], axis=-1), y


def flat():
    X, y = images()
    return X.reshape(30, 64), y


def tensors():
    X, y = images()
    return torch.from_numpy(X)[:, None], torch.from_numpy((y == "ill").astype(np.int64))


def table():
    X, y = images()
    return X.reshape(30, 64)[:, :5].astype(np.float64), y


def frame():
    X, y = table()
    return pd.DataFrame(X, columns=list("abcde")), pd.Series(y)


ROWS = {"images": images, "colour": colour, "flat": flat, "tensors": tensors, "table": table, "frame": frame}
IMAGES = ("images", "colour", "flat", "tensors")


def task(kind="images", estimator=None, rows=None, **settings):
    X, y = ROWS[kind]() if rows is None else rows
    augmenter = SyntheticAugmenter(
        CGAN(n_steps=2, batch_size=8, width=4),
        selection="none",
        random_state=0,
        image_shape=(8, 8) if kind == "flat" else None,
        **settings,
    )
    learned = []

    def learn():
        if not learned:
            learned.append(augmenter.fit(X, y))
        return learned[0]

    plan = plan_for(augmenter, y)
    estimator = Recorder() if estimator is None else estimator
    return Task(X, y, None, estimator, augmenter, learn, plan, lambda image: image, "balanced_accuracy", 0)


def applicable(name, kind):
    return kind in IMAGES or name not in NEED_IMAGES


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("name", ARMS)
def test_an_arm_trains_on_the_real_rows_and_the_plan(name, kind):
    """Every arm gives a fitted classifier that saw all real rows, and beside them what it says it added: the plan."""
    if not applicable(name, kind):
        with pytest.raises(NotApplicable, match="a table has no classical transforms"):
            ARMS[name](task(kind))
        return
    it = task(kind)
    trained = ARMS[name](it)
    classifier = trained.classifier.estimator_ if name in GATED_ARMS else trained.classifier
    assert len(classifier.X_) == len(classifier.y_) == 30 + trained.n_added
    assert trained.classifier.predict(as_estimator_wants(trained.classifier, it.X)).shape == (30,)
    real = np.asarray(it.X).reshape(30, -1)
    np.testing.assert_array_equal(np.asarray(classifier.X_)[:30].reshape(30, -1), real)
    np.testing.assert_array_equal(classifier.y_[:30], np.asarray(it.y))
    if name not in ADD_NOTHING_OF_THEMSELVES:
        assert trained.n_added == sum(it.plan.values()) == 10
        assert np.unique(classifier.y_, return_counts=True)[1].tolist() == [20, 20]
    assert (trained.decision is not None) == (name in GATED_ARMS)


@pytest.mark.parametrize("name", ARMS)
def test_what_an_arm_adds_looks_like_the_real_rows(name):
    """Added rows are of the real rows' type and range, for SMOTE's points between rows as for drawn ones."""
    it = task("images")
    trained = ARMS[name](it)
    classifier = trained.classifier.estimator_ if name in GATED_ARMS else trained.classifier
    assert classifier.X_.dtype == it.X.dtype
    assert classifier.X_.min() >= it.X.min()
    assert classifier.X_.max() <= it.X.max()


@pytest.mark.parametrize("name", ARMS)
def test_the_same_task_trains_the_same(name):
    """An arm's randomness comes from the task's seed alone."""
    rows = []
    for global_seed in (0, 1):
        np.random.seed(global_seed)  # noqa: NPY002  it must not matter
        torch.manual_seed(global_seed)
        classifier = ARMS[name](task("images")).classifier
        rows.append((classifier.estimator_ if name in GATED_ARMS else classifier).X_)
    np.testing.assert_array_equal(*rows)


@pytest.mark.parametrize("estimator", [LogisticRegression(), RandomForestClassifier(5), KNeighborsClassifier()])
@pytest.mark.parametrize("name", ARMS)
def test_any_classifier_will_do(name, estimator):
    """Classifiers with and without weights, with and without probabilities, are trained by every arm."""
    it = task("table", estimator)
    if applicable(name, "table"):
        assert set(ARMS[name](it).classifier.predict(it.X)) <= {"ill", "well"}


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_learns_only_where_it_needs_to(name):
    """The shared learner is asked for by the arms that are named for it, and by no other: it is what takes time."""
    it = task("images")

    class Asked(Exception):  # noqa: N818  a signal
        pass

    def refuse():
        raise Asked

    spied = Task(**{**vars(it), "learned": refuse})
    if name in SHARED_LEARNER_ARMS:
        with pytest.raises(Asked):
            ARMS[name](spied)
    else:
        ARMS[name](spied)


def test_smote_is_imbalanced_learns():
    """The points that the arm adds lie between rows as imbalanced-learn's do: the same, for the same seed."""
    from synthaug._seed import derive

    it = task("table", n_synthetic=4)
    classifier = ARMS["smote"](it).classifier
    sampler = SMOTE(
        sampling_strategy={"ill": 24, "well": 24}, k_neighbors=5, random_state=derive(it.seed, "smote") % 2**32
    )
    X, y = sampler.fit_resample(it.X, it.y)
    np.testing.assert_array_equal(classifier.y_, y)
    np.testing.assert_allclose(classifier.X_, np.rint(X), atol=1e-4)  # whole numbers stay whole


def test_smote_with_few_rows():
    """With fewer rows than neighbours SMOTE takes fewer neighbours; with one row it does not apply, and says why."""
    X, _ = table()
    few = np.where(np.arange(30) < 3, "rare", "well")
    assert ARMS["smote"](task("table", rows=(X, few))).n_added == 24
    with pytest.raises(NotApplicable, match="SMOTE needs 2 rows a class; 'rare' has 1"):
        ARMS["smote"](task("table", rows=(X, np.where(np.arange(30) < 1, "rare", "well"))))


@pytest.mark.filterwarnings("ignore::synthaug.errors.SmallClassWarning")
@pytest.mark.parametrize("name", [name for name in ARMS if name not in ("smote", *NEED_IMAGES)])
def test_a_class_of_one_row_stays_one_row(name):
    """Arms with a learner leave a class alone that cannot be learned, rather than fail."""
    X, _ = table()
    y = np.array(["rare"] + ["ill"] * 9 + ["well"] * 20)
    trained = ARMS[name](task("table", rows=(X, y)))
    classifier = trained.classifier.estimator_ if name in GATED_ARMS else trained.classifier
    assert (classifier.y_ == "rare").sum() == 1
    if name == "gan":
        assert trained.n_added == 11


def test_the_lists_of_arms_name_arms():
    """What a study counts its learners by are names of arms that are there."""
    assert set(SHARED_LEARNER_ARMS) | set(GATED_ARMS) < set(ARMS)
    assert next(iter(ARMS)) == "none"
