"""Numbers that compare two sets of features: two matrices in, float out, computed in float64.

With ``x, x'`` real rows and ``y, y'`` synthetic ones, ``r_k(x)`` the distance from ``x`` to its k-th nearest neighbour
within its own set::

    kernel distance    E k(x,x') + E k(y,y') - 2 E k(x,y),   k(a,b) = (a.b / d + 1)^3
    Fréchet distance   |m_x - m_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2))
    precision          share of y with |y - x| <= r_k(x) for some x
    recall             share of x with |x - y| <= r_k(y) for some y
    density            mean over y of #{x : |y - x| <= r_k(x)} / k
    coverage           share of x with |y - x| <= r_k(x) for some y
    diversity ratio    E |y - y'| / E |x - x'|
    classifier score   exp E_y KL(p(c|y) || p(c))

Sets are walked in blocks of rows, so memory grows with n, not with its square.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from synthaug.errors import ShapeError

Array = Tensor | np.ndarray
_BLOCK_ROWS = 2048


def kernel_distance(real: Array, synthetic: Array, *, degree: int = 3) -> float:
    """Return the unbiased kernel distance (squared MMD, polynomial kernel) between two sets of features.

    Parameters
    ----------
    real, synthetic
        Features, shapes (n, d) and (m, d), float; n and m at least 2.
    degree
        Degree of the polynomial kernel.

    Returns
    -------
    Squared distance; its expectation is 0 for equal distributions, so a small sample may give a negative value.

    Raises
    ------
    ShapeError
        If the two differ in d, or one has too few rows.

    References
    ----------
    Binkowski et al., "Demystifying MMD GANs", 2018.

    Examples
    --------
    >>> import torch
    >>> rows = torch.eye(4)
    >>> kernel_distance(rows, rows + 3) > kernel_distance(rows, rows)
    True
    """
    x, y = _pair(real, synthetic, least=2)
    within = _mean_kernel_within(x, degree) + _mean_kernel_within(y, degree)
    return within - 2 * _kernel_sum(x, y, degree) / (len(x) * len(y))


def frechet_distance(real: Array, synthetic: Array) -> float:
    """Return the Fréchet distance between the normal distributions fitted to two sets of features.

    .. warning::
       Biased upwards by the number of rows: with the usual 2048 features it means nothing below 2048 rows a set.
       Compare only with a floor at equal n, and prefer ``kernel_distance`` for small sets.

    The trace of the root of ``S_x S_y`` is the sum of the singular values of ``R_x R_y'``, with ``R'R = S`` from a QR
    decomposition of the centred rows: no root of a matrix that is nearly singular, and exact where n < d.

    Parameters
    ----------
    real, synthetic
        Features, shapes (n, d) and (m, d), float; n and m at least 2.

    Returns
    -------
    Squared distance, at least 0.

    Raises
    ------
    ShapeError
        If the two differ in d, or one has too few rows.

    References
    ----------
    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", 2017.

    Examples
    --------
    >>> import torch
    >>> rows = torch.eye(4)
    >>> round(frechet_distance(rows, rows + 1), 6)
    4.0
    """
    x, y = _pair(real, synthetic, least=2)
    root_x, root_y = _covariance_root(x), _covariance_root(y)
    cross = torch.linalg.svdvals(root_x @ root_y.T).sum()
    spread = root_x.square().sum() + root_y.square().sum() - 2 * cross
    return float(((x.mean(0) - y.mean(0)).square().sum() + spread).clamp_min(0))


def precision_recall(real: Array, synthetic: Array, *, k: int = 5) -> tuple[float, float]:
    """Return precision (are synthetic rows like real ones) and recall (are real rows like synthetic ones).

    Parameters
    ----------
    real, synthetic
        Features, shapes (n, d) and (m, d), float; n and m more than k.
    k
        Which nearest neighbour sets the radius.

    Returns
    -------
    Precision and recall, each 0 to 1.

    Raises
    ------
    ShapeError
        If the two differ in d, or one has too few rows.

    References
    ----------
    Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models", 2019.

    Examples
    --------
    >>> import torch
    >>> rows = torch.arange(10.0)[:, None]
    >>> precision_recall(rows, rows[:4], k=2)
    (1.0, 0.6)
    """
    x, y = _pair(real, synthetic, least=k + 1)
    precision = _in_reach(y, x, _radii(x, k))
    recall = _in_reach(x, y, _radii(y, k))
    return float(precision.double().mean()), float(recall.double().mean())


def density_coverage(real: Array, synthetic: Array, *, k: int = 5) -> tuple[float, float]:
    """Return density (how many real neighbourhoods a synthetic row lies in) and coverage (how many hold one).

    Parameters
    ----------
    real, synthetic
        Features, shapes (n, d) and (m, d), float; n more than k, m at least 1.
    k
        Which nearest neighbour sets the radius.

    Returns
    -------
    Density, at least 0 and about 1 for equal distributions; coverage, 0 to 1.

    Raises
    ------
    ShapeError
        If the two differ in d, or one has too few rows.

    References
    ----------
    Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", 2020.

    Examples
    --------
    >>> import torch
    >>> rows = torch.arange(10.0)[:, None]
    >>> density_coverage(rows, rows[:1], k=2)
    (1.0, 0.2)
    """
    x, y = _pair(real, synthetic, least=1)
    _enough("real", x, k + 1)
    radii = _radii(x, k)
    n_hits, covered = 0, torch.zeros(len(x), dtype=torch.bool)
    for hits in (distances <= radii for distances in _distance_blocks(y, x)):
        n_hits += int(hits.sum())
        covered |= hits.any(0)
    return n_hits / (k * len(y)), float(covered.double().mean())


def diversity_ratio(real: Array, synthetic: Array) -> float:
    """Return the mean distance between two synthetic rows over the mean distance between two real ones.

    Parameters
    ----------
    real, synthetic
        Features, shapes (n, d) and (m, d), float; n and m at least 2.

    Returns
    -------
    Ratio: 0 where all synthetic rows are one, about 1 for equal distributions; NaN where all real rows are one.

    Raises
    ------
    ShapeError
        If the two differ in d, or one has too few rows.

    Examples
    --------
    >>> import torch
    >>> rows = torch.eye(4)
    >>> round(diversity_ratio(rows, rows / 2), 6)
    0.5
    """
    x, y = _pair(real, synthetic, least=2)
    spread = _mean_distance(x)
    return _mean_distance(y) / spread if spread > 0 else float("nan")


def classifier_score(probabilities: Array, *, marginal: Array | None = None) -> float:
    """Return the Inception Score's form, exp E KL(p(c|y) || p(c)), from any classifier's probabilities.

    Parameters
    ----------
    probabilities
        Class probabilities of the synthetic rows, shape (n, n_classes), each row sums to 1; n at least 1.
    marginal
        p(c), shape (n_classes,); the mean of ``probabilities`` by default. Give the whole set's to score one class.

    Returns
    -------
    1 (every row looks like the average) to n_classes (every row surely of one class, classes equally frequent); with
    ``marginal``, to one over its least entry.

    Raises
    ------
    ShapeError
        If ``probabilities`` is not a matrix with rows.

    References
    ----------
    Salimans et al., "Improved Techniques for Training GANs", 2016.

    Examples
    --------
    >>> import torch
    >>> round(classifier_score(torch.eye(3)), 6)
    3.0
    """
    p = _features("probabilities", probabilities, least=1)
    q = p.mean(0) if marginal is None else torch.as_tensor(marginal, dtype=torch.float64)
    divergence = torch.xlogy(p, p) - torch.xlogy(p, q)
    return float(divergence.sum(1).mean().exp())


def _features(name: str, array: Array, *, least: int) -> Tensor:
    features = torch.as_tensor(array, dtype=torch.float64).detach().cpu()
    if features.ndim != 2:
        raise ShapeError(f"{name} must have shape (n, d); got {tuple(features.shape)}. Flatten rows: x.flatten(1).")
    if not bool(features.isfinite().all()):
        raise ShapeError(f"{name} must be finite; got NaN or infinite values. Drop or repair these rows.")
    _enough(name, features, least)
    return features


def _enough(name: str, features: Tensor, least: int) -> None:
    if len(features) < least:
        raise ShapeError(f"{name} must have at least {least} rows; got {len(features)}. Give more rows or lower k.")


def _pair(real: Array, synthetic: Array, *, least: int) -> tuple[Tensor, Tensor]:
    x, y = _features("real", real, least=least), _features("synthetic", synthetic, least=least)
    if x.shape[1] != y.shape[1]:
        raise ShapeError(f"real and synthetic must have equally many features; got {x.shape[1]} and {y.shape[1]}.")
    return x, y


def _kernel_sum(x: Tensor, y: Tensor, degree: int) -> float:
    return sum(float((block @ y.T / x.shape[1] + 1).pow(degree).sum()) for block in x.split(_BLOCK_ROWS))


def _mean_kernel_within(x: Tensor, degree: int) -> float:
    """Return the mean of the kernel over pairs of different rows."""
    diagonal = float((x.square().sum(1) / x.shape[1] + 1).pow(degree).sum())
    return (_kernel_sum(x, x, degree) - diagonal) / (len(x) * (len(x) - 1))


def _covariance_root(x: Tensor) -> Tensor:
    """Return R with R'R the covariance of the rows."""
    return torch.linalg.qr((x - x.mean(0)) / (len(x) - 1) ** 0.5, mode="r").R


def _distance_blocks(x: Tensor, y: Tensor) -> Iterator[Tensor]:
    """Yield the distances from blocks of rows of x to all rows of y."""
    centre = y.mean(0)  # Euclidean distance through a product of matrices loses digits far from the origin
    y = y - centre
    for block in x.split(_BLOCK_ROWS):
        yield torch.cdist(block - centre, y, compute_mode="use_mm_for_euclid_dist")


def _radii(x: Tensor, k: int) -> Tensor:
    """Return each row's distance to its k-th nearest other row."""
    return torch.cat([distances.kthvalue(k + 1, dim=1).values for distances in _distance_blocks(x, x)])


def _in_reach(x: Tensor, y: Tensor, radii: Tensor) -> Tensor:
    """Return which rows of x lie in the ball of at least one row of y."""
    return torch.cat([(distances <= radii).any(1) for distances in _distance_blocks(x, y)])


def _mean_distance(x: Tensor) -> float:
    total = sum(float(distances.sum()) for distances in _distance_blocks(x, x))
    return total / (len(x) * (len(x) - 1))
