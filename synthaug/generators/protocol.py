"""What a learner is: the protocol that everything above sees."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from synthaug.data.schema import Schema
from synthaug.training.loop import OnStep


@dataclass(frozen=True)
class Limits:
    """Where a learner runs, how long, and where it may leave checkpoints.

    Attributes
    ----------
    device
        Where the networks live.
    max_steps, max_seconds
        Caps on what the learner would do by itself. A run that ``max_seconds`` cut is not reproducible.
    checkpoint_dir
        Folder of checkpoints, shared or not; None for none.
    resume
        Whether to go on from a checkpoint of the same rows, parameters and seed.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    max_steps: int | None = None
    max_seconds: float | None = None
    checkpoint_dir: Path | None = None
    resume: bool = False


@runtime_checkable
class Learner(Protocol):
    """A scikit-learn estimator (``get_params``, ``clone``) that learns the rows of each class and draws new ones.

    After ``fit`` the attribute ``was_cut_`` tells whether ``max_seconds`` ended it. A learner that can use rows without
    labels takes them, samples (m, ...) on the CPU, as a further argument of ``fit``: ``x_unlabeled=None``; one that
    holds rows out takes ``groups=None``, an array (n,) of what belongs together. One that is looked at while it trains
    may set what ``generators.run.remember`` sets, and a ``Walker`` can also show the way between two rows.
    """

    was_cut_: bool

    def fit(self, x: Tensor, y: Tensor, *, schema: Schema, seed: int, on_step: OnStep, limits: Limits) -> Self:
        """Learn from samples (n, ...) as the schema says and classes (n,), int64."""

    def draw(self, labels: Tensor, seed: int) -> Tensor:
        """Return a sample for each label (b,); the same labels and seed give the same samples."""

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return weights and JSON-able facts from which ``from_state`` makes a learner that draws the same."""

    def from_state(self, tensors: dict[str, Tensor], facts: dict[str, Any], schema: Schema) -> Self:
        """Set the learned state and return self."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the hyper-parameters by name."""


@runtime_checkable
class Walker(Protocol):
    """A learner that also goes from one drawn row to another."""

    def walk(self, labels: Tensor, n_frames: int, seed: int) -> Tensor:
        """Return samples (b, n_frames, ...): from one draw of each class in ``labels`` (b,) to another of the same."""
