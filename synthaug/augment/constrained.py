"""Drawing under constraints: a drawn row that breaks one after correction is never taken, not even to fill up."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from synthaug.augment.drawing import Tally
from synthaug.data.constraints import Constraint, broken
from synthaug.errors import ConstraintError
from synthaug.quality.selection import Review, Selection


@dataclass(frozen=True, eq=False)
class Constrained:
    """A selector that also drops rows that break a constraint.

    Attributes
    ----------
    selector
        What says how good the other rows are.
    constraints
        The rules, by name.
    decode
        Gives rows in the user's own terms, corrected as far as the rules say how.
    """

    selector: Selection
    constraints: Mapping[str, Constraint]
    decode: Callable[[Tensor], Any]

    def review(self, x: Tensor, labels: Tensor) -> Review:
        """Return what the selector says; a row that breaks a rule is dropped for it, and its score is minus infinity.

        Parameters
        ----------
        x, labels
            Drawn rows (n, ...) and their classes (n,), int64.
        """
        review, barred = self.selector.review(x, labels), torch.zeros(len(x), dtype=torch.bool)
        dropped: dict[str, Tensor] = {}
        for name, wrong in broken(self.constraints, self.decode(x)).items():
            dropped[name] = torch.from_numpy(wrong) & ~barred
            barred = barred | dropped[name]
        dropped |= {reason: refused & ~barred for reason, refused in review.dropped.items()}
        return Review(review.scores.masked_fill(barred, -math.inf), dropped)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the selector's state: constraints are the augmenter's."""
        return self.selector.state()


def check_all_drawn(n_found: int, tally: Tally, label: Any, constraints: Mapping[str, Constraint]) -> None:
    """Raise ConstraintError, naming the constraints, unless as many rows of a class were found as were asked for."""
    if n_found >= tally.n_asked:
        return
    refused = {name: n for name, n in tally.dropped.items() if name in constraints and n}
    words = ", ".join(f"'{name}' refused {n:,}" for name, n in sorted(refused.items(), key=lambda item: -item[1]))
    raise ConstraintError(
        f"constraints must leave the rows asked for among ten times as many; got {n_found:,} of {tally.n_asked:,} rows "
        f"of {label!r} among {tally.n_drawn:,} drawn ({words}). Loosen the constraint, or learn longer (n_steps)."
    )
