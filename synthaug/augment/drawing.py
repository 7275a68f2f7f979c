"""Drawing exact counts: chunks of a fixed size, each with a seed of its own, then selection.

A chunk is always 64 rows of one class (256 rows of a table, which cost little), whatever was asked for, so a row
depends on the seed, its class and its number alone, and a longer sample begins with the shorter one, unless selection
falls short: then the rows it refused follow those it took, and which of them depends on how many were asked for. Rows
leave as they are drawn, so drawing many takes no more memory than drawing few.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from synthaug._seed import derive
from synthaug.generators.protocol import Learner
from synthaug.quality.selection import Review, Selection
from synthaug.training.threads import fixed_threads

CHUNK = 64
TABLE_CHUNK = 256
MOST_TIMES = 10
_TAKEN = -math.inf


@dataclass
class Tally:
    """What became of the rows that were drawn for one class.

    Attributes
    ----------
    n_asked
        How many rows were asked for.
    n_drawn, n_accepted
        How many were drawn, and how many of those the selector took.
    dropped
        How many it dropped, for each reason.
    """

    n_asked: int
    n_drawn: int = 0
    n_accepted: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def n_filled(self) -> int:
        """How many rows the selector refused and the sample holds all the same, for there were no others."""
        return max(0, self.n_asked - self.n_accepted)

    def add(self, review: Review) -> None:
        """Count the rows of a review."""
        self.n_drawn += len(review.scores)
        self.n_accepted += int(review.kept.sum())
        for reason, dropped in review.dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + int(dropped.sum())


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows drawn for one class.

    Attributes
    ----------
    x
        Exactly as many samples as were asked for, (n, ...).
    tally
        How many were drawn, taken and dropped for which reason.
    """

    x: Tensor
    tally: Tally


@dataclass(frozen=True, eq=False)
class Order:
    """What is to be drawn.

    Attributes
    ----------
    learner
        What draws.
    selector
        What selects; at most 10 times as many rows are drawn as are asked for.
    number
        The learner's number of the class.
    n
        How many, at least 1.
    seed
        The seed of this sample.
    chunk_rows
        How many rows a chunk holds.
    """

    learner: Learner
    selector: Selection
    number: int
    n: int
    seed: int
    chunk_rows: int = CHUNK

    def labels(self) -> Tensor:
        """Return the classes of a chunk's rows, shape (chunk_rows,)."""
        return torch.full((self.chunk_rows,), self.number)

    def chunk(self, place: int) -> Tensor:
        """Return the rows of a chunk, (chunk_rows, ...)."""
        return self.learner.draw(self.labels(), derive(self.seed, "chunk", self.number, place))


def draw_class(order: Order) -> Drawn:
    """Return samples of one class, all at once."""
    tally = Tally(order.n)
    return Drawn(torch.cat(list(draw_pieces(order, tally))), tally)


def draw_pieces(order: Order, tally: Tally) -> Iterator[Tensor]:
    """Yield samples of one class a few at a time, (m, ...), and count them.

    The selector's choice comes in the order of drawing. Where it takes too few, the best of the others follow, in the
    same order; their chunks are drawn again, for none was kept. A row whose score is minus infinity never follows, so
    that fewer rows may come than were asked for.

    Parameters
    ----------
    order
        What is to be drawn.
    tally
        Where the rows are counted.
    """
    left, scores = order.n, list[Tensor]()
    for place in range(math.ceil(MOST_TIMES * order.n / order.chunk_rows)):
        x = order.chunk(place)
        review = order.selector.review(x, order.labels())
        tally.add(review)
        taken = x if not review.dropped else x[review.kept]
        if review.dropped:
            scores.append(review.scores.masked_fill(review.kept, _TAKEN))
        if len(taken):
            yield taken[:left]
        left -= min(left, len(taken))
        if not left:
            return
    found = torch.stack(scores)
    yield from _best(order, found, min(left, int(found.isfinite().sum())))


def _best(order: Order, scores: Tensor, n: int) -> Iterator[Tensor]:
    """Yield the n rows of the highest scores (n_chunks, chunk_rows), in the order of drawing."""
    best = torch.zeros(scores.numel(), dtype=torch.bool)
    best[torch.argsort(scores.flatten(), descending=True, stable=True)[:n]] = True
    for place, chosen in enumerate(best.view_as(scores)):
        if bool(chosen.any()):
            yield order.chunk(place)[chosen]


def in_threads(pieces: Iterator[Tensor], n_threads: int) -> Iterator[Tensor]:
    """Yield the pieces, each made with ``n_threads`` torch threads; whoever takes them keeps its own number."""
    while True:
        with fixed_threads(n_threads):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def regroup(pieces: Iterable[tuple[int, Tensor]], batch_size: int) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Yield the rows of pieces of one class each in batches of one size.

    Parameters
    ----------
    pieces
        A class and its rows (m, ...), any number of times.
    batch_size
        How many rows a batch holds; only the last may hold fewer.

    Yields
    ------
    Rows (b, ...) and their classes (b,), int64.
    """
    held: list[tuple[int, Tensor]] = []
    n_held = 0
    for number, rows in pieces:
        while n_held + len(rows) >= batch_size:
            head, rows = rows[: batch_size - n_held], rows[batch_size - n_held :]
            yield _joined([*held, (number, head)])
            held, n_held = [], 0
        if len(rows):
            held.append((number, rows))
            n_held += len(rows)
    if held:
        yield _joined(held)


def _joined(pieces: list[tuple[int, Tensor]]) -> tuple[Tensor, np.ndarray]:
    numbers = np.repeat([number for number, _ in pieces], [len(rows) for _, rows in pieces])
    return torch.cat([rows for _, rows in pieces]), numbers.astype(np.int64)


def report(tallies: Mapping[Any, Tally]) -> pd.DataFrame:
    """Return how many rows were drawn, kept and dropped for which reason.

    Parameters
    ----------
    tallies
        A tally for each label.

    Returns
    -------
    A row a class: ``class``, ``drawn``, ``kept``, a column for each reason, and ``filled``: how many of the dropped
    rows the sample holds all the same, because too few were kept. ``drawn`` is ``kept`` plus all reasons.
    """
    reasons = list(dict.fromkeys(reason for tally in tallies.values() for reason in tally.dropped))
    rows = [
        [label, tally.n_drawn, tally.n_accepted, *(tally.dropped.get(reason, 0) for reason in reasons), tally.n_filled]
        for label, tally in tallies.items()
    ]
    return pd.DataFrame(rows, columns=["class", "drawn", "kept", *reasons, "filled"])
