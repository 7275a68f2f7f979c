"""The strength of classical augmentation, chosen on the training rows."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from synthaug import SyntheticAugmenter
from synthaug.augment.arms import ARMS, Task
from synthaug.augment.fitting import Answers
from synthaug.augment.tuning import TUNED, TUNED_MIRRORED, choose_transform, resolve_transform, score_pooled
from synthaug.augment.ways import Setting
from synthaug.errors import ConfigError

N = 24
Y = np.array(["a", "b"] * (N // 2))
FITS = []


class Judge(ClassifierMixin, BaseEstimator):
    """A classifier that transforms rows itself, and is right about as many of them as its transform deserves."""

    def __init__(self, image_transform=None, merits=()):
        self.image_transform = image_transform
        self.merits = merits

    def fit(self, X, y):
        FITS.append((self.image_transform, set(X[:, 0].astype(int))))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        right = np.where(X[:, 1] > 0, "b", "a")
        n_right = round(dict(self.merits)[self.image_transform] * len(X))
        return np.where(np.arange(len(X)) < n_right, right, np.where(right == "a", "b", "a"))


@pytest.fixture(autouse=True)
def _forget():
    FITS.clear()


def rows():
    X = np.zeros((N, 8, 8))
    X[:, 0, 0], X[:, 0, 1] = np.arange(N), Y == "b"
    return X


def setting(merits, groups=None):
    judge = Judge(merits=tuple(merits.items()))
    return Setting(judge, SyntheticAugmenter(), None, {"a": 6, "b": 6}, "ignored", 0, groups=groups)


@pytest.mark.parametrize(
    ("merits", "chosen"),
    [
        ({None: 0.9, "shift": 0.5, "affine": 0.5}, None),
        ({None: 0.5, "shift": 0.9, "affine": 0.5}, "shift"),
        ({None: 0.5, "shift": 0.5, "affine": 0.9}, "affine"),
        ({None: 0.5, "shift": 0.5, "affine": 0.5}, None),
        ({None: 0.1, "shift": 0.5, "affine": 0.5}, "shift"),
    ],
)
def test_the_best_is_chosen_and_of_equals_the_weaker(merits, chosen):
    """What serves best on held-back rows is chosen; nothing before a shift, a shift before more."""
    assert choose_transform(rows(), Y, setting(merits), scoring="accuracy") == chosen
    assert [transform for transform, _ in FITS] == [None] * 3 + ["shift"] * 3 + ["affine"] * 3


@pytest.mark.parametrize("groups", [None, np.arange(N) // 4])
def test_every_row_is_held_back_once(groups):
    """Three folds of the training rows, the same for each transform, and no group on both sides."""
    choose_transform(rows(), Y, setting({None: 1, "shift": 1, "affine": 1}, groups), scoring=None)
    held_back = [set(range(N)) - seen for _, seen in FITS]
    assert held_back[:3] == held_back[3:6] == held_back[6:]
    assert sorted(row for part in held_back[:3] for row in part) == list(range(N))
    if groups is not None:
        assert all(len(part) % 4 == 0 for part in held_back)


@pytest.mark.parametrize("groups", [np.zeros(N), np.where(Y == "a", 0, np.arange(N) % 2 + 1)])
def test_too_few_rows_to_try(groups):
    """Where groups leave too little to hold back, a shift is taken untried."""
    assert choose_transform(rows(), Y, setting({}, groups), scoring=None) == "shift"
    assert not FITS


def test_too_few_rows_of_each_class_to_try():
    """Two rows a class, each a group of its own, cannot be held back in three folds, with groups or without."""
    y = np.repeat(list("abcd"), 2)
    for groups in (None, np.arange(8)):
        assert choose_transform(rows()[:8], y, setting({}, groups), scoring=None) == "shift"
    assert not FITS


def task(transform, **changes):
    merits = {None: 0.5, "shift": 0.5, "affine": 0.9, "given": 0.1}
    judge = Judge(merits=tuple(merits.items()))
    it = Task(rows(), Y, None, judge, SyntheticAugmenter(), None, {"a": 6, "b": 6}, transform, "accuracy", 0)
    return replace(it, **changes)


def test_a_task_tunes_once_for_all_arms():
    """The first arm that transforms has it chosen, the others share the choice, and arms without transforms ask not."""
    it = task("tuned")
    ARMS["none"](it)
    ARMS["repeat"](it)
    assert len(FITS) == 2
    for _ in range(2):
        assert ARMS["classic"](it).classifier.image_transform == "affine"
    assert len(FITS) == 2 + 9 + 2


def test_a_transform_that_is_given_is_not_tuned():
    """What a user says is done; only the word ``tuned`` asks the rows, and for a table there is nothing to ask."""
    assert task("given").image_transform == "given"
    assert task("tuned", X=rows().reshape(N, 64)).image_transform == "tuned"
    for given in ("shift", None, np.zeros(2), print):
        assert resolve_transform(given, rows(), Y, setting({}), scoring=None) is given
    assert not FITS


def test_pooled_answers_are_scored_as_scorers_do():
    """The score of pooled answers is the scorer's of all rows together."""
    answers = Answers(np.array(["a", "b"]), {"predict": np.where(np.arange(N) < 6, "a", Y)})
    assert score_pooled("accuracy", answers, Y) == pytest.approx((answers.values["predict"] == Y).mean())


def test_pooled_answers_of_three_classes_are_scored_by_their_ranks():
    """The metrics that a study and the gate have, tuning has too: areas under curves of more than two classes."""
    y = np.array(list("abc") * 4)
    shares = np.eye(3)[np.arange(12) % 3] * 0.5 + 1 / 6
    answers = Answers(np.array(list("abc")), {"predict": y, "predict_proba": shares})
    assert score_pooled("roc_auc", answers, y) == 1
    assert score_pooled("neg_log_loss", answers, y) == pytest.approx(np.log(2 / 3))


@pytest.mark.parametrize(("word", "chosen"), [(TUNED, "affine"), (TUNED_MIRRORED, "mirror")])
def test_mirrored_images_are_tried_only_where_sides_may_be_exchanged(word, chosen):
    """However well mirroring would do, the tuning tries it only if that is asked for."""
    merits = {None: 0.5, "shift": 0.5, "affine": 0.7, "mirror": 0.9}
    assert resolve_transform(word, rows(), Y, setting(merits), scoring="accuracy") == chosen


def test_a_word_that_nobody_knows_is_refused():
    """A typing error in the transform's name is told before anything is fitted; a classifier may have its own words."""
    plain = replace(setting({}), estimator=LogisticRegression())
    with pytest.raises(
        ConfigError, match=r"image_transform must be one of shift, .*; got 'shfit'\. Did you mean 'shift'"
    ):
        resolve_transform("shfit", rows(), Y, plain, scoring=None)
    assert resolve_transform("given", rows(), Y, setting({}), scoring=None) == "given"
