"""What happens while an augmenter learns: choosing a learner, training it, selecting and measuring."""

from importlib import import_module

import numpy as np
import pytest
import torch

from synthaug import CGAN, SyntheticAugmenter
from synthaug.augment.learning import (
    TrainingSet,
    check_caps,
    check_generator,
    check_resume,
    learnable,
    measure_quality,
    new_learner,
    select,
    train,
)
from synthaug.augment.reading import Reading
from synthaug.data.container import unwrap
from synthaug.data.labels import NoLabels, fit_label_codec
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.data.schema import Column, TableSchema
from synthaug.errors import ConfigError, ShapeError
from synthaug.generators import GENERATORS, Limits, find_generator
from synthaug.generators.run import plan_run
from synthaug.quality.selection import SELECTIONS, Everything
from synthaug.training.loop import StepRecord

SCHEMA = TableSchema((Column("a", "number"), Column("b", "number")), 2)


class Copier:
    """A learner that tells of three steps and draws the mean of each class, moved by noise of deviation 1."""

    was_cut_ = False

    def fit(self, x, y, *, schema, seed, on_step, limits, **further):
        self.means_, self.further_ = torch.stack([x[y == place].mean(0) for place in y.unique()]), further
        for step in (1, 2, 3):
            if on_step(StepRecord(step, 3, 8 * step, 0.1 * step, {"loss": 1.0 / step})):
                break
        return self

    def draw(self, labels, seed):
        noise = torch.randn(len(labels), 2, generator=torch.Generator().manual_seed(seed))
        return self.means_[labels] + noise


def training_set(labels=("x", "y"), n=400, **more):
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    y = torch.arange(n) % len(labels)
    return TrainingSet(x, y, np.array(labels, dtype=object), SCHEMA, 0, **more)


def run(callbacks=None, **more):
    return train(Copier(), training_set(**more), limits=Limits(), callbacks=callbacks, verbose=False)


def reading(y):
    rows = np.arange(2.0 * len(y)).reshape(-1, 2)
    labels = fit_label_codec(np.array(y))
    return Reading(rows, labels.encode(np.array(y)), fit_row_codec(rows, unwrap(rows)[1], RowsOptions()), labels)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_name_becomes_its_learner(name):
    """A name gives that learner, whatever the rows are."""
    assert type(new_learner(name, for_images=False)) is find_generator(name)


@pytest.mark.parametrize(
    ("for_images", "has_unlabelled", "name"),
    [(True, False, "latent_gan"), (True, True, "latent_gan"), (False, False, "copula"), (False, True, "latent_gan")],
)
def test_auto_depends_on_the_rows(for_images, has_unlabelled, name):
    """Images and tables each have a learner of their own; rows without labels go to one that learns from them."""
    learner = new_learner("auto", for_images=for_images, has_unlabelled=has_unlabelled)
    assert type(learner) is find_generator(name)


def test_a_learner_is_cloned():
    """The user's learner stays as it is: another of the same parameters is trained."""
    mine = CGAN(n_steps=7)
    learner = new_learner(mine, for_images=True)
    assert learner is not mine
    assert learner.get_params() == mine.get_params()


@pytest.mark.parametrize("generator", [CGAN, 3, None])
def test_what_is_no_learner_is_refused(generator):
    """A class, or anything that cannot draw, is no learner."""
    with pytest.raises(ConfigError, match="generator must be 'auto', a name, or a learner such as"):
        check_generator(generator)


@pytest.mark.parametrize(("caps", "name"), [((0, None), "max_seconds"), ((None, 1.5), "max_steps")])
def test_caps_must_be_positive(caps, name):
    """A cap is None or positive; steps are whole."""
    with pytest.raises(ConfigError, match=f"{name} must be a positive"):
        check_caps(*caps)


def test_resuming_needs_a_folder():
    """Without a folder there is nothing to go on from."""
    check_resume(True, "folder")
    with pytest.raises(ConfigError, match="resume must come with checkpoint_dir"):
        check_resume(True, None)


def test_only_learnable_classes_are_learned_from():
    """Rows of other classes are left out, groups with them, and the classes that stay are numbered anew."""
    rows = learnable(reading([*list("abcabc"), "d"]), np.array([0, 2]), seed=5, groups=np.arange(7))
    assert rows.labels.tolist() == ["a", "c"]
    assert rows.y.tolist() == [0, 1, 0, 1]
    assert rows.groups.tolist() == [0, 2, 3, 5]
    assert (len(rows.x), rows.schema.n_classes, rows.seed) == (4, 2, 5)


def test_groups_are_one_a_row():
    """A group is named for each row, learned from or not."""
    with pytest.raises(ShapeError, match="groups must hold one entry for each row"):
        learnable(reading(["a", "b"] * 3), np.array([0, 1]), seed=0, groups=[1, 2])


