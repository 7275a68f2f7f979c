"""Every learner keeps the protocol's promises: a new one is tested by being in ``GENERATORS``."""

import json
import pickle
import random

import numpy as np
import pytest
import torch
from sklearn.base import clone

from synthaug.errors import ConfigError
from synthaug.generators import GENERATORS, Learner
from synthaug.training.diffaug import POLICIES
from synthaug.training.objectives import OBJECTIVES, REGULARISERS

LABELS = torch.tensor([0, 1, 2, 2, 1, 0, 0])
LEARNERS = pytest.mark.parametrize("make", GENERATORS.values(), ids=GENERATORS)


@pytest.fixture
def threads():
    """Give torch's number of threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def same(first, second):
    """Return whether two learners hold the same numbers."""
    ours, theirs = first.state()[0], second.state()[0]
    return set(ours) == set(theirs) and all(torch.equal(ours[name], theirs[name]) for name in ours)


@LEARNERS
def test_draws_are_rows_of_the_schema(make, schema, learn):
    """A sample for each label, float32, on the CPU, finite; fit returns the learner itself, which says it is whole."""
    learner = learn(make, schema)
    drawn = learner.draw(LABELS, 0)
    assert isinstance(learner, Learner)
    assert learner.was_cut_ is False
    assert drawn.shape == (7, *schema.shape)
    assert (drawn.dtype, drawn.device.type) == (torch.float32, "cpu")
    assert drawn.isfinite().all()
    assert not drawn.requires_grad


@LEARNERS
def test_a_seed_decides_everything(make, schema, learn):
    """The same seed learns the same weights and draws the same rows; another one others."""
    first, again, other = learn(make, schema), learn(make, schema), learn(make, schema, seed=2)
    assert same(first, again)
    assert not same(first, other)
    assert torch.equal(first.draw(LABELS, 5), again.draw(LABELS, 5))
    assert torch.equal(first.draw(LABELS, 5), first.draw(LABELS, 5))
    assert not torch.equal(first.draw(LABELS, 5), first.draw(LABELS, 6))


@LEARNERS
def test_a_label_decides_what_is_drawn(make, schema, learn):
    """The same seed under other labels gives other rows."""
    learner = learn(make, schema)
    drawn = [learner.draw(torch.full((4,), number), 0) for number in range(3)]
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[1], drawn[2])


@LEARNERS
@pytest.mark.usefixtures("threads")
def test_the_callers_threads_decide_nothing(make, schema, learn):
    """Weights and draws are the same whether the caller gives torch one, two or three threads, which it keeps."""
    results = []
    for n_threads in (1, 2, 3):
        torch.set_num_threads(n_threads)
        learner = learn(make, schema)
        results.append((learner, learner.draw(LABELS, 0)))
        assert torch.get_num_threads() == n_threads
    for learner, drawn in results[1:]:
        assert same(learner, results[0][0])
        assert torch.equal(drawn, results[0][1])


@LEARNERS
def test_no_global_stream_is_touched(make, schema, learn):
    """Fitting and drawing neither read nor move the streams of torch, NumPy and Python."""
    results = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  the global stream is what is tested
        torch.manual_seed(seed)
        before = random.getstate(), np.random.get_state()[1].tolist(), torch.random.get_rng_state()  # noqa: NPY002
        results.append(learn(make, schema).draw(LABELS, 0))
        assert before[:2] == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002
        assert torch.equal(before[2], torch.random.get_rng_state())
    assert torch.equal(*results)


@LEARNERS
def test_the_state_is_all_that_drawing_needs(make, schema, learn):
    """From tensors, and facts that went through JSON, another learner of the same parameters draws the same."""
    learner = learn(make, schema)
    tensors, facts = learner.state()
    other = clone(learner).from_state(
        {name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(facts)), schema
    )
    assert torch.equal(other.draw(LABELS, 3), learner.draw(LABELS, 3))
    assert same(other, learner)
    assert other.was_cut_ == learner.was_cut_


@LEARNERS
def test_learners_survive_a_pickle(make, schema, learn):
    """joblib sends fitted learners between processes."""
    learner = learn(make, schema)
    assert torch.equal(pickle.loads(pickle.dumps(learner)).draw(LABELS, 3), learner.draw(LABELS, 3))


@LEARNERS
def test_learners_are_scikit_learns(make, schema, learn):
    """Parameters are set, read and cloned unfitted; fitting changes none of them, nor the rows."""
    learner = make(n_steps=4)
    assert clone(learner).get_params() == learner.get_params()
    before = learner.set_params(lr=0.01, n_steps=2, batch_size=4, width=4).get_params()
    assert before["lr"] == 0.01
    fitted = learn(lambda **parameters: learner, schema)
    assert fitted is learner
    assert learner.get_params() == before
    assert not [name for name in vars(clone(learner)) if name.endswith("_")]


@LEARNERS
def test_the_rows_given_are_not_changed(make, schema):
    """Learning leaves the caller's tensors as they were."""
    from synthaug.generators import Limits

    x, y = torch.zeros(6, *schema.shape) + 0.5, torch.tensor([2, 1, 0, 0, 1, 2])
    make(n_steps=2, batch_size=4, width=4).fit(
        x, y, schema=schema, seed=0, on_step=lambda record: None, limits=Limits()
    )
    assert (x == 0.5).all()
    assert y.tolist() == [2, 1, 0, 0, 1, 2]


