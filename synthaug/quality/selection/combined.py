"""Several selectors at once: a row is kept if each of them keeps it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from synthaug.quality.selection.protocol import Review, Selection, State

SEPARATOR = "+"
Restore = Callable[[dict[str, Tensor], dict[str, Any]], Selection]


@dataclass(frozen=True, eq=False)
class Combined:
    """Keeps the rows that each of its selectors keeps.

    Attributes
    ----------
    names
        What the selectors are called.
    parts
        The selectors, in the order in which they give their reasons.
    """

    names: tuple[str, ...]
    parts: tuple[Selection, ...]

    def review(self, x: Tensor, labels: Tensor) -> Review:
        """Return the product of all scores, and for each dropped row the first reason there is."""
        reviews = [part.review(x, labels) for part in self.parts]
        scores = torch.stack([review.scores for review in reviews]).prod(0)
        left, dropped = torch.ones(len(scores), dtype=torch.bool), dict[str, Tensor]()
        for reason, refused in [item for review in reviews for item in review.dropped.items()]:
            dropped[reason] = dropped.get(reason, torch.zeros_like(left)) | (refused & left)
            left = left & ~refused
        return Review(scores, dropped)

    def state(self) -> State:
        """Return the tensors of all selectors, each name after its selector's, and their settings."""
        states = {name: part.state() for name, part in zip(self.names, self.parts, strict=True)}
        tensors = {f"{name}.{key}": value for name, (held, _) in states.items() for key, value in held.items()}
        settings = {name: settings for name, (_, settings) in states.items()}
        return tensors, {"selection": SEPARATOR.join(self.names), "parts": settings}


def restore_combined(tensors: dict[str, Tensor], settings: dict[str, Any], restore: Restore) -> Combined:
    """Return the selector that ``Combined.state`` described; ``restore`` gives back each of its selectors."""
    names = tuple(settings["parts"])
    parts = [restore(_under(name, tensors), settings["parts"][name]) for name in names]
    return Combined(names, tuple(parts))


def _under(name: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
