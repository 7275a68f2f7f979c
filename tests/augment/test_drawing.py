"""Drawing exact counts, whatever the selector takes."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.augment.drawing import (
    CHUNK,
    MOST_TIMES,
    Order,
    Tally,
    draw_class,
    draw_pieces,
    in_threads,
    regroup,
    report,
)
from synthaug.quality.selection import Everything, Review


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
        return Review(scores, {"negative": scores < 0, "low": (scores >= 0) & (scores <= self.limit)})


def draw(selector, number, n, seed=0):
    return draw_class(Order(Uniform(), selector, number, n, seed))


@pytest.mark.parametrize("selector", [Everything(), Above(0.5), Above(0.99), Above(2.0)])
@pytest.mark.parametrize("n", [1, CHUNK - 1, CHUNK, 3 * CHUNK + 1])
def test_counts_are_exact(selector, n):
    """As many rows come as were asked for, whether the selector takes all of them, few or none."""
    drawn = draw(selector, 3, n)
    assert drawn.x.shape == (n, 1)
    assert ((drawn.x >= 3) & (drawn.x <= 4)).all()


@pytest.mark.parametrize("selector", [Everything(), Above(0.5)])
def test_a_longer_sample_begins_with_the_shorter_one(selector):
    """Where the selector finds enough, asking for more rows changes none of the first."""
    short, long = (draw(selector, 0, n).x for n in (40, 300))
    assert torch.equal(long[:40], short)


def test_only_accepted_rows_come_where_there_are_enough():
    """Rows that the selector refuses are not in the sample while it finds others."""
    drawn = draw(Above(0.8), 0, 50)
    assert (drawn.x > 0.8).all()
    assert drawn.tally.n_accepted >= 50
    assert drawn.tally.n_filled == 0


def test_the_best_of_the_others_fill_up():
    """Of a selector that takes too few come all it took, then the best it refused, and the shortfall is known."""
    limit = 0.99
    drawn = draw(Above(limit), 0, 100)
    n_accepted, everything = drawn.tally.n_accepted, draw(Everything(), 0, drawn.tally.n_drawn).x[:, 0]
    taken, filled = drawn.x[:n_accepted, 0], drawn.x[n_accepted:, 0]
    assert 0 < n_accepted < 100
    assert drawn.tally.n_filled == 100 - n_accepted
    assert (taken > limit).all()
    assert torch.equal(filled.sort().values, everything[everything <= limit].sort().values[n_accepted - 100 :])


def test_what_fills_up_comes_in_the_order_of_drawing():
    """Rows that the selector refused keep their order among each other."""
    drawn = draw(Above(2.0), 0, 100)
    everything = draw(Everything(), 0, drawn.tally.n_drawn).x[:, 0].tolist()
    places = [everything.index(value) for value in drawn.x[:, 0].tolist()]
    assert places == sorted(places)


@pytest.mark.parametrize("n", [1, 50, 64, 1000])
def test_at_most_ten_times_as_many_rows_are_drawn(n):
    """A selector that takes nothing costs ten times the rows asked for, rounded up to whole chunks, and no more."""
    tally = draw(Above(2.0), 0, n).tally
    assert MOST_TIMES * n <= tally.n_drawn < MOST_TIMES * n + CHUNK
    assert tally.n_accepted == 0


@pytest.mark.parametrize("limit", [-1.0, 0.3, 0.999])
def test_every_drawn_row_is_counted_once(limit):
    """Rows drawn are rows accepted and rows dropped for one reason each."""
    tally = draw(Above(limit), 0, 200).tally
    assert tally.n_drawn == tally.n_accepted + sum(tally.dropped.values())
    assert list(tally.dropped) == ["negative", "low"]


def test_seeds_and_classes_have_streams_of_their_own():
    """Another seed, and another class, give other rows; the same ones give the same."""
    first, *others = (draw(Everything(), number, 5, seed).x - number for number, seed in [(0, 0), (0, 1), (1, 0)])
    assert all(not torch.allclose(first, other, atol=1e-3) for other in others)
    assert torch.equal(first, draw(Everything(), 0, 5, 0).x)


@pytest.mark.parametrize("selector", [Everything(), Above(0.5), Above(0.99)])
def test_pieces_are_the_sample(selector):
    """Taken piece by piece, no piece greater than a chunk, the rows are the same."""
    order = Order(Uniform(), selector, 2, 500, 7)
    pieces = list(draw_pieces(order, Tally(500)))
    assert max(map(len, pieces)) <= CHUNK
    assert torch.equal(torch.cat(pieces), draw_class(order).x)


def test_a_piece_is_drawn_when_it_is_asked_for():
    """Nobody draws ahead: the first piece costs one chunk."""
    tally = Tally(10_000)
    next(draw_pieces(Order(Uniform(), Everything(), 0, 10_000, 0), tally))
    assert tally.n_drawn == CHUNK


def test_threads_are_set_while_a_piece_is_made_and_no_longer():
    """The number of threads holds within a piece; whoever takes it has its own."""
    before = torch.get_num_threads()

    def pieces():
        for _ in range(2):
            yield torch.tensor(torch.get_num_threads())

    seen = [(int(piece), torch.get_num_threads()) for piece in in_threads(pieces(), before + 1)]
    assert seen == [(before + 1, before)] * 2


@pytest.mark.parametrize("batch_size", [1, 3, 5, 9, 100])
def test_batches_are_of_one_size_and_hold_the_same_rows(batch_size):
    """Whatever the sizes of the pieces, batches hold their rows in order, and all but the last are full."""
    pieces = [(0, torch.arange(4)), (0, torch.arange(4, 5)), (2, torch.arange(5, 12)), (1, torch.arange(12, 12))]
    batches = list(regroup(iter(pieces), batch_size))
    assert torch.equal(torch.cat([rows for rows, _ in batches]), torch.arange(12))
    assert np.concatenate([numbers for _, numbers in batches]).tolist() == [0] * 5 + [2] * 7
    assert all(len(rows) == len(numbers) == batch_size for rows, numbers in batches[:-1])
    assert 0 < len(batches[-1][0]) <= batch_size


def test_the_report_counts_rows_by_class_and_reason():
    """A row a class; rows drawn are rows kept and those dropped for each reason."""
    tallies = {"ill": draw(Above(0.99), 0, 100).tally, "well": draw(Above(-1.0), 0, 10).tally}
    frame = report(tallies)
    assert frame.columns.tolist() == ["class", "drawn", "kept", "negative", "low", "filled"]
    assert frame["class"].tolist() == ["ill", "well"]
    assert (frame["drawn"] == frame["kept"] + frame["negative"] + frame["low"]).all()
    assert frame["filled"].tolist() == [100 - frame["kept"][0], 0]


def test_the_report_of_nothing_has_its_columns():
    """No class asked, no row."""
    assert report({}).columns.tolist() == ["class", "drawn", "kept", "filled"]
    assert len(report({})) == 0
