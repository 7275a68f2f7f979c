"""Arms: the contract that every way to train keeps, whatever rows and classifier it meets."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.over_sampling import SMOTE
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from synthaug import CGAN, SyntheticAugmenter
from synthaug.augment.arms import ARMS, GATED_ARMS, SHARED_LEARNER_ARMS, NotApplicable, Task
from synthaug.augment.fitting import as_estimator_wants
from synthaug.augment.mix import plan_for
from synthaug.data.container import join, take

NEED_IMAGES = ("classic", "classic+gan")
NEED_UNLABELLED = ("self-training",)
NOT_BY_THE_PLAN = ("none", "gated")


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that remembers what it was fitted with and is sure of the first class."""

    def fit(self, X, y):
        self.X_, self.y_, self.classes_ = X, np.asarray(y), np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))

    def predict_proba(self, X):
        return np.tile(np.eye(len(self.classes_))[0], (len(X), 1))


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
    return torch.from_numpy(X)[:, None], torch.from_numpy((y == "well").astype(np.int64))


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


def train(name, it):
    """Train an arm, with six rows without labels where it needs such."""
    return ARMS[name](replace(it, X_unlabeled=unlabelled(it.X)) if name in NEED_UNLABELLED else it)


def unlabelled(X, n=6):
    """Return n rows like X's, none of which is one of them: X's numbers in another order within each row."""
    rows = take(X, np.arange(n))
    flipped = np.ascontiguousarray(np.asarray(rows).reshape(n, -1)[:, ::-1]).reshape(np.shape(rows))
    if isinstance(X, torch.Tensor):
        return torch.from_numpy(flipped)
    return pd.DataFrame(flipped, columns=X.columns) if isinstance(X, pd.DataFrame) else flipped


def applicable(name, kind):
    return kind in IMAGES or name not in NEED_IMAGES


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("name", ARMS)
def test_an_arm_trains_on_the_real_rows_and_the_plan(name, kind):
    """Every arm gives a fitted classifier that saw all real rows, and beside them what it says it added: the plan."""
    if not applicable(name, kind):
        with pytest.raises(NotApplicable, match="a table has no classical transforms"):
            train(name, task(kind))
        return
    it = task(kind)
    trained = train(name, it)
    classifier = trained.classifier.estimator_ if name in GATED_ARMS else trained.classifier
    assert len(classifier.X_) == len(classifier.y_) == 30 + trained.n_added
    assert trained.classifier.predict(as_estimator_wants(trained.classifier, it.X)).shape == (30,)
    real = np.asarray(it.X).reshape(30, -1)
    np.testing.assert_array_equal(np.asarray(classifier.X_)[:30].reshape(30, -1), real)
    np.testing.assert_array_equal(classifier.y_[:30], np.asarray(it.y))
    if name not in NOT_BY_THE_PLAN:
        assert trained.n_added == sum(it.plan.values()) == 10
        assert np.unique(classifier.y_, return_counts=True)[1].tolist() == [20, 20]
    assert (trained.decision is not None) == (name in GATED_ARMS)


@pytest.mark.parametrize("name", ARMS)
def test_what_an_arm_adds_looks_like_the_real_rows(name):
    """Added rows are of the real rows' type and range, for SMOTE's points between rows as for drawn ones."""
    it = task("images")
    trained = train(name, it)
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
        classifier = train(name, task("images")).classifier
        rows.append((classifier.estimator_ if name in GATED_ARMS else classifier).X_)
    np.testing.assert_array_equal(*rows)


@pytest.mark.parametrize("estimator", [LogisticRegression(), RandomForestClassifier(5), KNeighborsClassifier()])
@pytest.mark.parametrize("name", ARMS)
def test_any_classifier_will_do(name, estimator):
    """Classifiers with and without weights, with and without probabilities, are trained by every arm."""
    it = task("table", estimator)
    if applicable(name, "table"):
        assert set(train(name, it).classifier.predict(it.X)) <= {"ill", "well"}


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
            train(name, spied)
    else:
        train(name, spied)


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
    trained = train(name, task("table", rows=(X, y)))
    classifier = trained.classifier.estimator_ if name in GATED_ARMS else trained.classifier
    assert (classifier.y_ == "rare").sum() == 1
    if name == "gan":
        assert trained.n_added == 11


@pytest.mark.parametrize("kind", ROWS)
def test_self_training_adds_the_rows_it_is_sure_of(kind):
    """Rows without labels that the classifier is sure of come after the real ones, under the label it gives them, and
    after those the rows again that the plan still lacks.
    """
    it = task(kind)
    trained, rows = train("self-training", it), np.asarray(unlabelled(it.X)).reshape(6, -1)
    seen, y = np.asarray(trained.classifier.X_).reshape(-1, rows.shape[1]), trained.classifier.y_
    np.testing.assert_array_equal(seen[30:36], rows)
    assert (y[30:36] == np.unique(np.asarray(it.y))[0]).all()
    for row, label in zip(seen[36:], y[36:], strict=True):
        assert y[:36][(seen[:36] == row).all(axis=1)].tolist() == [label]


