"""The copula: what it learns of made tables with known structure, and the promises that every learner keeps."""

import pickle

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from sklearn.base import clone

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import ConfigError
from synthaug.generators import Limits
from synthaug.generators.copula import Copula
from synthaug.generators.protocol import Learner, Walker
from synthaug.models.heads import RowHead

NUMBERS = TableSchema((Column("a", "number"), Column("b", "number")), 2)
MIXED = TableSchema(
    (Column("dose", "number"), Column("dose", "category", 2), Column("ward", "category", 3), Column("age", "integer")),
    2,
)


def fit(x, y, schema=NUMBERS, *, seed=0, on_step=lambda record: None, limits=Limits(), **parameters):  # noqa: B008
    return Copula(**parameters).fit(x, y, schema=schema, seed=seed, on_step=on_step, limits=limits)


def mixed_rows(n=400):
    """Return rows in which the ward hangs on the age, and every third dose is missing in class 1."""
    stream = torch_stream(0)
    y = torch.arange(n) % 2
    age = torch.randn(n, generator=stream)
    ward = torch.bucketize(age + 0.3 * torch.randn(n, generator=stream), torch.tensor([-0.5, 0.5]))
    regular = ((y == 0) | (torch.arange(n) % 3 > 0)).float()
    dose = (age + torch.randn(n, generator=stream)) * regular
    return torch.stack([dose, regular, 1 - regular, *(ward[:, None] == torch.arange(3)).float().T, age], dim=1), y


def numbers(n=300):
    """Return rows whose columns correlate by 0.8 in class 0 and -0.8 in class 1, one of them skewed."""
    noise = torch.randn(n, 2, generator=torch_stream(0))
    y = torch.arange(n) % 2
    sign = 1.0 - 2.0 * y
    return torch.stack([noise[:, 0].exp(), 0.8 * sign * noise[:, 0] + 0.6 * noise[:, 1]], dim=1), y


def test_each_class_keeps_its_columns_and_their_dependence():
    """Column by column the drawn rows are distributed as the real ones, and ranks correlate as much, class by class."""
    x, y = numbers()
    learner = fit(x, y)
    for number, correlation in enumerate([0.8, -0.8]):
        drawn = learner.draw(torch.full((2000,), number), 1)
        for column in range(2):
            assert ks_2samp(drawn[:, column], x[y == number, column]).statistic < 0.06
        ranks = drawn.argsort(0).argsort(0).double()
        assert torch.corrcoef(ranks.T)[0, 1].item() == pytest.approx(correlation, abs=0.1)


def test_categories_and_missing_values_come_as_often_and_together():
    """Shares of values are those of the class, a missing number is missing, and a category follows the number."""
    x, y = mixed_rows()
    drawn = fit(x, y, MIXED).draw(torch.ones(4000, dtype=torch.int64), 1)
    assert torch.equal(RowHead.of(MIXED)(drawn * 1e3, torch_stream(0))[:, 1:6], drawn[:, 1:6])  # one-hot blocks
    torch.testing.assert_close(drawn[:, 1:6].mean(0), x[y == 1, 1:6].mean(0), atol=0.03, rtol=0)
    assert (drawn[drawn[:, 2] == 1, 0] == 0).all()
    by_ward = [drawn[drawn[:, 3 + ward] == 1, 6].mean().item() for ward in range(3)]
    real = [x[(x[:, 3 + ward] == 1) & (y == 1), 6].mean().item() for ward in range(3)]
    np.testing.assert_allclose(by_ward, real, atol=0.35)
    regular = drawn[drawn[:, 1] == 1]
    assert torch.corrcoef(regular[:, [0, 6]].T)[0, 1].item() == pytest.approx(0.7, abs=0.12)


def test_many_rows_follow_shapes_of_several_clusters():
    """Two columns on a ring: one copula fills its middle, the parts of a mixture leave it empty."""
    angle = 2 * torch.pi * torch.rand(1200, generator=torch_stream(0))
    x = torch.stack([angle.cos(), angle.sin()], dim=1)
    schema, y = TableSchema(NUMBERS.columns, 1), torch.zeros(1200, dtype=torch.int64)
    labels = torch.zeros(2000, dtype=torch.int64)
    inside = [(fit(x, y, schema, max_parts=parts).draw(labels, 1).norm(dim=1) < 0.5).float().mean() for parts in (1, 8)]
    assert inside[0] > 0.05
    assert inside[1] < 0.02


