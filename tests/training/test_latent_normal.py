"""Correlations of latent normal values, of which only intervals may be known."""

import pytest
import torch

from synthaug._seed import torch_stream
from synthaug.training.latent_normal import Intervals, correlations, first_values, redraw

TRUTH = torch.tensor([[1.0, 0.7, -0.3], [0.7, 1.0, 0.2], [-0.3, 0.2, 1.0]], dtype=torch.float64)


def values(n):
    """Return normal rows (n, 3) of known correlations."""
    noise = torch.randn(n, 3, generator=torch_stream(0), dtype=torch.float64)
    return noise @ torch.linalg.cholesky(TRUTH).T


def learned(low, high, n_rounds=30):
    known = Intervals(low, high, torch.zeros(len(low), dtype=torch.int64), 1)
    stream, found = torch_stream(1), []
    z = first_values(known, stream)
    for _ in range(n_rounds):
        found.append(correlations(z, known.labels, 1)[0])
        z = redraw(z, known, found[-1][None], stream)
        assert ((z >= low) & (z <= high)).all()
    return torch.stack(found[n_rounds // 2 :]).mean(0)


def test_points_give_their_correlations():
    """Where every value is known, correlations are those of the values, and nothing is drawn."""
    z = values(3000)
    torch.testing.assert_close(learned(z, z, n_rounds=2), torch.corrcoef(z.T), atol=0.02, rtol=0)


def test_signs_give_the_correlations_behind_them():
    """Of a column only its sign is known (a category of two values): the correlation behind it is found anyway."""
    z = values(3000)
    low, high = z.clone(), z.clone()
    low[:, 0], high[:, 0] = torch.where(z[:, 0] > 0, 0.0, -torch.inf), torch.where(z[:, 0] > 0, torch.inf, 0.0)
    torch.testing.assert_close(learned(low, high), TRUTH, atol=0.05, rtol=0)


def test_missing_values_do_not_pull_correlations_to_0():
    """Half of a column is missing: correlations are those of the rows that have it."""
    z = values(3000)
    low, high = z.clone(), z.clone()
    low[::2, 1], high[::2, 1] = -torch.inf, torch.inf
    torch.testing.assert_close(learned(low, high), TRUTH, atol=0.05, rtol=0)


def test_a_small_class_takes_the_correlations_of_all():
    """Four rows beside four hundred: their class's correlations lie near those of all, and it has a root."""
    z = values(404)
    found = correlations(z, torch.tensor([0] * 400 + [1] * 4), 2)
    assert (found[1] - TRUTH).abs().max() < 0.5
    assert torch.linalg.eigvalsh(found).min() > 0
    assert found.diagonal(dim1=1, dim2=2).sub(1).abs().max() < 1e-9


def test_more_columns_than_rows_have_a_root():
    """Five rows of forty columns: shrinkage keeps the correlations positive definite."""
    z = torch.randn(5, 40, generator=torch_stream(0), dtype=torch.float64)
    assert torch.linalg.eigvalsh(correlations(z, torch.zeros(5, dtype=torch.int64), 1)).min() > 1e-3


def test_a_constant_column_correlates_with_nothing():
    """A column of zeros gives no division by 0."""
    z = values(50)
    z[:, 1] = 0.0
    found = correlations(z, torch.zeros(50, dtype=torch.int64), 1)[0]
    assert found.isfinite().all()
    assert found[1, 0].item() == pytest.approx(0.0, abs=1e-9)
