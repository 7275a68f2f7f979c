"""Classes that learn by themselves are held to one rule and told of as one, however differently they end."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, TableSchema
from synthaug.errors import ConfigError, TrainingWarning
from synthaug.generators import CGAN, Limits
from synthaug.generators.each_class import fit_each_class
from synthaug.training.session import Ending
from synthaug.training.watch import Look

SCHEMA = TableSchema((Column("a", "number"), Column("b", "number")), 3)
ENDINGS = ("finished", "collapsed", "diverged")


class Scripted(BaseEstimator):
    """A learner whose rows, all one number, say which class it is: the script has its ending and looks."""

    def __init__(self, per_class=True, n_jobs=None, early_stopping="auto", endings=ENDINGS, looks=((2, 4, 6),) * 3):
        self.per_class = per_class
        self.n_jobs = n_jobs
        self.early_stopping = early_stopping
        self.endings = endings
        self.looks = looks

    def fit(self, x, y, *, schema, seed, on_step, limits, groups):
        """End as the script says."""
        number = int(x[0, 0])
        kind, steps = self.endings[number], self.looks[number]
        if kind in ("collapsed", "diverged"):
            warnings.warn(f"one class {kind}", TrainingWarning, stacklevel=2)
        self.networks_, self.story_, self.was_cut_, self.watched_ = [self], [], False, "training rows"
        self.ending_ = Ending(kind, steps[-1], steps[-1])
        self.looks_ = [Look(step, (float(step),), (1.0,)) for step in steps]
        self.snapshots_ = [(step, torch.full((2, 2), float(step))) for step in steps]
        self.snapshot_labels_ = torch.zeros(2, dtype=torch.int64)
        return self


def fit_scripted(counts=(3, 3, 3), **script):
    """Return the learner and its parts."""
    learner = Scripted(**script)
    learner.schema_ = SCHEMA
    y = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))
    x = y[:, None].float().expand(-1, 2)
    return learner, fit_each_class(learner, x, y, seed=0, on_step=lambda record: None, limits=Limits())


@pytest.mark.parametrize(
    ("early_stopping", "counts", "expected"),
    [
        ("auto", (120, 20, 100), False),
        ("auto", (20, 120, 100), False),
        ("auto", (100, 100, 100), True),
        (True, (120, 20, 10), True),
        (False, (120, 100, 100), False),
    ],
)
def test_all_classes_hold_rows_out_or_none(early_stopping, counts, expected):
    """It is decided once, by the class of fewest rows, whatever the classes' order."""
    parts = fit_scripted(counts, early_stopping=early_stopping, endings=("finished",) * 3)[1]
    assert [part.early_stopping for part in parts] == [expected] * 3


@pytest.mark.parametrize("first_count", [120, 20])
def test_what_was_watched_is_true_of_each_class(first_count):
    """Beside a class of few rows no class holds rows out, and the learner says so, whichever comes first."""
    y = (torch.arange(140) >= first_count).long()
    learner = CGAN(n_steps=2, batch_size=8, width=4, per_class=True).fit(
        torch.randn(140, 2, generator=torch.Generator().manual_seed(0)),
        y,
        schema=TableSchema(SCHEMA.columns, 2),
        seed=0,
        on_step=lambda record: None,
        limits=Limits(),
    )
    assert learner.watched_ == "training rows"


def test_a_class_too_small_to_hold_rows_out_is_named_before_anything_is_learned():
    """Rows are asked to be held out where a class has fewer than ten."""
    with pytest.raises(ConfigError, match=r"early_stopping=True must have at least 10 rows in every class .*; got 3"):
        fit_scripted((20, 3, 20), early_stopping=True)


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_what_went_wrong_is_told_once_for_all_classes(n_jobs):
    """A warning for each way to fail, with the classes' numbers, also where other processes learned them."""
    with pytest.warns(TrainingWarning) as told:
        fit_scripted(endings=("collapsed", "diverged", "collapsed"), n_jobs=n_jobs)
    words = [str(warning.message) for warning in told]
    assert len(words) == 2
    assert "those of class number 0, 2 have become one" in words[0]
    assert "the training of class number 1 diverged" in words[1]


def test_looks_are_told_of_steps_that_all_classes_share():
    """Classes that ended at different steps are compared after the same ones, and snapshots are of those too."""
    learner = fit_scripted(endings=("finished",) * 3, looks=((2, 3), (2, 4, 6), (2, 4, 6)))[0]
    assert [(look.step, look.distance) for look in learner.looks_] == [(2, (2.0, 2.0, 2.0))]
    assert [step for step, _ in learner.snapshots_] == [2]
    learner = fit_scripted(endings=("finished",) * 3, looks=((2, 4, 6), (4, 6), (2, 3, 4, 6)))[0]
    assert [(look.step, look.distance) for look in learner.looks_] == [(step, (step,) * 3) for step in (4, 6)]
    assert all((samples == step).all() and len(samples) == 6 for step, samples in learner.snapshots_)


def test_each_class_holds_its_groups_out_whole():
    """Groups reach the learner of each class, cut to its rows."""
    x, y = torch.randn(240, 2, generator=torch_stream(0)), torch.arange(2).repeat(120)
    learner = CGAN(n_steps=2, batch_size=4, width=4, per_class=True)
    groups = np.repeat(np.arange(60), 4)
    learner.fit(
        x, y, schema=replace(SCHEMA, n_classes=2), seed=0, on_step=lambda record: None, limits=Limits(), groups=groups
    )
    assert learner.watched_ == "held-out rows"
