"""Arms: the contract that every way to train keeps, whatever rows and classifier it meets."""

import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.neighbors import KNeighborsClassifier

from synthaug import Mix
from synthaug.augment.arms import (
    ARMS,
    GATED_ARMS,
    SHARED_LEARNER_ARMS,
    USES_GAN,
    USES_UNLABELLED,
    NotApplicable,
    train_mix,
)
from synthaug.augment.fitting import as_estimator_wants

KINDS = ("images", "colour", "flat", "tensors", "table", "frame", "mixed")
TABLES = ("table", "frame", "mixed")
NEED_IMAGES = ("classic", "classic twice", "smote+classic", "cutmix", "classic+gan")
NEED_UNLABELLED = ("gan unlabelled", "self-training")
NEED_WEIGHTS = ("mixup", "cutmix", "self-distillation", "gan soft labels", "gan low weight")
NEED_PROBABILITIES = ("self-distillation", "gan soft labels", "self-training")
ADD_NOTHING = ("none", "class_weight", "threshold")
ADD_TWICE = ("classic twice", "classic+gan")
UNGATED = tuple(name for name in ARMS if name not in GATED_ARMS)
NOT_FOR = {
    "LogisticRegression": (),
    "RandomForestClassifier": ("gan pretrain",),
    "KNeighborsClassifier": ("class_weight", *NEED_WEIGHTS, "gan pretrain"),
    "Perceptron": NEED_PROBABILITIES,
}


@pytest.fixture
def train(make_task, unlabelled):
    """A function that trains an arm, with six rows without labels where it needs such."""

    def train_one(name, it):
        return ARMS[name](replace(it, X_unlabeled=unlabelled(it.X)) if name in NEED_UNLABELLED else it)

    return train_one


def of_one_kind(name):
    return "images" if name in NEED_IMAGES else "table"


def flat(rows):
    """Return the first thirty rows as flat ones, the cells of a frame as text."""
    return np.asarray(rows.map(str) if hasattr(rows, "columns") else rows)[:30].reshape(30, -1)


def applicable(name, kind):
    return kind not in TABLES or name not in NEED_IMAGES


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in ARMS for kind in (("images", "table") if name in GATED_ARMS else KINDS)]
)
def test_an_arm_trains_on_the_real_rows_and_the_plan(make_task, train, recorder_in, name, kind):
    """Every arm gives a fitted classifier that saw all real rows under their labels, and beside them what it says it
    added: the plan, in rows or in the weight of rows.
    """
    it = make_task(kind)
    if not applicable(name, kind):
        with pytest.raises(NotApplicable, match="a table has no"):
            train(name, it)
        return
    trained = train(name, it)
    recorder = recorder_in(trained.classifier)
    assert trained.classifier.predict(as_estimator_wants(trained.classifier, it.X)).shape == (30,)
    np.testing.assert_array_equal(flat(recorder.X_), flat(it.X))
    np.testing.assert_array_equal(recorder.y_[:30], np.asarray(it.y))
    assert (trained.decision is not None) == (name in GATED_ARMS)
    if name in GATED_ARMS:
        return
    if name == "self-training":  # all rows that it is sure of, and the others to balance
        assert len(set(np.unique(recorder.y_, return_counts=True)[1])) == 1
        return
    assert trained.n_added == 10 * (0 if name in ADD_NOTHING else 2 if name in ADD_TWICE else 1)
    added = recorder.weight_[30:].sum()
    assert added == pytest.approx(3 if name == "gan low weight" else trained.n_added)
    if name not in (*ADD_NOTHING, *NEED_WEIGHTS):
        assert np.unique(recorder.y_, return_counts=True)[1].tolist() == [10 + trained.n_added, 20]


@pytest.mark.parametrize("name", UNGATED)
def test_what_an_arm_adds_looks_like_the_real_rows(make_task, train, recorder_in, name):
    """Added rows are of the real rows' type and range, for points between rows and blends as for drawn ones."""
    it = make_task("images")
    X = recorder_in(train(name, it).classifier).X_
    assert X.dtype == it.X.dtype
    assert X.min() >= it.X.min()
    assert X.max() <= it.X.max()


