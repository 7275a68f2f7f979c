"""The end of a table's generator: raw outputs (b, d) to rows whose numbers are numbers and whose categories are chosen.

With g the outputs of a category's block and ε Gumbel noise, the chosen place is the largest of g + ε: place k with
probability softmax(g)_k. Forward it is one-hot, as real rows are, so a critic cannot tell rows apart by how hard they
are; backward the gradient is that of softmax((g + ε) / τ), straight through (Jang et al., "Categorical
Reparameterization with Gumbel-Softmax", 2017; Maddison et al., "The Concrete Distribution", 2017).

A number followed by a category of its own name has states: the first says that the row holds a regular number, each of
the others that it does not (missing, or a value of its own), and then the number's place is 0.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from synthaug.data.schema import Column, Schema, TableSchema

_TEMPERATURE = 0.5
_LEAST = 1e-20


@dataclass(frozen=True, eq=False)
class Layout:
    """Which places of a row hold what.

    Attributes
    ----------
    numbers
        Places of numbers, shape (k,).
    blocks
        Places of categories, those of one width together, shapes (k, width).
    with_states, regular
        Places of the numbers that have states, and of the first state of each, shapes (k,).
    """

    numbers: Tensor
    blocks: tuple[Tensor, ...]
    with_states: Tensor
    regular: Tensor

    @property
    def n_columns(self) -> int:
        """How many columns there are, states counted."""
        return len(self.numbers) + sum(len(block) for block in self.blocks)


def layout_of(schema: TableSchema) -> Layout:
    """Return which places hold what."""
    starts = _starts(schema.columns)
    numbers = [start for start, column in zip(starts, schema.columns, strict=True) if column.kind != "category"]
    widths = sorted({column.width for column in schema.columns if column.kind == "category"})
    blocks = [
        [
            range(start, start + width)
            for start, column in zip(starts, schema.columns, strict=True)
            if (column.kind, column.width) == ("category", width)
        ]
        for width in widths
    ]
    gated = [starts[place] for place in range(1, len(starts)) if has_states(schema.columns, place - 1)]
    regular = torch.tensor(gated, dtype=torch.int64)
    tensors = tuple(torch.tensor([list(places) for places in block]) for block in blocks)
    return Layout(torch.tensor(numbers, dtype=torch.int64), tensors, regular - 1, regular)


def has_states(columns: tuple[Column, ...], place: int) -> bool:
    """Return whether the column at this place is a number that the next column gives the states of."""
    column, *after = columns[place : place + 2]
    return column.kind != "category" and any(other.kind == "category" and other.name == column.name for other in after)


@dataclass(frozen=True, eq=False)
class RowHead:
    """What makes rows of a network's raw outputs; images, and tables without categories, are as they are.

    Attributes
    ----------
    layout
        Which places hold what; None where nothing is to be chosen.
    """

    layout: Layout | None = None

    @classmethod
    def of(cls, schema: Schema) -> "RowHead":
        """Return the head for what the schema describes."""
        if isinstance(schema, TableSchema) and any(column.kind == "category" for column in schema.columns):
            return cls(layout_of(schema))
        return cls()

    def noise(self, n: int, stream: torch.Generator, width: int) -> Tensor | None:
        """Return Gumbel noise (n, width) on the stream's device, or None where nothing is to be chosen."""
        if self.layout is None:
            return None
        even = torch.rand(n, width, generator=stream, device=stream.device)
        return -(-even.clamp_min(_LEAST).log()).clamp_min(_LEAST).log()

    def choose(self, raw: Tensor, noise: Tensor | None) -> Tensor:
        """Return rows (b, d) of raw outputs (b, d), by noise that ``noise`` gave."""
        if self.layout is None or noise is None:
            return raw
        rows = raw.clone()
        for block in self.layout.blocks:
            places = block.flatten()
            rows[:, places] = _choose(raw[:, places] + noise[:, places], block.shape)
        rows[:, self.layout.with_states] *= rows[:, self.layout.regular]
        return rows

    def __call__(self, raw: Tensor, stream: torch.Generator) -> Tensor:
        """Return rows (b, ...) of raw outputs (b, ...), chosen by noise from the stream."""
        return raw if self.layout is None else self.choose(raw, self.noise(len(raw), stream, raw.shape[1]))

    def along(self, raw: Tensor, stream: torch.Generator) -> Tensor:
        """Return rows (b, n, ...) of raw outputs (b, n, ...), the n of a walk chosen by the same noise."""
        if self.layout is None:
            return raw
        noise = self.noise(len(raw), stream, raw.shape[2])
        assert noise is not None
        return self.choose(raw.flatten(0, 1), noise.repeat_interleave(raw.shape[1], dim=0)).view_as(raw)

    def missed(self, raw: Tensor, real: Tensor) -> Tensor:
        """Return how far raw outputs are from real samples, (b,): the mean over columns.

        A number's share is its absolute error, 0 where its state is not regular; a category's is its cross-entropy.
        """
        if self.layout is None:
            return (raw - real).abs().flatten(1).mean(1)
        wrong = ((raw - real).abs() * self._counted(real))[:, self.layout.numbers].sum(1)
        return (wrong + self.surprise(raw, real)) / self.layout.n_columns

    def surprise(self, raw: Tensor, real: Tensor) -> Tensor:
        """Return the sum over a row's categories of their cross-entropy, in nats, (b,)."""
        assert self.layout is not None
        total = raw.new_zeros(len(raw))
        for block in self.layout.blocks:
            places, shape = block.flatten(), (len(raw), *block.shape)
            likely = F.log_softmax(raw[:, places].view(shape), dim=2)
            total = total - (likely * real[:, places].view(shape)).sum((1, 2))
        return total

    def squares(self, raw: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Return the squared errors of a row's numbers and how many count, both (b, k): a regular one once, else 0."""
        assert self.layout is not None
        counted = self._counted(real)[:, self.layout.numbers]
        return (raw - real)[:, self.layout.numbers].square() * counted, counted

    def _counted(self, real: Tensor) -> Tensor:
        """Return 1 for each place (b, d), 0 where it is a number's whose state is not regular."""
        assert self.layout is not None
        counted = torch.ones_like(real)
        counted[:, self.layout.with_states] = real[:, self.layout.regular]
        return counted


def _choose(scores: Tensor, shape: torch.Size) -> Tensor:
    """Return one-hot blocks, side by side (b, k width), of scores (b, k width)."""
    blocks = scores.view(len(scores), *shape)
    soft = F.softmax(blocks / _TEMPERATURE, dim=2)
    hard = F.one_hot(blocks.argmax(2), shape[1]).to(soft.dtype)
    return (hard + (soft - soft.detach())).flatten(1)


def _starts(columns: tuple[Column, ...]) -> list[int]:
    widths = torch.tensor([0, *(column.width for column in columns)])
    return widths.cumsum(0)[:-1].tolist()