def test_every_callback_is_told_of_every_step():
    """One that stops learning does not keep the others from being told; the history holds what was logged."""
    told = []
    finished = run([lambda record: record.step == 2, lambda record: told.append(record.step)])
    assert told == [1, 2]
    assert finished.history.columns.tolist() == ["step", "images_seen", "seconds", "loss"]
    assert finished.history["step"].tolist() == told
    assert finished.seconds > 0


def test_rows_without_labels_go_only_to_who_asked_for_them():
    """A learner's ``fit`` is given ``x_unlabeled`` where there are such rows, and not otherwise."""
    more = torch.zeros(3, 2)
    assert run().learner.further_ == {}
    assert run(x_unlabeled=more).learner.further_["x_unlabeled"] is more


def test_groups_go_only_to_who_takes_them():
    """A learner whose ``fit`` names ``groups`` is given them, and no other."""

    class Holder(Copier):
        def fit(self, x, y, *, groups=None, **more):
            self.groups_ = groups
            return super().fit(x, y, **more)

    groups = np.arange(400) // 4
    assert "groups" not in run(groups=groups).learner.further_
    rows = training_set(groups=groups)
    holder = train(Holder(), rows, limits=Limits(), callbacks=None, verbose=False).learner
    np.testing.assert_array_equal(holder.groups_, groups)


HOLDERS = [name for name, make in GENERATORS.items() if "early_stopping" in make().get_params()]


@pytest.mark.parametrize("name", HOLDERS)
def test_no_row_of_a_held_out_group_is_learned_from(name, monkeypatch):
    """With groups, whoever holds rows out to know when to stop holds out whole groups."""
    runs, module = [], import_module(GENERATORS[name].__module__)

    def noted(*rows, **settings):
        runs.append(plan_run(*rows, **settings))
        return runs[-1]

    monkeypatch.setattr(module, "plan_run", noted)
    groups = np.repeat(np.arange(20), 6)
    X = np.c_[groups, np.random.default_rng(0).normal(size=120)]  # a row tells its group
    learner = GENERATORS[name](n_steps=2, batch_size=8, width=4, early_stopping=True)
    augmenter = SyntheticAugmenter(learner, selection="none", random_state=0)
    codec = augmenter.fit(X, np.tile([0, 1], 60), groups=groups).codec_
    held, learned = (set(codec.decode(rows)[:, 0].tolist()) for rows in (runs[0].watched[0], runs[0].rows.x))
    assert held
    assert runs[0].is_held_out
    assert not held & learned
    assert len(held | learned) == 20


def test_selection_by_itself_needs_labels():
    """``auto`` takes the rows that classifiers agree with, and every row where there are no classes to tell apart."""
    many, unlabelled = training_set(n=2001), training_set(labels=NoLabels().classes)
    assert select("auto", many, run(n=2001).learner).state()[1]["selection"] == "agreement"
    assert isinstance(select("auto", unlabelled, Copier()), Everything)


def test_selection_by_itself_drops_copies_of_few_rows():
    """Of a small table ``auto`` also drops what looks like a copy of a training row."""
    selector = select("auto", training_set(), run().learner)
    assert selector.state()[1]["selection"] == "agreement+novelty"


def test_quality_of_a_faithful_learner():
    """Rows of the real distribution are all taken by a selector that takes all, and differ as the real ones do."""
    rows = training_set()
    frame = measure_quality(run().learner, Everything(), rows).set_index(["class", "metric"])["value"]
    for label in rows.labels:
        assert frame[label, "acceptance"] == 1.0
        assert frame[label, "diversity"] == pytest.approx(1.0, abs=0.3)


class Swapped(Copier):
    """Draws rows of the other of two classes."""

    def draw(self, labels, seed):
        return super().draw(1 - labels, seed)


def share_of(metric, learner, selection):
    """Return a metric of each class of a learner of two classes far apart; none where it is not measured."""
    rows = training_set()
    rows.x[rows.y == 1] += 20
    fitted = learner.fit(rows.x, rows.y, schema=SCHEMA, seed=0, on_step=lambda record: None, limits=Limits())
    frame = measure_quality(fitted, select(selection, rows, fitted), rows)
    return frame["value"][frame["metric"] == metric].tolist()


@pytest.mark.parametrize("selection", SELECTIONS)
def test_rows_of_another_class_are_counted_by_who_tells_classes_apart(selection):
    """Rows of the other class are all seen by agreement and what is built on it; others measure no such share."""
    known = selection in ("agreement", "hard")
    assert share_of("another_class", Copier(), selection) == ([0.0, 0.0] if known else [])
    assert share_of("another_class", Swapped(), selection) == ([1.0, 1.0] if known else [])


def test_without_classes_no_row_is_of_another():
    """Rows without labels are of the one class there is."""
    rows = training_set(labels=NoLabels().classes)
    frame = measure_quality(run(labels=NoLabels().classes).learner, select("agreement", rows, Copier()), rows)
    assert frame["metric"].tolist() == ["acceptance", "diversity"]