@pytest.mark.parametrize("name", UNGATED)
def test_the_same_task_trains_the_same(make_task, train, recorder_in, name):
    """An arm's randomness comes from the task's seed alone, and no global state is moved."""
    rows = []
    for global_seed in (0, 1):
        np.random.seed(global_seed)  # noqa: NPY002  it must not matter
        torch.manual_seed(global_seed)
        state = torch.get_rng_state()
        recorder = recorder_in(train(name, make_task(of_one_kind(name))).classifier)
        assert torch.equal(torch.get_rng_state(), state)
        rows.append(recorder)
    np.testing.assert_array_equal(rows[0].X_, rows[1].X_)
    np.testing.assert_array_equal(rows[0].weight_, rows[1].weight_)


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(), RandomForestClassifier(3), KNeighborsClassifier(), Perceptron()]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", UNGATED)
def test_a_classifier_is_trained_or_the_reason_named(make_task, train, name, estimator):
    """Classifiers with and without weights, probabilities and further learning are trained, or told what they lack."""
    it = make_task(of_one_kind(name), estimator)
    if name in NOT_FOR[type(estimator).__name__]:
        with pytest.raises(NotApplicable, match=r"sample_weight|predict_proba|would only add trees|has neither"):
            train(name, it)
        return
    rows = as_estimator_wants(estimator, it.X)
    assert set(train(name, it).classifier.predict(rows)) <= {"ill", "well"}


@pytest.mark.parametrize("name", UNGATED)
def test_a_spatial_classifier_gets_whole_images(make_task, train, recorder_in, spatial, name):
    """A classifier that takes images as they are gets them so from every arm, and is asked so."""
    trained = train(name, make_task("images", spatial))
    assert recorder_in(trained.classifier).X_.shape[1:] == (8, 8)
    assert trained.classifier.predict(as_estimator_wants(trained.classifier, make_task().X)).shape == (30,)


@pytest.mark.parametrize("name", UNGATED)
def test_an_arm_learns_only_where_it_needs_to(make_task, train, name):
    """The shared learner is asked for by the arms that are named for it, and by no other: it is what takes time."""

    class Asked(Exception):  # noqa: N818  a signal
        pass

    def refuse():
        raise Asked

    spied = replace(make_task("images"), learned=refuse)
    if name in SHARED_LEARNER_ARMS:
        with pytest.raises(Asked):
            train(name, spied)
    else:
        train(name, spied)


@pytest.mark.parametrize("name", ["gan soft labels", "gan low weight", "gan pretrain"])
def test_nothing_is_learned_for_a_classifier_that_cannot_use_it(make_task, train, name):
    """Where a way of use does not apply, the reason comes before any learning."""

    def refuse():
        raise AssertionError

    with pytest.raises(NotApplicable):
        train(name, replace(make_task("table", KNeighborsClassifier()), learned=refuse))


@pytest.mark.filterwarnings("ignore::synthaug.errors.SmallClassWarning")
@pytest.mark.parametrize("name", [*SHARED_LEARNER_ARMS, *ADD_NOTHING])
def test_a_class_of_one_row_stays_one_row(make_task, train, recorder_in, name):
    """Arms with a learner leave a class alone that cannot be learned, rather than fail."""
    X = np.random.default_rng(0).uniform(0, 255, size=(30, 5))
    rows = (X, np.array(["rare"] + ["ill"] * 9 + ["well"] * 20))
    kind = "table"
    if name in NEED_IMAGES:
        rows, kind = (np.random.default_rng(0).uniform(0, 255, size=(30, 8, 8)), rows[1]), "images"
    trained = train(name, make_task(kind, rows=rows))
    recorder = recorder_in(trained.classifier)
    assert (recorder.y_[:30] == "rare").sum() == 1
    if name == "gan":
        assert trained.n_added == 11
        assert (recorder.y_ == "rare").sum() == 1


def test_an_arm_of_a_mix(make_task, recorder_in):
    """Any mix is an arm in one line, and it travels to a worker process."""
    arm = pickle.loads(pickle.dumps(partial(train_mix, mix=Mix(0.5, labels="soft", synthetic_weight=0.5))))
    trained = arm(make_task("table"))
    assert trained.n_added == 5
    assert recorder_in(trained.classifier).weight_[30:].sum() == pytest.approx(2.5)


def test_the_lists_of_arms_name_arms():
    """What a study counts its learners by are names of arms that are there; those without a GAN row come first."""
    assert set(USES_GAN) == set(SHARED_LEARNER_ARMS) | set(GATED_ARMS) < set(ARMS)
    assert set(USES_UNLABELLED) < set(ARMS.values())
    assert next(iter(ARMS)) == "none"
