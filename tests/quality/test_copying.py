"""Copies of training rows are found, real rows are let be, and the rate is calibrated."""

import numpy as np
import pytest
import torch

from synthaug.errors import ShapeError
from synthaug.models.features import RandomFeatures
from synthaug.quality.copying import copy_rate, flat_pixels, is_copy, nearest_distances


@pytest.fixture(params=[False, True], ids=["pixels", "pixels and features"])
def embed(request, digits):
    """Return the random network, or nothing."""
    return RandomFeatures(digits.schema) if request.param else None


def noise(like, scale):
    return scale * torch.randn(like.shape, generator=torch.Generator().manual_seed(0))


def test_copies_are_found(digits, embed):
    """Training rows, with a little noise or not, are copies."""
    train, holdout = digits.train[0], digits.holdout[0]
    assert copy_rate(train, train, holdout, embed=embed) == 1
    assert copy_rate(train + noise(train, 0.05), train, holdout, embed=embed) > 0.98


def test_shifted_copies_are_found(digits, embed):
    """A training image moved by one pixel both ways is a copy."""
    train, holdout = digits.train[0], digits.holdout[0]
    moved = torch.nn.functional.pad(train, (1, 1, 1, 1), mode="replicate")[:, :, 2:, 2:]
    assert copy_rate(moved, train, holdout, embed=embed) == 1


def test_real_rows_are_rarely_copies(digits, embed):
    """Of the held-out rows themselves 5 % count as copies; of other real rows hardly more; of noise none."""
    train, holdout = digits.train[0], digits.holdout[0]
    assert copy_rate(holdout, train, holdout, embed=embed) == pytest.approx(0.05, abs=0.002)
    assert copy_rate(digits.other[0], train, holdout, embed=embed) < 0.09
    assert copy_rate(torch.sign(noise(holdout, 1)), train, holdout, embed=embed) == 0


def test_the_rate_is_calibrated_on_a_table():
    """Over many draws of one distribution, 5 % of the rows count as copies."""
    generator = torch.Generator().manual_seed(0)
    rates = [copy_rate(*torch.randn(3, 100, 4, generator=generator)) for _ in range(100)]
    assert np.mean(rates) == pytest.approx(0.05, abs=0.01)


def test_nearest_distance_is_the_least_over_shifts():
    """The distance agrees with a loop over training images and shifts."""
    rows, train = torch.rand(2, 4, 2, 9, 6, generator=torch.Generator().manual_seed(0))
    padded = np.pad(train.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    shifted = [padded[:, :, i : i + 9, j : j + 6] for i in range(3) for j in range(3)]
    truth = [min(np.linalg.norm(row.numpy() - t) for s in shifted for t in s) for row in rows]
    assert nearest_distances(rows, train)[0].numpy() == pytest.approx(truth, rel=1e-4)


def test_large_images_are_compared_at_32_pixels():
    """Large images are averaged down, small ones and tables kept as they are."""
    assert flat_pixels(torch.zeros(2, 3, 128, 20)).shape == (2, 3 * 32 * 20)
    assert flat_pixels(torch.zeros(2, 3, 8, 9)).shape == (2, 3 * 8 * 9)
    assert flat_pixels(torch.zeros(2, 7)).shape == (2, 7)


def test_held_out_duplicates_of_training_rows_are_no_error():
    """Where real rows repeat training rows exactly, exact repeats are counted, among held-out rows as among drawn."""
    train, new = torch.randn(2, 100, 3, generator=torch.Generator().manual_seed(0))
    holdout = torch.cat([train[:20], new[:80]])
    assert copy_rate(train, train, holdout) == 1
    assert copy_rate(holdout, train, holdout) == 0.2
    assert copy_rate(new, train, holdout) == 0


def test_a_copy_in_one_view_is_a_copy():
    """A row that is near in features only is a copy, whatever its pixels say."""
    holdout = torch.rand(2, 100, generator=torch.Generator().manual_seed(0)) + 1
    assert is_copy(torch.tensor([[9.0, 9.0], [9.0, 0.0]]), holdout).tolist() == [False, True]


def test_impossible_rows_are_named(digits):
    """Rows of another shape and too few held-out rows are refused in words."""
    train = digits.train[0]
    with pytest.raises(ShapeError, match=r"synthetic must have rows of shape \(1, 8, 8\); got \(1, 9, 8\)"):
        copy_rate(torch.zeros(3, 1, 9, 8), train, train)
    with pytest.raises(ShapeError, match="holdout must have at least 20 rows; got 19"):
        copy_rate(train, train, train[:19])
