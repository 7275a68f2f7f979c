"""Distances agree with loops over their definitions, with other implementations, and with closed forms."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from synthaug.errors import ShapeError
from synthaug.quality import distances
from synthaug.quality.distances import (
    classifier_score,
    density_coverage,
    diversity_ratio,
    frechet_distance,
    kernel_distance,
    precision_recall,
)

PAIRS = {
    "kernel_distance": kernel_distance,
    "frechet_distance": frechet_distance,
    "precision_recall": precision_recall,
    "density_coverage": density_coverage,
    "diversity_ratio": diversity_ratio,
}


def two_sets(seed=0, n=40, m=30, d=5, shift=0.5):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, d)), generator.normal(size=(m, d)) * 1.2 + shift


def reach(points, balls, k):
    """Return hits (n_points, n_balls) from scikit-learn's neighbours."""
    radii = NearestNeighbors(n_neighbors=k + 1).fit(balls).kneighbors(balls)[0][:, k]
    return np.array([[np.linalg.norm(p - b) <= r for b, r in zip(balls, radii, strict=True)] for p in points])


def test_kernel_distance_is_its_definition():
    """The kernel distance is the mean kernel over pairs, written as a loop."""
    x, y = two_sets()
    kernel = lambda a, b: (a @ b / len(a) + 1) ** 3  # noqa: E731
    within = [np.mean([kernel(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j]) for s in (x, y)]
    across = np.mean([kernel(a, b) for a in x for b in y])
    assert kernel_distance(x, y) == pytest.approx(sum(within) - 2 * across, rel=1e-12)


def test_kernel_distance_of_degree_one_sees_the_means():
    """With a linear kernel the expectation is the squared distance of the means over d."""
    draws = [two_sets(seed, n=20, m=20, d=4, shift=1.0) for seed in range(400)]
    values = np.array([kernel_distance(x, y, degree=1) for x, y in draws])
    assert abs(values.mean() - 1.0) < 4 * values.std() / len(values) ** 0.5


def test_kernel_distance_is_unbiased():
    """Between two draws of one distribution the mean of many is 0 within its standard error."""
    generator = np.random.default_rng(0)
    values = np.array([kernel_distance(*generator.normal(size=(2, 15, 3))) for _ in range(600)])
    assert abs(values.mean()) < 4 * values.std() / len(values) ** 0.5


@pytest.mark.parametrize(("n", "m", "d"), [(60, 50, 6), (8, 50, 20), (300, 2, 3)])
def test_frechet_distance_agrees_with_scipy(n, m, d):
    """The singular values give what the matrix root of scipy gives, also for singular covariances."""
    x, y = two_sets(n=n, m=m, d=d)
    covariances = np.cov(x.T) @ np.cov(y.T)
    root = scipy.linalg.sqrtm(covariances + (0 if n > d and m > d else 1e-9) * np.eye(d))
    truth = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root.real)
    assert frechet_distance(x, y) == pytest.approx(truth, rel=1e-8 if n > d and m > d else 1e-2)


def test_frechet_distance_of_scaled_rows_is_known():
    """For rows that are scaled by s the covariance part is (s - 1)^2 times the total variance."""
    x = two_sets(n=30, d=4)[0]
    x = x - x.mean(0)
    assert frechet_distance(x, 3 * x) == pytest.approx(4 * x.var(0, ddof=1).sum(), rel=1e-10)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_agree_with_a_loop(k):
    """Precision and recall are what loops over scikit-learn's neighbours give."""
    x, y = two_sets()
    truth = reach(y, x, k).any(1).mean(), reach(x, y, k).any(1).mean()
    assert precision_recall(x, y, k=k) == pytest.approx(truth)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_density_and_coverage_agree_with_a_loop(k):
    """Density and coverage are what loops over scikit-learn's neighbours give."""
    x, y = two_sets()
    hits = reach(y, x, k)
    assert density_coverage(x, y, k=k) == pytest.approx((hits.sum() / (k * len(y)), hits.any(0).mean()))


