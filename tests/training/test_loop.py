"""The training loop draws classes evenly, tells every step, stops when told to, and learns what is known."""

from itertools import pairwise

import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, TableSchema
from synthaug.errors import DivergedError
from synthaug.generators import GENERATORS, Limits
from synthaug.training.loop import Rows

PAIR = TableSchema((Column("a", "number"), Column("b", "number")), 3)
COUNTS = (120, 60, 30)


def gaussians():
    """Return rows (210, 2) of three classes of unequal size, four units apart with a deviation of half a unit."""
    means = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    y = torch.repeat_interleave(torch.arange(3), torch.tensor(COUNTS))
    return means[y] + 0.5 * torch.randn(len(y), 2, generator=torch_stream(0)), y


def learn(name, x, y, *, on_step=lambda record: None, **parameters):
    """Return a learner fitted on standardised rows."""
    learner, wanted = GENERATORS[name](), {"n_steps": 300, "width": 32, **parameters}
    learner.set_params(**{key: value for key, value in wanted.items() if key in learner.get_params()})
    return learner.fit(x, y, schema=PAIR, seed=1, on_step=on_step, limits=Limits())


def test_batches_hold_every_class_evenly_and_every_row():
    """However rare, a class is drawn as often as the others, and its rows all alike."""
    y = torch.tensor([0] * 97 + [1] + [2] * 2)[torch.randperm(100, generator=torch_stream(1))]
    x = torch.arange(100.0)
    rows = Rows.by_class(x, y, 3, torch.device("cpu"))
    samples, labels = rows.batch(60_000, torch_stream(2))
    assert torch.equal(y[samples.long()], labels)
    assert abs(torch.bincount(labels) / 20_000 - 1).max() < 0.03
    times = torch.bincount(samples.long(), minlength=100)
    wanted = 20_000 / torch.bincount(y)[y]
    assert (abs(times - wanted) < 5 * wanted**0.5 + 1).all()


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0.05, [0.35, 0.05, 0.6]),  # 7 rows may have 0.35, a single one 0.05; 60 rows take the rest
        (0.01, [0.07, 0.01, 0.6]),  # too little for all: in proportion to the rows
        (0.5, [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_a_row_is_no_more_of_a_batch_than_it_may_be(most, expected):
    """Classes of few rows leave their places to the others; every row can come."""
    y = torch.tensor([0] * 7 + [1] + [2] * 60)
    rows = Rows.by_class(torch.arange(68.0), y, 3, torch.device("cpu"), max_share_a_row=most)
    samples, labels = rows.batch(40_000, torch_stream(2))
    assert torch.equal(y[samples.long()], labels)
    wanted = torch.tensor(expected) / sum(expected)
    torch.testing.assert_close(torch.bincount(labels) / 40_000, wanted, atol=0.01, rtol=0)
    assert len(samples.unique()) == 68


def test_where_no_row_comes_too_often_batches_are_the_same():
    """What was learned before there was a limit is learned again."""
    x, y = torch.arange(12.0), torch.arange(12) % 3
    even, limited = (
        Rows.by_class(x, y, 3, torch.device("cpu"), max_share_a_row=most).batch(50, torch_stream(0))
        for most in (1.0, 0.1)
    )
    assert torch.equal(even[0], limited[0])
    assert torch.equal(even[1], limited[1])


def test_a_batch_is_the_streams():
    """The same stream gives the same batch."""
    rows = Rows.by_class(*gaussians(), 3, torch.device("cpu"))
    first, second, other = (rows.batch(9, torch_stream(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0], second[0])
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("name", GENERATORS)
def test_learners_find_the_classes_of_a_known_problem(name):
    """Three Gaussians of unequal size: the drawn rows of each class lie about its mean, and are no single point."""
    x, y = gaussians()
    mean, deviation = x.mean(0), x.std(0)
    learner = learn(name, (x - mean) / deviation, y, n_steps=400)
    for number in range(3):
        drawn = learner.draw(torch.full((256,), number), 5) * deviation + mean
        assert (drawn.mean(0) - x[y == number].mean(0)).norm() < 1.0
        assert drawn.std(0).min() > 0.05
        assert drawn.std(0).max() < 1.5


def test_the_story_counts_steps_rows_and_seconds():
    """Records come in order, a hundredth of the run apart, with a finite mean of every loss term."""
    records = []
    learner = learn("cgan", *gaussians(), on_step=records.append, batch_size=16, regularisers={"r1": 0.1})
    assert [record.step for record in records] == list(range(3, 301, 3))
    assert all(record.n_steps == 300 and record.images_seen == 16 * record.step for record in records)
    assert all(a.seconds < b.seconds for a, b in pairwise(records))
    names = {"critic_real", "critic_fake", "critic_accuracy", "r1", "generator"}
    assert all(set(record.terms) == names for record in records)
    assert all(abs(value) < 1e3 for record in records for value in record.terms.values())
    assert learner.story_ == records


def test_on_step_stops_the_run():
    """A callback that answers True is obeyed at once, and what was learned so far is kept."""
    steps = []

    def enough(record):
        steps.append(record.step)
        return record.step >= 7

    learner = learn("cgan", *gaussians(), n_steps=50, on_step=enough)
    assert steps == list(range(1, 8))
    assert not learner.was_cut_
    assert learner.draw(torch.tensor([0, 1]), 0).isfinite().all()


@pytest.mark.parametrize(
    ("parameters", "term"),
    [({"lr": 1e30}, "critic_fake|generator"), ({"critic_lr": 1e30, "objective": "least_squares"}, "critic|generator")],
)
def test_a_run_that_diverges_names_step_and_term(parameters, term):
    """Absurd learning rates end in an error that says where and what to lower, not in weights of NaN."""
    with pytest.raises(
        DivergedError, match=rf"got (nan|inf|-inf) for '({term})\w*' at step \d+. Lower lr and critic_lr"
    ):
        learn("cgan", *gaussians(), n_steps=50, width=8, **parameters)
