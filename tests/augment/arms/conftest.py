"""Tasks for arms: the same thirty rows in every container, and a learner of two steps that is learned once a kind."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import get_tags

from synthaug import CGAN, SyntheticAugmenter
from synthaug.augment.arms import Task
from synthaug.augment.mix import plan_for
from synthaug.data.container import take


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that remembers every stage it was fitted with, and calls dark rows by the first class."""

    def __init__(self, warm_start=False):
        self.warm_start = warm_start

    def fit(self, X, y, sample_weight=None):
        if not self.warm_start or not hasattr(self, "stages_"):
            self.stages_ = []
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
        self.stages_.append((np.asarray(X), np.asarray(y), weight))
        self.X_, self.y_, self.classes_, self.weight_ = X, np.asarray(y), np.unique(y), weight
        return self

    def predict_proba(self, X):
        X = X.select_dtypes("number").fillna(0.0) if isinstance(X, pd.DataFrame) else X
        dark = np.argsort(np.argsort(np.asarray(X).reshape(len(X), -1).mean(axis=1))) / len(X)
        rest = np.full((len(X), len(self.classes_) - 1), 1.0) / (len(self.classes_) - 1)
        return np.concatenate([1 - dark[:, None], rest * dark[:, None]], axis=1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Spatial(Recorder):
    """A classifier that takes images as they are."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _images():
    X = np.random.default_rng(0).integers(0, 256, size=(30, 8, 8), dtype=np.uint8)
    return X, np.array(["ill", "well", "well"] * 10)


def _colour():
    X, y = _images()
    return np.stack([X, X, X], axis=-1), y


def _flat():
    X, y = _images()
    return X.reshape(30, 64), y


def _tensors():
    X, y = _images()
    return torch.from_numpy(X)[:, None], torch.from_numpy((y == "well").astype(np.int64))


def _table():
    X, y = _images()
    return X.reshape(30, 64)[:, :5].astype(np.float64), y


def _frame():
    X, y = _table()
    return pd.DataFrame(X, columns=list("abcde")), pd.Series(y)


def _mixed():
    """Return a frame of numbers, some of them missing, categories, words, dates and a constant."""
    X, y = _table()
    rng, stages = np.random.default_rng(0), pd.CategoricalDtype(["I", "II", "III"], ordered=True)
    frame = pd.DataFrame(
        {
            "age": X[:, 0].astype(int),
            "dose": np.where(X[:, 1] < 60, np.nan, X[:, 1] / 10),
            "stage": pd.Categorical(rng.choice(["I", "II", "III"], 30), dtype=stages),
            "sex": np.where(rng.random(30) < 0.1, None, rng.choice(["f", "m"], 30)),
            "smokes": rng.random(30) < 0.5,
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(X[:, 2].astype(int), unit="D"),
            "centre": "A",
        }
    )
    return frame, pd.Series(y)


ROWS = {
    "images": _images,
    "colour": _colour,
    "flat": _flat,
    "tensors": _tensors,
    "table": _table,
    "frame": _frame,
    "mixed": _mixed,
}


def _augmenter(kind, **settings):
    shape = (8, 8) if kind == "flat" else None
    learner = CGAN(n_steps=2, batch_size=8, width=4)
    return SyntheticAugmenter(learner, selection="none", random_state=0, image_shape=shape, **settings)


@cache
def _learned(kind):
    return _augmenter(kind).fit(*ROWS[kind]())


def _task(kind="images", estimator=None, rows=None, groups=None, **settings):
    X, y = ROWS[kind]() if rows is None else rows
    augmenter = _augmenter(kind, **settings)
    estimator = Recorder() if estimator is None else estimator

    def learned():
        return _learned(kind) if rows is None and not settings else augmenter.fit(X, y)

    plan = plan_for(augmenter, y)
    return Task(X, y, groups, estimator, augmenter, learned, plan, lambda image: image, "balanced_accuracy", 0)


def _unlabelled(X, n=6):
    """Return n rows like X's, none of which is one of them: its numbers in another order within each row, or column."""
    rows = take(X, np.arange(n))
    if isinstance(X, pd.DataFrame):
        return pd.DataFrame({name: np.roll(rows[name].array, place) for place, name in enumerate(rows)}).astype(
            X.dtypes
        )
    flipped = np.ascontiguousarray(np.asarray(rows).reshape(n, -1)[:, ::-1]).reshape(np.shape(rows))
    return torch.from_numpy(flipped) if isinstance(X, torch.Tensor) else flipped


def _whole(classifier):
    """Return the recorder inside what an arm trained."""
    while not isinstance(classifier, Recorder):
        inner = ("estimator_", "classifier")
        classifier = next(getattr(classifier, name) for name in inner if hasattr(classifier, name))
    return classifier


@pytest.fixture
def make_task():
    """A function that gives a task: of a kind of rows, an estimator, rows of one's own."""
    return _task


@pytest.fixture
def unlabelled():
    """A function that gives rows without labels, like those given."""
    return _unlabelled


@pytest.fixture
def recorder_in():
    """A function that finds the recorder in what an arm trained."""
    return _whole


@pytest.fixture
def spatial():
    """A recorder that takes images as they are."""
    assert get_tags(Spatial()).input_tags.three_d_array
    return Spatial()
