"""On a GPU learners keep the promises that they keep on a CPU, and what was learned there is of use where none is."""

import json
import os
import pickle
import subprocess
import sys

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from synthaug import AugmentedClassifier, SyntheticAugmenter
from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.generators import GENERATORS, Limits

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")

NETWORKED = {name: make for name, make in GENERATORS.items() if "batch_size" in make().get_params()}
SCHEMAS = {
    "images": ImageSchema((3, 9, 12), 3),
    "table": TableSchema((Column("a", "number"), Column("b", "category", 2), Column("b", "category", 3)), 3),
}
LABELS = torch.tensor([0, 1, 2] * 4)


@pytest.fixture(params=SCHEMAS)
def rows(request):
    """Rows of three classes, 20, 8 and 2 of them, with what they are."""
    schema = SCHEMAS[request.param]
    x = torch.randn(30, *schema.shape, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    return x, torch.tensor([0] * 20 + [1] * 8 + [2] * 2), schema


def learn(name, rows, *, seed=0, on_step=lambda record: None, **limits):
    x, y, schema = rows
    learner = NETWORKED[name](n_steps=6, batch_size=8, width=4)
    where = Limits(device=torch.device("cuda"), **limits)
    return learner.fit(x, y, schema=schema, seed=seed, on_step=on_step, limits=where)


@pytest.mark.parametrize("name", NETWORKED)
def test_draws_come_to_main_memory(name, rows):
    """A learner on the GPU draws one finite sample of the right shape for each label, on the CPU."""
    drawn = learn(name, rows).draw(LABELS, seed=1)
    assert drawn.device.type == "cpu"
    assert drawn.shape == (12, *rows[2].shape)
    assert drawn.isfinite().all()


@pytest.mark.parametrize("name", NETWORKED)
def test_the_seed_decides_draws(name, rows):
    """The same learner and seed draw the same; another learner's seed does not."""
    learner, other = learn(name, rows), learn(name, rows, seed=1)
    assert torch.equal(learner.draw(LABELS, 5), learner.draw(LABELS, 5))
    assert not torch.equal(learner.draw(LABELS, 5), other.draw(LABELS, 5))


@pytest.mark.parametrize("name", NETWORKED)
def test_a_learner_goes_on_from_a_checkpoint(name, rows, tmp_path):
    """Stopped half way and resumed, a learner tells all steps and still draws."""
    told = []
    learn(name, rows, checkpoint_dir=tmp_path, resume=True, on_step=lambda record: record.step == 3)
    resumed = learn(
        name, rows, checkpoint_dir=tmp_path, resume=True, on_step=lambda record: told.append(record.step) or False
    )
    assert told == [1, 2, 3, 4, 5, 6]
    assert resumed.draw(LABELS, 1).isfinite().all()


@pytest.mark.parametrize("name", NETWORKED)
def test_a_learner_goes_to_a_machine_without_a_gpu(name, rows):
    """A learner's state rests in main memory, and what is made from it draws what the learner draws."""
    learner = learn(name, rows)
    tensors, facts = learner.state()
    assert all(tensor.device.type == "cpu" for tensor in tensors.values())
    twin = NETWORKED[name](**learner.get_params()).from_state(tensors, facts, rows[2])
    assert torch.equal(learner.draw(LABELS, 3), twin.draw(LABELS, 3))


def test_an_augmenter_finds_the_gpu_and_learns_as_well_there(images):
    """``auto`` is the GPU; rows learned there can be told apart by class as well as real ones."""
    X, y = images
    augmenter = SyntheticAugmenter(device="auto", random_state=0, max_steps=200).fit(X, y)
    drawn, labels = augmenter.sample(20)
    judge = LogisticRegression(max_iter=1000).fit(X.reshape(len(X), -1) / 255.0, y)
    assert judge.score(drawn.reshape(len(drawn), -1) / 255.0, labels) > 0.9


def test_a_pickled_augmenter_needs_no_gpu(images):
    """An augmenter that learned on the GPU is loaded where there is none, and draws the same rows."""
    augmenter = SyntheticAugmenter(device="cuda", random_state=0, selection="none", max_steps=20).fit(*images)
    script = "import pickle, sys; print(pickle.load(sys.stdin.buffer).sample(5, random_state=1)[0].tolist())"
    there = subprocess.run(
        [sys.executable, "-c", script],
        input=pickle.dumps(augmenter),
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        check=True,
    )
    assert json.loads(there.stdout) == augmenter.sample(5, random_state=1)[0].tolist()


def test_the_gate_learns_on_the_gpu(images):
    """The gate decides over learners on the GPU."""
    X, y = images
    augmenter = SyntheticAugmenter(device="cuda", random_state=0, max_steps=20)
    classifier = AugmentedClassifier(LogisticRegression(max_iter=300), augmenter, gate=True, random_state=0).fit(X, y)
    assert classifier.decision_["chosen"].sum() == 1
    assert classifier.predict(X).shape == y.shape
