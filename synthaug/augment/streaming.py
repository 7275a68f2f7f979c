"""Drawing what was asked for: counts of labels in, batches of rows in the user's own terms out."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthaug._check import FEWEST_ROWS, check_count
from synthaug._seed import derive
from synthaug.augment.constrained import Constrained, check_all_drawn
from synthaug.augment.drawing import CHUNK, TABLE_CHUNK, Order, Tally, draw_pieces, in_threads, regroup
from synthaug.data.constraints import Constraint, correct
from synthaug.data.container import join
from synthaug.data.images import ImageCodec
from synthaug.data.labels import LabelCodec, NoLabels
from synthaug.data.schema import ImageSchema, Schema
from synthaug.data.tables import TableCodec
from synthaug.errors import LabelError, ShortfallWarning
from synthaug.generators.protocol import Learner
from synthaug.quality.selection import Selection
from synthaug.training.threads import threads_of

DECODED_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class LearnedModel:
    """What rows are drawn from, and what puts them into the user's terms.

    Attributes
    ----------
    learner, selector
        What draws and what selects.
    codec, labels
        The way between the user's rows and labels and the model's.
    learned
        The class numbers that were learned, ascending, shape (n_learned,).
    constraints
        The rules that every drawn row keeps, by name.
    """

    learner: Learner
    selector: Selection
    codec: ImageCodec | TableCodec
    labels: LabelCodec | NoLabels
    learned: np.ndarray
    constraints: Mapping[str, Constraint] = field(default_factory=dict)

    def schema(self) -> Schema:
        """Return what a sample is."""
        return self.codec.schema(len(self.learned))

    def decode(self, x: Tensor, *, first_row: int = 0) -> Any:
        """Return samples (n, ...) in the user's terms, corrected as far as the constraints say how.

        The rows of a table are numbered, from ``first_row``: new keys differ where numbers do.
        """
        numbered = {"first_row": first_row} if isinstance(self.codec, TableCodec) else {}
        return correct(self.constraints, self.codec.decode(x, **numbered))

    def choice(self) -> Selection:
        """Return what says which drawn rows are taken."""
        return Constrained(self.selector, self.constraints, self.decode) if self.constraints else self.selector


def asked_of(model: LearnedModel, n_per_class: int | Mapping[Any, int]) -> dict[int, int]:
    """Return how many rows of each class number were asked for.

    Parameters
    ----------
    model
        What they are asked of.
    n_per_class
        A number for every class that was learned, or a number for each label named.

    Raises
    ------
    LabelError
        If a class is unknown, or was too small to learn from.
    ConfigError
        If a count is negative or absurd.
    """
    if not isinstance(n_per_class, Mapping):
        n = check_count("n_per_class", n_per_class)
        return {int(number): n for number in model.learned}
    asked = {model.labels.number(label): check_count(f"n_per_class[{label!r}]", n) for label, n in n_per_class.items()}
    for number, n in asked.items():
        if n and number not in model.learned:
            label = model.labels.classes.tolist()[number]
            raise LabelError(
                f"class must have been learned to be drawn; got {label!r}, which had 1 training row. "
                f"At least {FEWEST_ROWS} are needed."
            )
    return asked


def stream(
    model: LearnedModel,
    asked: Mapping[int, int],
    seed: int,
    *,
    tallies: dict[int, Tally],
    batch_size: int = DECODED_AT_ONCE,
) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield rows in the user's terms with their class numbers, a batch at a time.

    Parameters
    ----------
    model
        What is drawn from.
    asked
        How many rows of each class number.
    seed
        The seed of this sample.
    tallies
        Where the rows of each class number are counted.
    batch_size
        How many rows a batch holds; only the last may hold fewer.

    Yields
    ------
    Rows (b, ...) and their class numbers (b,), int64.
    """
    row = derive(seed, "rows") >> 1
    for x, numbers in regroup(_pieces(model, asked, seed, tallies), batch_size):
        yield model.decode(x, first_row=row), numbers
        row += len(numbers)


def _pieces(
    model: LearnedModel, asked: Mapping[int, int], seed: int, tallies: dict[int, Tally]
) -> Iterator[tuple[int, Tensor]]:
    schema, selector, labels = model.schema(), model.choice(), model.labels.classes.tolist()
    n_threads = threads_of(model.learner, schema)
    chunk_rows = CHUNK if isinstance(schema, ImageSchema) else TABLE_CHUNK
    for number, n in ((number, n) for number, n in asked.items() if n):
        tallies[number] = Tally(n)
        place = int(np.searchsorted(model.learned, number))
        order, n_found = Order(model.learner, selector, place, n, seed, chunk_rows), 0
        for rows in in_threads(draw_pieces(order, tallies[number]), n_threads):
            n_found += len(rows)
            yield number, rows
        check_all_drawn(n_found, tallies[number], labels[number], model.constraints)


def joined(model: LearnedModel, batches: list[tuple[Any, np.ndarray]]) -> tuple[Any, np.ndarray]:
    """Return the batches of a stream as one: rows (n, ...) and class numbers (n,), int64; none of no batch."""
    if not batches:
        return model.codec.decode(torch.empty(0, *model.schema().shape)), np.empty(0, dtype=np.int64)
    return join(*(rows for rows, _ in batches)), np.concatenate([numbers for _, numbers in batches])


def warn_of_shortfall(tallies: Mapping[Any, Tally], *, stacklevel: int) -> None:
    """Warn if selection took fewer rows than were asked for, naming the labels.

    Parameters
    ----------
    tallies
        A tally for each label.
    stacklevel
        How many calls up the user is, the caller being 1.
    """
    short = [(tally, label) for label, tally in tallies.items() if tally.n_filled]
    if not short:
        return
    words = ", ".join(f"{tally.n_accepted} of {tally.n_asked} for {label!r}" for tally, label in short)
    warnings.warn(
        f"selection must find the rows asked for among ten times as many; it took {words}. The best of the others "
        "fill up: learn longer (n_steps), add training rows, or pass selection='none'.",
        ShortfallWarning,
        stacklevel=stacklevel + 1,
    )