def test_self_training_leaves_out_what_it_is_not_sure_of():
    """Rows in the middle between two classes get no label; rows well inside one get it, whatever labels are called."""
    X = np.r_[np.linspace(-2, -1, 15), np.linspace(1, 2, 15)][:, None]
    y = np.repeat(["well", "ill"], 15)
    it = task("table", LogisticRegression(C=100), rows=(X, y))
    trained = ARMS["self-training"](replace(it, X_unlabeled=np.array([[-1.5], [0.0], [1.7], [1.8]])))
    assert trained.n_added == 30  # balanced rows: the plan is as many again
    assert trained.classifier.predict([[-1.0], [1.0]]).tolist() == ["well", "ill"]


@pytest.mark.parametrize("n_unlabelled", [0, 4, 300])
def test_self_training_is_balanced_as_the_other_arms_are(n_unlabelled):
    """Before anything is labelled and at the end classes stand as the plan wants them, however many rows are sure."""
    fits = []

    class Watched(Recorder):
        def fit(self, X, y):
            fits.append(np.unique(y, return_counts=True)[1].tolist())
            return super().fit(X, y)

        def predict_proba(self, X):
            return np.tile([0.1, 0.9] if n_unlabelled else [0.5, 0.5], (len(X), 1))

    it = task("table", Watched())
    more = np.random.default_rng(1).uniform(0, 255, size=(n_unlabelled or 3, 5))
    trained = ARMS["self-training"](replace(it, X_unlabeled=more))
    assert fits[0] == [20, 20]
    assert fits[-1] == [20 + n_unlabelled, 20 + n_unlabelled]
    assert trained.n_added == 10 + 2 * n_unlabelled


def test_self_training_learns_as_well_from_few_rows_of_a_class():
    """Where a rare class lies apart from a common one, labelling is not biased to the common one by its count."""
    stream = np.random.default_rng(0)
    X = np.r_[stream.normal(0, 1, (180, 1)), stream.normal(2.5, 1, (12, 1))]
    y = np.repeat(["common", "rare"], [180, 12])
    more = np.r_[stream.normal(0, 1, (300, 1)), stream.normal(2.5, 1, (300, 1))]
    it = task("table", LogisticRegression(), rows=(X, y))
    classifier = ARMS["self-training"](replace(it, X_unlabeled=more)).classifier
    edge = -classifier.intercept_[0] / classifier.coef_[0, 0]
    assert edge == pytest.approx(1.25, abs=0.4)  # halfway, as if the classes were equally frequent


def test_self_training_goes_on_from_what_it_labelled():
    """A row too far from the labelled ones is labelled in a later round, through the rows between (Yarowsky, 1995)."""
    X = np.r_[np.linspace(0, 0.5, 10), np.linspace(10, 10.5, 10)][:, None]
    it = task("table", KNeighborsClassifier(3), rows=(X, np.repeat(["ill", "well"], 10)))
    chain = np.linspace(0.6, 6.2, 40)[:, None]
    classifier = ARMS["self-training"](replace(it, X_unlabeled=chain)).classifier
    assert KNeighborsClassifier(3).fit(it.X, it.y).predict([[6.2]]).tolist() == ["well"]
    assert classifier.predict([[5.0]]).tolist() == ["ill"]


def test_self_training_keeps_a_frames_columns():
    """A classifier that picks columns by name is trained, and a frame's columns and types stay."""
    it = task("frame", make_pipeline(ColumnTransformer([("some", "passthrough", ["b", "d"])]), Recorder()))
    trained = train("self-training", it)
    assert trained.classifier.feature_names_in_.tolist() == list("abcde")
    assert trained.n_added == 10
    assert join(it.X, unlabelled(it.X)).dtypes.tolist() == it.X.dtypes.tolist()


class Sure(ClassifierMixin, BaseEstimator):
    """A classifier that gives no probabilities."""


class Spatial(Recorder):
    """A classifier that takes images as they are."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "needs rows without labels"),
        ({"X_unlabeled": images()[0], "estimator": Sure()}, "a classifier with predict_proba"),
    ],
)
def test_self_training_says_why_it_does_not_apply(change, message):
    """Without rows or probabilities there is no self-training, and the reason is named."""
    with pytest.raises(NotApplicable, match=message):
        ARMS["self-training"](replace(task("images"), **change))


def test_self_training_takes_images_as_they_are():
    """A classifier that wants images gets them, those without labels among them."""
    trained = train("self-training", task("images", Spatial()))
    assert trained.classifier.X_.shape == (40, 8, 8)


def test_the_lists_of_arms_name_arms():
    """What a study counts its learners by are names of arms that are there."""
    assert set(SHARED_LEARNER_ARMS) | set(GATED_ARMS) < set(ARMS)
    assert next(iter(ARMS)) == "none"
