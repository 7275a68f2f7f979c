"""Classes cut into parts of rows that are alike."""

import torch

from synthaug._seed import torch_stream
from synthaug.models.parts import split_classes, split_rows


def clusters(*sizes):
    """Return rows about points ten apart on a line."""
    centres = torch.repeat_interleave(10.0 * torch.arange(len(sizes)), torch.tensor(sizes))
    return centres[:, None] + torch.randn(sum(sizes), 2, generator=torch_stream(0)), (centres / 10).long()


def test_clusters_that_lie_apart_are_found():
    """Each of three clusters becomes a part of its own."""
    rows, truth = clusters(40, 60, 50)
    parts = split_rows(rows, 3, torch_stream(1))
    pairs = set(zip(parts.tolist(), truth.tolist(), strict=True))
    assert len(pairs) == 3
    assert len(parts.unique()) == 3


def test_no_part_is_small():
    """A cluster of five rows joins another: no part of several has fewer than 20 rows."""
    rows, _ = clusters(60, 5, 60)
    assert torch.bincount(split_rows(rows, 3, torch_stream(1))).min() >= 20


def test_equal_rows_are_one_part():
    """Rows that are all alike need no second part."""
    assert torch.equal(split_rows(torch.ones(90, 3), 4, torch_stream(0)), torch.zeros(90, dtype=torch.int64))


def test_parts_are_numbered_through_the_classes():
    """Classes share no part, and their shares are those of their rows."""
    rows, truth = clusters(40, 60, 30)
    y = (truth == 2).long()
    parts, share = split_classes(rows, y, torch.tensor([2, 1]), torch_stream(0))
    assert share.shape == (2, 3)
    assert torch.equal(parts[y == 1], torch.full((30,), 2))
    torch.testing.assert_close(share[0, :2].sort().values, torch.tensor([0.4, 0.6]))
    assert torch.equal(share[1], torch.tensor([0.0, 0.0, 1.0]))
