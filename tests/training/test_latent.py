"""The step of a GAN on codes: what is mixed with what, and how far codes are from the prior."""

import pytest
import torch

from synthaug.training.latent import PriorCodes, choose_sources, mix_codes, sliced_distance


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


def test_the_sliced_distance_of_a_shift_is_its_squared_length_over_the_dimension():
    """Codes moved by a vector v are |v|² / d away: along a random direction u the distance is (u·v)²."""
    stream = torch.Generator().manual_seed(0)
    codes = torch.randn(64, 3, generator=stream, dtype=torch.float64).float()
    shift = torch.tensor([0.0, 3.0, 4.0])
    terms = torch.stack([sliced_distance(codes + shift, codes, stream) for _ in range(300)])
    assert terms.shape == (300, 64)
    assert terms.mean().item() == pytest.approx(25 / 3, rel=0.05)


def test_the_sliced_distance_in_one_dimension_is_that_of_the_sorted_numbers():
    """In one dimension there is one direction: the distance is between the numbers in order."""
    stream = torch.Generator().manual_seed(0)
    codes, drawn = torch.randn(2, 40, 1, generator=stream)
    expected = (codes.sort(0).values - drawn.sort(0).values).square().mean()
    assert sliced_distance(codes, drawn, stream).mean().item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_sliced_distance_pulls_codes_to_the_prior():
    """Descending it turns far and narrow codes into ones of mean 0 and variance 1."""
    stream = torch.Generator().manual_seed(0)
    codes = (5.0 + 0.1 * torch.randn(256, 2, generator=stream)).requires_grad_()
    optimiser = torch.optim.Adam([codes], 0.1)
    for _ in range(300):
        optimiser.zero_grad()
        sliced_distance(codes, torch.randn(256, 2, generator=stream), stream).mean().backward()
        optimiser.step()
    assert codes.mean().item() == pytest.approx(0.0, abs=0.15)
    assert codes.std().item() == pytest.approx(1.0, abs=0.15)


def test_codes_that_tell_the_class_are_far_from_drawn_ones():
    """Codes that are N(0, I) together, but whose place tells the class, cost nothing alone and much beside labels."""
    stream = torch.Generator().manual_seed(0)
    labels = torch.arange(2).repeat_interleave(2000)
    codes = torch.randn(4000, 1, generator=stream).sort(dim=0).values  # the lower half is class 0
    mixed = codes[torch.randperm(4000, generator=stream)]

    def distance(own, label_scale):
        drawn = PriorCodes(1.0, 2, label_scale)(lambda real: real, own, labels, stream)
        return drawn.terms["code_distance"].mean().item()

    assert distance(codes, 0.0) == pytest.approx(distance(mixed, 0.0), abs=0.01)
    assert distance(codes, 4.0) > 10 * distance(mixed, 4.0)
