"""Rows without labels in a step: how many, under which label, and that nothing else changes."""

import torch

from synthaug.training.unlabelled import Unlabelled

REAL, LABELS = torch.zeros(4, 2), torch.tensor([0, 1, 1, 0])


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def test_as_many_rows_come_after_the_labelled_ones():
    """The batch given comes first and unchanged; then as many rows without labels, under the label unknown."""
    samples, labels = Unlabelled(torch.arange(1.0, 7.0).view(3, 2), 2).beside(REAL, LABELS, stream())
    assert samples.shape == (8, 2)
    assert torch.equal(samples[:4], REAL)
    assert set(samples[4:, 0].tolist()) <= {1.0, 3.0, 5.0}
    assert labels.tolist() == [0, 1, 1, 0, 2, 2, 2, 2]


def test_rows_are_drawn_evenly():
    """Over many batches each row comes about as often as any other."""
    rows, source = Unlabelled(torch.arange(5.0)[:, None], 1), stream()
    drawn = torch.cat([rows.beside(torch.zeros(100, 1), torch.zeros(100), source)[0][100:] for _ in range(50)])
    assert (torch.bincount(drawn[:, 0].long(), minlength=5) - 1000).abs().max() < 150


def test_a_step_gets_the_joined_batch():
    """What is told of a step is that of the step given, on the joined batch."""
    step = Unlabelled(torch.ones(3, 2), 2).beside_each(
        lambda players, real, labels, source: {"rows": real.sum(), "unknown": (labels == players).sum()}
    )
    assert {name: int(value) for name, value in step(2, REAL, LABELS, stream()).items()} == {"rows": 8, "unknown": 4}