@LEARNERS
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_can_be_learned_with(make, objective, schema, learn):
    """Each objective, with every regulariser, gives finite terms under their names."""
    records = []
    learn(make, schema, objective=objective, regularisers=dict.fromkeys(REGULARISERS, 0.1), on_step=records.append)
    assert len(records) == 3
    assert set(REGULARISERS) <= set(records[-1].terms)
    assert all(abs(value) < float("inf") for record in records for value in record.terms.values())


@LEARNERS
@pytest.mark.parametrize("policy", ["auto", *POLICIES])
def test_every_policy_can_be_learned_with(make, policy, schema, learn):
    """Each policy works for images; a table takes those that shift nothing and names the others."""
    if len(schema.shape) == 3 or policy in ("auto", "none"):
        assert learn(make, schema, policy=policy).draw(LABELS, 0).isfinite().all()
        return
    with pytest.raises(
        ConfigError, match=r"policy must be 'auto' or 'none' for a table; got '.*', which shifts images"
    ):
        learn(make, schema, policy=policy)


BAD = [
    ({"objective": "hing"}, r"objective must be one of .*; got 'hing'. Did you mean 'hinge'\?"),
    ({"objective": None}, "objective must be one of .*; got None"),
    ({"policy": "translaton"}, r"policy must be one of auto, none, .*; got 'translaton'. Did you mean 'translation'\?"),
    ({"n_steps": 0}, "n_steps must be a positive integer; got 0"),
    ({"n_steps": 2.5}, "n_steps must be a positive integer; got 2.5"),
    ({"batch_size": -8}, "batch_size must be a positive integer; got -8"),
    ({"batch_size": 1}, "batch_size must be at least 2, for batch normalisation; got 1"),
    ({"width": "32"}, "width must be a positive integer; got '32'"),
    ({"lr": 0.0}, "lr must be a positive number; got 0.0"),
    ({"lr": float("nan")}, "lr must be a positive number; got nan"),
    ({"critic_lr": float("inf")}, "critic_lr must be a positive number; got inf"),
    ({"beta1": 1.0}, "beta1 must be a number from 0 to 0.999999; got 1.0"),
    ({"beta2": -0.1}, "beta2 must be a number from 0 to 0.999999; got -0.1"),
    ({"halflife_fraction": 0}, "halflife_fraction must be a positive number; got 0"),
    ({"regularisers": {"r3": 1.0}}, "regularisers must be one of .*; got 'r3'"),
    ({"regularisers": {"r1": 0}}, r"regularisers\['r1'\] must be a positive number; got 0"),
    ({"regularisers": "r1"}, r"regularisers must be weights by name, like \{'r1': 0.1\}; got 'r1'"),
    ({"n_threads": 0}, "n_threads must be a positive integer; got 0"),
    ({"n_threads": "many"}, "n_threads must be a positive integer; got 'many'"),
]


@LEARNERS
@pytest.mark.parametrize(("parameters", "message"), BAD, ids=[str(parameters) for parameters, _ in BAD])
def test_impossible_parameters_are_named(make, parameters, message, learn, schema):
    """Each impossible value is refused before anything is learned: name, rule, value, and the nearest word."""
    with pytest.raises(ConfigError, match=message):
        learn(make, schema, **parameters)
