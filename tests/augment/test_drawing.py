"""Drawing exact counts, whatever the selector takes."""

from dataclasses import dataclass

import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.augment.drawing import CHUNK, MOST_TIMES, draw_class
from synthaug.quality.select import Everything


class Uniform:
    """A learner whose rows are one number from 0 to 1, plus the number of their class."""

    def draw(self, labels, seed):
        return torch.rand(len(labels), 1, generator=torch_stream(seed)) + labels[:, None]


@dataclass(frozen=True)
class Above:
    """A selector that takes rows above a limit; the greater, the better."""

    limit: float

    def review(self, x, labels):
        scores = x[:, 0] - labels
        return scores > self.limit, scores


@pytest.mark.parametrize("selector", [Everything(), Above(0.5), Above(0.99), Above(2.0)])
@pytest.mark.parametrize("n", [1, CHUNK - 1, CHUNK, 3 * CHUNK + 1])
def test_counts_are_exact(selector, n):
    """As many rows come as were asked for, whether the selector takes all of them, few or none."""
    drawn = draw_class(Uniform(), selector, 3, n, seed=0)
    assert drawn.x.shape == (n, 1)
    assert ((drawn.x >= 3) & (drawn.x <= 4)).all()


@pytest.mark.parametrize("selector", [Everything(), Above(0.5)])
def test_a_longer_sample_begins_with_the_shorter_one(selector):
    """Where the selector finds enough, asking for more rows changes none of the first."""
    short, long = (draw_class(Uniform(), selector, 0, n, seed=0).x for n in (40, 300))
    assert torch.equal(long[:40], short)


def test_only_accepted_rows_come_where_there_are_enough():
    """Rows that the selector refuses are not in the sample while it finds others."""
    drawn = draw_class(Uniform(), Above(0.8), 0, 50, seed=0)
    assert (drawn.x > 0.8).all()
    assert drawn.n_accepted >= 50


def test_the_best_of_the_others_fill_up():
    """Of a selector that takes too few come all it took, then the best it refused, and the shortfall is known."""
    limit = 0.99
    drawn = draw_class(Uniform(), Above(limit), 0, 100, seed=0)
    taken, filled = drawn.x[: drawn.n_accepted, 0], drawn.x[drawn.n_accepted :, 0]
    assert drawn.n_accepted < 100
    assert (taken > limit).all()
    assert (filled <= limit).all()
    assert torch.equal(filled, filled.sort(descending=True).values)
    assert filled.min() > 0.85  # about the 100 best of a thousand uniform numbers


@pytest.mark.parametrize("n", [1, 50, 64, 1000])
def test_at_most_ten_times_as_many_rows_are_drawn(n):
    """A selector that takes nothing costs ten times the rows asked for, rounded up to whole chunks, and no more."""
    drawn = draw_class(Uniform(), Above(2.0), 0, n, seed=0)
    assert MOST_TIMES * n <= drawn.n_drawn < MOST_TIMES * n + CHUNK
    assert drawn.n_accepted == 0


def test_seeds_and_classes_have_streams_of_their_own():
    """Another seed, and another class, give other rows; the same ones give the same."""
    rows = {key: draw_class(Uniform(), Everything(), key[0], 5, seed=key[1]).x - key[0] for key in [(0, 0), (0, 1)]}
    rows[1, 0] = draw_class(Uniform(), Everything(), 1, 5, seed=0).x - 1
    first, *others = rows.values()
    assert all(not torch.allclose(first, other, atol=1e-3) for other in others)
    assert torch.equal(first, draw_class(Uniform(), Everything(), 0, 5, seed=0).x)
