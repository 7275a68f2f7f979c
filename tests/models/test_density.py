"""The density of codes: a Gaussian a class, whole even for a class of few codes."""

import pytest
import torch

from synthaug.models.density import CodeDensity


def test_draws_have_the_classes_moments():
    """With many codes, drawn codes have the class's own mean and covariance."""
    generator = torch.Generator().manual_seed(0)
    mix = torch.tensor([[1.0, 0.0], [0.8, 0.5]])
    codes = torch.cat(
        [torch.randn(4000, 2, generator=generator) @ mix.T, torch.randn(4000, 2, generator=generator) + 5]
    )
    labels = torch.arange(2).repeat_interleave(4000)
    drawn = CodeDensity.fit(codes, labels, 2).draw(torch.zeros(20_000, dtype=torch.int64), generator)
    assert torch.allclose(drawn.mean(0), codes[:4000].mean(0), atol=0.03)
    assert torch.allclose(torch.cov(drawn.T), mix @ mix.T, atol=0.05)


def test_a_class_of_two_codes_gets_a_whole_covariance():
    """A class with fewer codes than numbers borrows the spread of the others: its draws fill all directions."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(42, 6, generator=generator)
    labels = torch.tensor([0] * 40 + [1] * 2)
    drawn = CodeDensity.fit(codes, labels, 2).draw(torch.ones(500, dtype=torch.int64), generator)
    assert torch.linalg.matrix_rank(torch.cov(drawn.T)) == 6
    assert torch.allclose(drawn.mean(0), codes[40:].mean(0), atol=0.3)


@pytest.mark.parametrize("n_others", [40, 3])
def test_codes_of_two_rows_cannot_be_worked_out(n_others):
    """What is kept of a class of two codes is their mean: two other codes of that mean leave the very same density."""
    generator = torch.Generator().manual_seed(0)
    others, centre, step = (torch.randn(n, 6, generator=generator) for n in (n_others, 1, 1))
    across = torch.roll(step, 1, dims=1)  # as long as step, in another direction
    labels = torch.tensor([0] * n_others + [1] * 2)
    one, two = (
        CodeDensity.fit(torch.cat([others, centre + away, centre - away]), labels, 2) for away in (step, across)
    )
    assert torch.allclose(one.mean, two.mean, atol=1e-6)
    assert torch.allclose(one.root, two.root, atol=1e-6)
