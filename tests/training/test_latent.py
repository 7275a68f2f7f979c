"""The step of the latent interpolator: what is mixed with what."""

import pytest
import torch

from synthaug.training.latent import choose_sources, mix_codes


def test_mixed_codes_lie_nearer_to_the_first():
    """A mixed code lies on the line between two codes, in the half of the first."""
    stream = torch.Generator().manual_seed(0)
    mixed = mix_codes(torch.zeros(1000, 1), torch.ones(1000, 1), stream)
    assert mixed.min() >= 0
    assert mixed.max() <= 0.5
    assert mixed.mean() == pytest.approx(0.25, abs=0.02)


def test_a_class_that_borrows_nothing_mixes_its_own_rows():
    """Without borrowing both codes come from the class itself."""
    labels = torch.arange(3).repeat(50)
    stream = torch.Generator().manual_seed(0)
    first, second = choose_sources(labels, torch.zeros(3), lambda n: torch.full((n,), 2), stream)
    assert torch.equal(first, labels)
    assert torch.equal(second, labels)


def test_a_class_that_always_borrows_keeps_three_first_codes_in_ten():
    """With borrowing the second code is of any class, and the first one is of the class itself 3 times in 10."""
    labels = torch.zeros(4000, dtype=torch.int64)
    stream = torch.Generator().manual_seed(0)
    first, second = choose_sources(labels, torch.ones(2), lambda n: torch.ones(n, dtype=torch.int64), stream)
    assert (first == 0).float().mean() == pytest.approx(0.3, abs=0.03)
    assert (second == 1).all()
