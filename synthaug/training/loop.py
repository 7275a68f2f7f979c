"""The training loop: one flat function, read top to bottom, that tells what happens through one callback."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from synthaug.data.mapped import take_rows
from synthaug.errors import DivergedError
from synthaug.training.average import MovingAverage
from synthaug.training.checkpoint import pack_optimiser, unpack_optimiser
from synthaug.training.step import gan_step


@dataclass(frozen=True)
class StepRecord:
    """What is known after a step.

    Attributes
    ----------
    step, n_steps
        How many steps are done, of how many.
    images_seen
        How many real rows with classes the steps' batches held, repeats counted: ``batch_size`` a step. Rows of a
        critic's further updates in a step, and rows without labels, are not counted.
    seconds
        Time spent on training so far, that of earlier runs of a resumed one included.
    terms
        The mean of each loss term over the batch.
    """

    step: int
    n_steps: int
    images_seen: int
    seconds: float
    terms: dict[str, float]


OnStep = Callable[[StepRecord], bool | None]
TakeStep = Callable[[Any, Tensor, Tensor, torch.Generator], dict[str, Tensor]]


class Trainees(Protocol):
    """What a step updates: ``Players``, or the like of a learner that is no GAN."""

    def modules(self) -> dict[str, nn.Module]:
        """Return every module whose weights or buffers decide later steps, by name."""

    def optimisers(self) -> dict[str, torch.optim.Optimizer]:
        """Return every optimiser, by name."""


@dataclass
class Training:
    """Everything that decides the next step: what a checkpoint holds.

    Attributes
    ----------
    players, average, stream
        The networks, the average of the generator, and the stream of all randomness.
    step, seconds
        How far training is.
    """

    players: Trainees
    average: MovingAverage
    stream: torch.Generator
    step: int = 0
    seconds: float = 0.0

    def pack(self) -> dict[str, Tensor]:
        """Return the state as flat tensors."""
        tensors = {"stream": self.stream.get_state()}
        for name, part in self._modules().items():
            tensors |= {f"{name}.{key}": value for key, value in part.state_dict().items()}
        for name, optimiser in self.players.optimisers().items():
            tensors |= pack_optimiser(name, optimiser)
        return tensors

    def unpack(self, tensors: dict[str, Tensor], *, step: int, seconds: float) -> None:
        """Set the state from what ``pack`` gave."""
        for name, part in self._modules().items():
            part.load_state_dict(
                {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}
            )
        for name, optimiser in self.players.optimisers().items():
            unpack_optimiser(name, optimiser, tensors)
        self.stream.set_state(tensors["stream"])
        self.step, self.seconds = step, seconds

    def _modules(self) -> dict[str, nn.Module]:
        return {**self.players.modules(), "average": self.average.module}


@dataclass(frozen=True)
class Rows:
    """Training rows in the order of their classes, so that a batch is drawn by class.

    Attributes
    ----------
    x
        Samples (n, ...), sorted by class.
    first, count
        Where each class begins and how many rows it has, shape (n_classes,).
    shares
        Which share of a batch a class has on average, shape (n_classes,); None for all the same.
    """

    x: Tensor
    first: Tensor
    count: Tensor
    shares: Tensor | None = None

    @classmethod
    def by_class(
        cls, x: Tensor, y: Tensor, n_classes: int, device: torch.device, *, max_share_a_row: float = 1.0
    ) -> "Rows":
        """Return the rows sorted by class, on ``device``; a row is at most ``max_share_a_row`` of what is drawn."""
        order = torch.argsort(y, stable=True)
        count = torch.bincount(y, minlength=n_classes)
        shares = (
            even_shares(max_share_a_row * count.double()) if max_share_a_row * count.min() < 1 / n_classes else None
        )
        return cls(
            take_rows(x, order).to(device),
            (count.cumsum(0) - count).to(device),
            count.to(device),
            None if shares is None else shares.to(device),
        )

    def batch(self, n: int, stream: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return n samples and their classes: a class at random, then one of its rows."""
        if self.shares is None:
            labels = torch.randint(len(self.count), (n,), generator=stream, device=stream.device)
        else:
            labels = torch.multinomial(self.shares, n, replacement=True, generator=stream)
        return self.of(labels, stream), labels

    def of(self, labels: Tensor, stream: torch.Generator) -> Tensor:
        """Return a sample at random of each class in ``labels`` (b,)."""
        places = torch.rand(len(labels), generator=stream, device=stream.device) * self.count[labels]
        return self.x[self.first[labels] + places.long()]


def even_shares(most: Tensor) -> Tensor:
    """Return shares (n_classes,) that add up to one, as even as they can be where ``most`` (n_classes,) limits them.

    Where even all of that is less than one in sum, they are in proportion to it.

    Examples
    --------
    >>> even_shares(torch.tensor([0.25, 1.0, 1.0], dtype=torch.float64)).tolist()
    [0.25, 0.375, 0.375]
    """
    shares, left, n_left = torch.zeros_like(most), 1.0, len(most)
    for place in most.argsort().tolist():
        shares[place] = min(float(most[place]), left / n_left)
        left, n_left = left - float(shares[place]), n_left - 1
    return shares / shares.sum()


def train(
    training: Training, rows: Rows, *, batch_size: int, n_steps: int, on_step: OnStep, take_step: TakeStep = gan_step
) -> None:
    """Train from ``training.step`` to ``n_steps``, or until ``on_step`` answers True.

    Parameters
    ----------
    training
        Where to begin; it is moved on.
    rows
        What to draw batches of ``batch_size`` from.
    n_steps
        The last step.
    on_step
        Is told about every step; its True stops training.
    take_step
        What a step does with players, samples, labels and the stream; it returns the mean of each loss term.

    Raises
    ------
    DivergedError
        If a loss term is not finite; it names the step and the term.
    """
    began = time.perf_counter() - training.seconds
    while training.step < n_steps:
        real, labels = rows.batch(batch_size, training.stream)
        means = take_step(training.players, real, labels, training.stream)
        training.average.update(batch_size)
        training.step += 1
        training.seconds = time.perf_counter() - began
        terms = dict(zip(means, torch.stack(list(means.values())).tolist(), strict=True))
        _check_finite(terms, training.step)
        if on_step(StepRecord(training.step, n_steps, training.step * batch_size, training.seconds, terms)):
            return


def _check_finite(terms: dict[str, float], step: int) -> None:
    for name, value in terms.items():
        if not abs(value) < float("inf"):
            raise DivergedError(
                f"losses must stay finite; got {value} for '{name}' at step {step}. "
                "Lower lr and critic_lr, or choose the objective 'hinge'."
            )
