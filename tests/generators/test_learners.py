"""Every learner keeps the same promises: parametrised over GENERATORS, so a new one is tested by being there."""

import random

import numpy as np
import pytest
import torch

from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import ConfigError
from synthaug.generators import GENERATORS, Limits

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
    learner = GENERATORS[name](**({"n_steps": 4, "batch_size": 8, "width": 4} | parameters))
    return learner.fit(x, y, schema=schema, seed=seed, on_step=on_step, limits=limits or Limits())


@pytest.mark.parametrize("name", GENERATORS)
def test_draws_have_the_rows_shape(name, rows):
    """A learner draws one finite sample of the right shape for each label."""
    drawn = learn(name, rows).draw(torch.tensor([2, 0, 1, 1]), seed=1)
    assert drawn.shape == (4, *rows[2].shape)
    assert drawn.isfinite().all()


@pytest.mark.parametrize("name", GENERATORS)
def test_the_seed_decides_everything(name, rows):
    """The same seed learns and draws the same; another one does not."""
    labels = torch.tensor([0, 1, 2] * 4)
    first, again, other = (learn(name, rows, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.draw(labels, 5), again.draw(labels, 5))
    assert not torch.equal(first.draw(labels, 5), first.draw(labels, 6))
    assert not torch.equal(first.draw(labels, 5), other.draw(labels, 5))


@pytest.mark.parametrize("name", GENERATORS)
def test_no_global_stream_is_touched(name, rows):
    """Learning and drawing leave the global streams of torch, numpy and Python, and torch's threads, as they were."""
    torch.rand(1)
    before = (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate(), torch.get_num_threads())  # noqa: NPY002
    learn(name, rows).draw(torch.tensor([0, 1]), seed=1)
    after = (torch.get_rng_state(), np.random.get_state()[1], random.getstate(), torch.get_num_threads())  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@pytest.mark.parametrize("name", GENERATORS)
def test_state_draws_the_same(name, rows):
    """A learner made from the state of another draws what that one draws."""
    learner = learn(name, rows)
    tensors, facts = learner.state()
    twin = GENERATORS[name](**learner.get_params()).from_state(tensors, facts, rows[2])
    labels = torch.tensor([0, 1, 2, 2])
    assert torch.equal(learner.draw(labels, 3), twin.draw(labels, 3))


@pytest.mark.parametrize("name", GENERATORS)
def test_no_row_is_kept(name):
    """No tensor of a learner's state grows with the number of rows it learned from."""
    schema = SCHEMAS["table"]
    x, y = torch.randn(600, 5, generator=torch.Generator().manual_seed(0)), torch.arange(600) % 3
    sizes = [
        {key: value.shape for key, value in learn(name, (x[:n], y[:n], schema)).state()[0].items()} for n in (30, 600)
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("name", GENERATORS)
def test_an_interrupted_run_resumes_to_the_same_weights(name, rows, tmp_path):
    """Stopped half way and resumed, a learner draws bit for bit what an undisturbed one draws, and tells all steps."""
    labels = torch.tensor([0, 1, 2] * 3)
    limits = Limits(checkpoint_dir=tmp_path, resume=True)
    told = []
    learn(name, rows, n_steps=6, limits=limits, on_step=lambda record: record.step == 3)
    resumed = learn(name, rows, n_steps=6, limits=limits, on_step=lambda record: told.append(record.step) or False)
    assert torch.equal(resumed.draw(labels, 1), learn(name, rows, n_steps=6).draw(labels, 1))
    assert told == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("name", GENERATORS)
def test_time_limits_are_kept_and_marked(name, rows):
    """A run that a time limit cut says so; one that a number of steps ended does not."""
    assert learn(name, rows, n_steps=10_000, limits=Limits(max_seconds=0.2)).was_cut_
    stopped = learn(name, rows, n_steps=50, limits=Limits(max_steps=2))
    assert not stopped.was_cut_
    assert stopped.story_[-1].step == 2


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"objective": "hing"}, "Did you mean 'hinge'"),
        ({"policy": "cutoff"}, "policy must be one of"),
        ({"n_steps": 0}, "n_steps must be a positive integer"),
        ({"batch_size": 1}, "at least 2"),
        ({"lr": -1.0}, "lr must be a positive number"),
        ({"beta1": 2.0}, "beta1 must be a number from 0 to"),
        ({"regularisers": {"r3": 1.0}}, "regularisers must be one of r1, r2"),
        ({"n_threads": 0}, "n_threads must be"),
    ],
)
def test_impossible_parameters_are_named(name, rows, parameters, message):
    """A parameter that cannot be is named before anything is learned."""
    with pytest.raises(ConfigError, match=message):
        learn(name, rows, **parameters)