def test_coverage_of_equal_distributions_is_known():
    """Between two draws of n rows, coverage is expected to be 1 - (n-1)...(n-k) / ((2n-1)...(2n-k)) (Naeem, 2020)."""
    generator, n, k = np.random.default_rng(0), 40, 3
    values = np.array([density_coverage(*generator.normal(size=(2, n, 2)), k=k) for _ in range(200)])
    truth = 1 - math.prod((n - i) / (2 * n - i) for i in range(1, k + 1))
    assert abs(values[:, 1].mean() - truth) < 4 * values[:, 1].std() / 200**0.5
    assert abs(values[:, 0].mean() - n / (n - 1)) < 4 * values[:, 0].std() / 200**0.5


def test_diversity_ratio_is_its_definition():
    """The ratio is that of the mean distances over pairs of different rows."""
    x, y = two_sets()
    spread = [scipy.spatial.distance.pdist(s).mean() for s in (x, y)]
    assert diversity_ratio(x, y) == pytest.approx(spread[1] / spread[0], rel=1e-6)


def test_diversity_of_one_repeated_row_is_zero():
    """Collapse gives 0; equal real rows leave the ratio undefined."""
    x, y = two_sets()
    assert diversity_ratio(x, np.repeat(y[:1], 9, axis=0)) == pytest.approx(0, abs=1e-6)
    assert math.isnan(diversity_ratio(np.zeros((5, 2)), y[:, :2]))


def test_classifier_score_agrees_with_scipy_and_its_bounds():
    """The score is exp of the mean relative entropy, between 1 and the number of classes, with certainties allowed."""
    p = np.random.default_rng(0).dirichlet(np.ones(4), size=50)
    assert classifier_score(p) == pytest.approx(np.exp(scipy.special.rel_entr(p, p.mean(0)).sum(1).mean()))
    assert classifier_score(np.full((7, 4), 0.25)) == pytest.approx(1)
    assert classifier_score(torch.eye(4)) == pytest.approx(4)
    assert classifier_score(torch.eye(4)[:1], marginal=torch.full((4,), 0.25)) == pytest.approx(4)


@pytest.mark.parametrize("distance", PAIRS.values(), ids=PAIRS)
def test_blocks_of_rows_change_nothing(distance, monkeypatch):
    """Walking in small blocks gives what one block gives."""
    x, y = two_sets()
    whole = distance(x, y)
    monkeypatch.setattr(distances, "_BLOCK_ROWS", 7)
    assert distance(x, y) == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize("distance", PAIRS.values(), ids=PAIRS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), offset=st.floats(-1000, 1000))
def test_a_common_shift_and_order_change_nothing(distance, seed, offset):
    """All but the kernel distance ignore a common shift, and all ignore the order of rows."""
    x, y = two_sets(seed)
    moved = 0 if distance is kernel_distance else offset
    order = np.random.default_rng(seed).permutation(len(y))
    assert distance(x + moved, y[order] + moved) == pytest.approx(distance(x, y), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("distance", PAIRS.values(), ids=PAIRS)
def test_float32_tensors_are_computed_in_float64(distance):
    """float32 tensors give what the same numbers in float64 give."""
    x, y = (torch.tensor(s, dtype=torch.float32) for s in two_sets())
    assert distance(x, y) == distance(x.double().numpy(), y.double().numpy())


@pytest.mark.parametrize("distance", PAIRS.values(), ids=PAIRS)
def test_impossible_features_are_named(distance):
    """Rows of another shape, of different widths, not finite or too few are refused in words."""
    x, y = two_sets()
    with pytest.raises(ShapeError, match=r"real must have shape \(n, d\); got \(2, 2, 2\)"):
        distance(np.zeros((2, 2, 2)), y)
    with pytest.raises(ShapeError, match="equally many features; got 5 and 4"):
        distance(x, y[:, :4])
    with pytest.raises(ShapeError, match="synthetic must be finite"):
        distance(x, np.full_like(y, np.nan))
    with pytest.raises(ShapeError, match=r"real must have at least \d rows; got 1"):
        distance(x[:1], y)


def test_classifier_score_needs_rows():
    """No probabilities give no score."""
    with pytest.raises(ShapeError, match="probabilities must have at least 1 rows; got 0"):
        classifier_score(np.zeros((0, 3)))
