"""Drawing exact counts: chunks of a fixed size, each with a seed of its own, then selection.

A chunk is always 64 rows of one class, whatever was asked for, so a row depends on the seed, its class and its number
alone: a longer sample begins with the shorter one.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from synthaug._seed import derive
from synthaug.generators.protocol import Learner
from synthaug.quality.select import Selection

CHUNK = 64
MOST_TIMES = 10


@dataclass
class Drawn:
    """Rows drawn for one class.

    Attributes
    ----------
    x
        Exactly as many samples as were asked for, (n, ...).
    n_drawn, n_accepted
        How many were drawn, and how many of those the selector took.
    """

    x: Tensor
    n_drawn: int
    n_accepted: int


@dataclass
class _Pool:
    """Accepted rows in the order of their drawing, and the best of the others."""

    n: int
    accepted: list[Tensor] = field(default_factory=list)
    spare: list[Tensor] = field(default_factory=list)
    spare_scores: list[Tensor] = field(default_factory=list)

    def add(self, x: Tensor, keep: Tensor, scores: Tensor) -> None:
        self.accepted.append(x[keep])
        best = torch.argsort(scores[~keep], descending=True, stable=True)[: self.n]
        self.spare.append(x[~keep][best])
        self.spare_scores.append(scores[~keep][best])

    def n_accepted(self) -> int:
        return sum(len(rows) for rows in self.accepted)

    def rows(self) -> Tensor:
        scores = torch.cat(self.spare_scores)
        spare = torch.cat(self.spare)[torch.argsort(scores, descending=True, stable=True)]
        return torch.cat([*self.accepted, spare])[: self.n]


def draw_class(learner: Learner, selector: Selection, number: int, n: int, seed: int) -> Drawn:
    """Return n samples of one class.

    Parameters
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
    """
    pool, labels, n_drawn = _Pool(n), torch.full((CHUNK,), number), 0
    for place in range(math.ceil(MOST_TIMES * n / CHUNK)):
        x = learner.draw(labels, derive(seed, "chunk", number, place))
        pool.add(x, *selector.review(x, labels))
        n_drawn += CHUNK
        if pool.n_accepted() >= n:
            break
    return Drawn(pool.rows(), n_drawn, pool.n_accepted())
