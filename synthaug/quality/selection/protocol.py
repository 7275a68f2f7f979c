"""What a selector is: it looks at drawn rows and says how good each is, and why it drops those that it drops.

A selector holds weights and thresholds, never a training row or anything computed for a single one.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from synthaug.errors import FileError

State = tuple[dict[str, Tensor], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Review:
    """What a selector says of rows.

    Attributes
    ----------
    scores
        How good each row is, shape (n,), float32, 0 to 1.
    dropped
        For each reason, which rows are dropped for it, bool, shape (n,). A row has one reason at the most.
    """

    scores: Tensor
    dropped: dict[str, Tensor]

    @property
    def kept(self) -> Tensor:
        """Which rows are kept, bool, shape (n,)."""
        kept = torch.ones(len(self.scores), dtype=torch.bool)
        for dropped in self.dropped.values():
            kept &= ~dropped
        return kept


class Selection(Protocol):
    """What the drawing of rows asks of a selector."""

    def review(self, x: Tensor, labels: Tensor) -> Review:
        """Return what the selector says of drawn rows.

        Parameters
        ----------
        x, labels
            Drawn rows, images (n, c, h, w) in [-1, 1] or tables (n, d), and the classes they were drawn for, (n,),
            int64.
        """
        ...

    def state(self) -> State:
        """Return tensors and JSON-able settings that ``restore_selector`` takes."""
        ...


def check_parts(needed: dict[str, Any], given: dict[str, Any]) -> None:
    """Raise FileError unless a saved selector holds all its parts."""
    missing = sorted(set(needed) - set(given))
    if missing:
        raise FileError(f"a saved selector must hold all its parts; {', '.join(missing)} missing. Fit it again.")
