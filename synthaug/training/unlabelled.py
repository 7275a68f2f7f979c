"""Rows without labels in a step: as many as with labels come beside those, under one label more, *unknown*.

So everything of a network but the classes' own directions learns from them, and no label is guessed. In a critic
that projects on the label (Miyato and Koyama, 2018) they train the unconditional part and the direction of *unknown*.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from synthaug.training.loop import Rows, TakeStep


@dataclass(frozen=True)
class Unlabelled:
    """Rows without labels.

    Attributes
    ----------
    rows
        Samples (m, ...), m at least 1, on the learner's device.
    label
        The number of the label *unknown*: that of classes, which count from 0.
    """

    rows: Tensor
    label: int

    def beside(self, real: Tensor, labels: Tensor, stream: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return samples (2 b, ...) and labels (2 b,): those given (b, ...), then as many at random of these rows."""
        chosen = torch.randint(len(self.rows), (len(real),), generator=stream, device=stream.device)
        return torch.cat([real, self.rows[chosen]]), torch.cat([labels, torch.full_like(labels, self.label)])

    def among(self, rows: Rows) -> Rows:
        """Return the rows of all classes and, as a class of their own, these rows."""
        n, m = len(rows.x), len(self.rows)
        first, count = (torch.cat([old, old.new_tensor([new])]) for old, new in ((rows.first, n), (rows.count, m)))
        return Rows(torch.cat([rows.x, self.rows]), first, count)

    def beside_each(self, take_step: TakeStep) -> TakeStep:
        """Return the step that takes each batch with rows without labels beside it."""
        return lambda players, real, labels, stream: take_step(players, *self.beside(real, labels, stream), stream)
