"""What every learner does alike, whoever calls it and however: in any threads, process, objective or policy."""

import pickle

import pytest
import torch
from sklearn.base import clone

from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import ConfigError
from synthaug.generators import GENERATORS, Learner, Limits
from synthaug.training.diffaug import POLICIES
from synthaug.training.objectives import OBJECTIVES
from synthaug.training.regularisers import REGULARISERS

NETWORKED = {name: make for name, make in GENERATORS.items() if "batch_size" in make().get_params()}
TABLE = TableSchema((Column("a", "number"), Column("b", "integer")), 3)
LABELS = torch.tensor([0, 1, 2, 2, 1, 0, 0])
LEARNERS = pytest.mark.parametrize("make", NETWORKED.values(), ids=NETWORKED)
PLAYING = {name: make for name, make in GENERATORS.items() if "objective" in make().get_params()}
PLAYERS = pytest.mark.parametrize("make", PLAYING.values(), ids=PLAYING)


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
def test_a_label_decides_what_is_drawn(make, schema, learn):
    """The same seed under other labels gives other rows."""
    learner = learn(make, schema)
    assert isinstance(learner, Learner)
    drawn = [learner.draw(torch.full((4,), number), 0) for number in range(3)]
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[1], drawn[2])


@pytest.mark.slow
@LEARNERS
@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("large", [ImageSchema((1, 20, 20), 3), TABLE], ids=["images", "table"])
def test_the_callers_threads_decide_nothing(make, large, learn):
    """Weights and draws are the same whether the caller gives torch one, two or three threads, which it keeps."""
    results = []
    for n_threads in (1, 2, 3):
        torch.set_num_threads(n_threads)
        learner = learn(make, large, n_steps=1)
        results.append((learner, learner.draw(LABELS, 0)))
        assert torch.get_num_threads() == n_threads
    for learner, drawn in results[1:]:
        assert same(learner, results[0][0])
        assert torch.equal(drawn, results[0][1])


@LEARNERS
def test_learners_survive_a_pickle(make, schema, learn):
    """Fitted learners are sent between processes by joblib."""
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
    x, y = torch.zeros(6, *schema.shape) + 0.5, torch.tensor([2, 1, 0, 0, 1, 2])
    make(n_steps=2, batch_size=4, width=4).fit(
        x, y, schema=schema, seed=0, on_step=lambda record: None, limits=Limits()
    )
    assert (x == 0.5).all()
    assert y.tolist() == [2, 1, 0, 0, 1, 2]


@PLAYERS
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_can_be_learned_with(make, objective, learn):
    """Each objective, with every regulariser, gives finite terms under their names."""
    records = []
    learn(make, TABLE, objective=objective, regularisers=dict.fromkeys(REGULARISERS, 0.1), on_step=records.append)
    assert len(records) == 3
    assert set(REGULARISERS) <= set(records[-1].terms)
    assert all(abs(value) < float("inf") for record in records for value in record.terms.values())


@PLAYERS
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


@pytest.mark.parametrize(
    ("make", "parameters", "message"),
    [
        pytest.param(make, parameters, message, id=f"{name}-{parameters}")
        for name, make in NETWORKED.items()
        for parameters, message in BAD
        if set(parameters) <= set(make().get_params())
    ],
)
def test_impossible_parameters_are_named(make, parameters, message, learn):
    """Each impossible value is refused before anything is learned: name, rule, value, and the nearest word."""
    with pytest.raises(ConfigError, match=message):
        learn(make, TABLE, **parameters)