def test_a_class_of_two_rows_is_drawn_about_their_mean():
    """Two rows beside a hundred: rows differ as those of the other class do, about the two's mean."""
    x = torch.randn(102, 2, generator=torch_stream(0))
    x[100:] = torch.tensor([[4.0, 4.1], [4.2, 3.9]])
    drawn = fit(x, torch.tensor([0] * 100 + [1] * 2)).draw(torch.ones(500, dtype=torch.int64), 0)
    assert drawn.mean().item() == pytest.approx(4.05, abs=0.6)
    assert drawn.std(0).min() > 0.2
    assert drawn.max() <= x.max()


def test_nothing_of_a_small_class_but_its_mean_is_kept():
    """Two classes of two rows with one mean: what is kept is the same, whichever rows they were."""
    x = torch.randn(60, 2, generator=torch_stream(0))
    y = torch.tensor([0] * 58 + [1] * 2)
    other = x.clone()
    other[58], other[59] = x[59], x[58]
    first, second = (fit(rows, y).copula_.margins.knots[1] for rows in (x, other))
    torch.testing.assert_close(first, second)
    mean = x[58:].mean(0)
    spread = first - mean[:, None]
    assert (spread[:, 0] < 0).all()
    assert (spread[:, -1] > 0).all()
    assert not any(torch.isclose(first, value, atol=1e-6).any() for value in x[58:].flatten())


def test_drawn_numbers_lie_within_those_seen():
    """No number is beyond the least and the greatest of its column."""
    x, y = numbers()
    drawn = fit(x, y).draw(torch.arange(3000) % 2, 3)
    assert (drawn >= x.amin(0)).all()
    assert (drawn <= x.amax(0)).all()


def test_the_promises_of_a_learner_are_kept():
    """Protocol, seeds, pickles, clones, states: the same labels and seed give the same rows, alone or together."""
    x, y = mixed_rows(60)
    learner, again = fit(x, y, MIXED), fit(x, y, MIXED)
    labels = torch.tensor([0, 1, 1, 0, 0])
    drawn = learner.draw(labels, 5)
    assert isinstance(learner, Learner)
    assert isinstance(learner, Walker)
    assert torch.equal(drawn, again.draw(labels, 5))
    assert not torch.equal(drawn, learner.draw(labels, 6))
    assert torch.equal(drawn, pickle.loads(pickle.dumps(learner)).draw(labels, 5))
    twin = clone(learner).from_state(*learner.state(), MIXED)
    assert torch.equal(drawn, twin.draw(labels, 5))
    assert not torch.equal(fit(x, y, MIXED, seed=1).draw(labels, 5), drawn)


def test_a_walk_begins_with_a_draw():
    """Frames go from one draw to another of the same class."""
    x, y = mixed_rows(60)
    learner, labels = fit(x, y, MIXED), torch.tensor([1, 0])
    walk = learner.walk(labels, 9, 4)
    assert walk.shape == (2, 9, 7)
    torch.testing.assert_close(walk[:, 0], learner.draw(labels, 4))
    assert not torch.equal(walk[:, 0], walk[:, -1])


def test_rounds_are_told_and_limited():
    """Each round is told; a limit of steps, a listener or a limit of time ends them, and only the last is a cut."""
    x, y = mixed_rows(60)
    told = []
    assert not fit(x, y, MIXED, n_steps=5, on_step=lambda record: told.append(record.step)).was_cut_
    assert told == [1, 2, 3, 4, 5]
    assert fit(x, y, MIXED, limits=Limits(max_steps=2)).story_[-1].step == 2
    assert len(fit(x, y, MIXED, on_step=lambda record: record.step == 3).story_) == 3
    assert fit(x, y, MIXED, n_steps=10**6, limits=Limits(max_seconds=0.05)).was_cut_


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_steps": 0}, "n_steps must be a positive integer; got 0"),
        ({"max_parts": 2.5}, "max_parts must be a positive integer; got 2.5"),
        ({"rows_per_part": -1}, "rows_per_part must be a positive integer; got -1"),
    ],
)
def test_impossible_parameters_are_named(parameters, message):
    """Each is refused before anything is learned."""
    with pytest.raises(ConfigError, match=message):
        fit(*numbers(20), **parameters)


def test_images_are_refused():
    """The message says what learns images."""
    schema = ImageSchema((1, 4, 4), 2)
    with pytest.raises(
        ConfigError, match="generator must be one that learns images; got 'copula', which learns tables"
    ):
        fit(torch.zeros(4, 1, 4, 4), torch.tensor([0, 0, 1, 1]), schema)


def test_nothing_kept_grows_with_the_rows_of_a_part():
    """Classes of one part each keep as much of 40 rows as of 200."""
    sizes = [{name: value.shape for name, value in fit(*numbers(n)).state()[0].items()} for n in (40, 200)]
    assert sizes[0] == sizes[1]
