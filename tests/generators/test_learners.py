"""Every learner keeps the same promises: parametrised over GENERATORS, so a new one is tested by being there."""

import inspect
import random

import numpy as np
import pytest
import torch

from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.generators import GENERATORS, Limits

NETWORKED = {name: make for name, make in GENERATORS.items() if "batch_size" in make().get_params()}
SCHEMAS = {
    "images": ImageSchema((3, 9, 12), 3),
    "table": TableSchema(tuple(Column(str(k), "number") for k in range(5)), 3),
}


@pytest.fixture(params=SCHEMAS)
def rows(request):
    """Rows of three classes, 20, 8 and 2 of them, with what they are."""
    schema = SCHEMAS[request.param]
    y = torch.tensor([0] * 20 + [1] * 8 + [2] * 2)
    x = torch.randn(30, *schema.shape, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    return x, y, schema


def learn(name, rows, *, seed=0, limits=None, on_step=lambda record: None, **parameters):
    x, y, schema = rows
    learner = NETWORKED[name](**({"n_steps": 4, "batch_size": 8, "width": 4} | parameters))
    return learner.fit(x, y, schema=schema, seed=seed, on_step=on_step, limits=limits or Limits())


@pytest.mark.parametrize("name", NETWORKED)
def test_draws_have_the_rows_shape(name, rows):
    """A learner draws one finite sample of the right shape for each label."""
    drawn = learn(name, rows).draw(torch.tensor([2, 0, 1, 1]), seed=1)
    assert drawn.shape == (4, *rows[2].shape)
    assert drawn.isfinite().all()


@pytest.mark.parametrize("name", NETWORKED)
def test_the_seed_decides_everything(name, rows):
    """The same seed learns and draws the same; another one does not."""
    labels = torch.tensor([0, 1, 2] * 4)
    first, again, other = (learn(name, rows, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.draw(labels, 5), again.draw(labels, 5))
    assert not torch.equal(first.draw(labels, 5), first.draw(labels, 6))
    assert not torch.equal(first.draw(labels, 5), other.draw(labels, 5))


@pytest.mark.parametrize("name", NETWORKED)
def test_no_global_stream_is_touched(name, rows):
    """Learning and drawing leave the global streams of torch, numpy and Python, and torch's threads, as they were."""
    torch.rand(1)
    before = (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate(), torch.get_num_threads())  # noqa: NPY002
    learn(name, rows).draw(torch.tensor([0, 1]), seed=1)
    after = (torch.get_rng_state(), np.random.get_state()[1], random.getstate(), torch.get_num_threads())  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@pytest.mark.parametrize("name", NETWORKED)
def test_state_draws_the_same(name, rows):
    """A learner made from the state of another draws what that one draws."""
    learner = learn(name, rows)
    tensors, facts = learner.state()
    twin = NETWORKED[name](**learner.get_params()).from_state(tensors, facts, rows[2])
    labels = torch.tensor([0, 1, 2, 2])
    assert torch.equal(learner.draw(labels, 3), twin.draw(labels, 3))


@pytest.mark.parametrize("name", NETWORKED)
def test_no_row_is_kept(name):
    """No tensor of a learner's state grows with the number of rows it learned from."""
    schema = SCHEMAS["table"]
    x, y = torch.randn(600, 5, generator=torch.Generator().manual_seed(0)), torch.arange(600) % 3
    sizes = [
        {key: value.shape for key, value in learn(name, (x[:n], y[:n], schema)).state()[0].items()} for n in (30, 600)
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("name", NETWORKED)
def test_an_interrupted_run_resumes_to_the_same_weights(name, rows, tmp_path):
    """Stopped half way and resumed, a learner draws bit for bit what an undisturbed one draws, and tells all steps."""
    labels = torch.tensor([0, 1, 2] * 3)
    limits = Limits(checkpoint_dir=tmp_path, resume=True)
    told = []
    learn(name, rows, n_steps=6, limits=limits, on_step=lambda record: record.step == 3)
    resumed = learn(name, rows, n_steps=6, limits=limits, on_step=lambda record: told.append(record.step) or False)
    assert torch.equal(resumed.draw(labels, 1), learn(name, rows, n_steps=6).draw(labels, 1))
    assert told == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("name", NETWORKED)
def test_time_limits_are_kept_and_marked(name, rows):
    """A run that a time limit cut says so; one that a number of steps ended does not."""
    assert learn(name, rows, n_steps=10_000, limits=Limits(max_seconds=0.2)).was_cut_
    stopped = learn(name, rows, n_steps=50, limits=Limits(max_steps=2))
    assert not stopped.was_cut_
    assert stopped.story_[-1].step == 2


ABLE = [name for name, make in NETWORKED.items() if "x_unlabeled" in inspect.signature(make.fit).parameters]


def learn_more(name, rows, more):
    x, y, schema = rows
    learner = NETWORKED[name](n_steps=4, batch_size=8, width=4)
    return learner.fit(x, y, schema=schema, seed=0, on_step=lambda record: None, limits=Limits(), x_unlabeled=more)


@pytest.fixture
def more(rows):
    """Rows without labels, fewer than a batch takes."""
    return torch.randn(5, *rows[2].shape, generator=torch.Generator().manual_seed(1)).clamp(-1, 1)


@pytest.mark.parametrize("name", ABLE)
def test_rows_without_labels_change_what_is_learned(name, rows, more):
    """A learner that takes rows without labels draws something else for them, and each row of them counts."""
    labels = torch.tensor([0, 1, 2, 2])
    fewer, all_of_them = learn_more(name, rows, more[:4]), learn_more(name, rows, more)
    assert not torch.equal(learn(name, rows).draw(labels, 3), all_of_them.draw(labels, 3))
    assert not torch.equal(fewer.draw(labels, 3), all_of_them.draw(labels, 3))
    assert torch.equal(learn_more(name, rows, more).draw(labels, 3), all_of_them.draw(labels, 3))


@pytest.mark.parametrize("name", ABLE)
def test_the_state_draws_the_same_where_rows_had_no_labels(name, rows, more):
    """What is saved of a learner that saw rows without labels draws what it draws."""
    learner = learn_more(name, rows, more)
    tensors, facts = learner.state()
    twin = NETWORKED[name](**learner.get_params()).from_state(tensors, facts, rows[2])
    labels = torch.tensor([0, 1, 2, 2])
    assert torch.equal(learner.draw(labels, 3), twin.draw(labels, 3))


@pytest.mark.parametrize("name", ABLE)
def test_a_checkpoint_belongs_to_its_rows_without_labels(name, rows, more, tmp_path):
    """A learner resumes from a checkpoint of the same rows without labels, and never from one of others."""
    x, y, schema = rows
    limits, labels = Limits(checkpoint_dir=tmp_path, resume=True), torch.tensor([0, 1, 2] * 3)

    def learned(x_unlabeled, on_step=lambda record: None, limits=limits):
        learner = NETWORKED[name](n_steps=6, batch_size=8, width=4)
        return learner.fit(x, y, schema=schema, seed=0, on_step=on_step, limits=limits, x_unlabeled=x_unlabeled).draw(
            labels, 1
        )

    learned(more, lambda record: record.step == 3)
    learned(more[:4])
    assert len(list(tmp_path.iterdir())) == 2
    assert torch.equal(learned(more), learned(more, limits=Limits()))


@pytest.mark.parametrize("name", [name for name, make in NETWORKED.items() if hasattr(make, "walk")])
def test_walks_go_from_one_draw_to_another(name, rows):
    """A walk has as many frames as are asked for, begins with a draw, ends elsewhere, and has no jump on its way."""
    learner, labels = learn(name, rows), torch.tensor([0, 2])
    walk = learner.walk(labels, 50, seed=3)
    assert walk.shape == (2, 50, *rows[2].shape)
    assert torch.equal(walk, learner.walk(labels, 50, seed=3))
    assert (walk[:, 0] - learner.draw(labels, 3)).abs().max() < 1e-5
    steps = (walk[:, 1:] - walk[:, :-1]).flatten(2).norm(dim=2)
    whole = (walk[:, -1] - walk[:, 0]).flatten(1).norm(dim=1)
    assert (whole > 0).all()
    assert (steps.max(1).values < 0.5 * whole).all()
