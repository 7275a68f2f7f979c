"""How many synthetic rows are copies of training rows, calibrated on held-out real rows.

A row's distance to the training rows is taken twice, in pixels (or columns) and in features, each the least over shifts
of the training images by up to one pixel. Its nearness is the lesser of the two, each in units of the 5 % quantile of
the held-out rows' own distances. A row nearer than 95 % of the held-out rows is a copy: of real rows about 5 % are.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from synthaug.errors import ShapeError

Embed = Callable[[Tensor], Tensor]

MIN_HOLDOUT = 20  # below, a 5 % quantile lies beyond the nearest row
_QUANTILE = 0.05
_BLOCK_ROWS = 1024
_TINY = 1e-12
_DIGITS_LOST = 2e-3  # of a row's length, by a product of float32 matrices between rows that are equal


def copy_rate(synthetic: Tensor, train: Tensor, holdout: Tensor, *, embed: Embed | None = None) -> float:
    """Return the fraction of synthetic rows that lie nearer to a training row than real rows do.

    Parameters
    ----------
    synthetic, train, holdout
        Rows, images (n, c, h, w) or tables (n, d), float; at least 1, 1 and 20 of them. ``holdout`` holds
        real rows that the generator never saw.
    embed
        Rows to features (n, f), such as ``RandomFeatures``; without it only pixels (or columns) are compared.

    Returns
    -------
    Fraction, 0 to 1; about 0.05 for real rows.

    Raises
    ------
    ShapeError
        If the rows differ in shape, or are too few.

    Examples
    --------
    >>> import torch
    >>> train, holdout = torch.randn(2, 40, 3, generator=torch.Generator().manual_seed(0))
    >>> copy_rate(train + 1e-4, train, holdout)
    1.0
    """
    _check(synthetic, train, holdout)
    nearness = [nearest_distances(rows, train, embed=embed) for rows in (synthetic, holdout)]
    return float(is_copy(*nearness).double().mean())


def nearest_distances(rows: Tensor, train: Tensor, *, embed: Embed | None = None) -> Tensor:
    """Return each row's distance to its nearest training row, in pixels (or columns) and, if given, in features.

    Parameters
    ----------
    rows, train
        Rows, images (n, c, h, w) or tables (n, d), float.
    embed
        Rows to features (n, f).

    Returns
    -------
    Distances, shape (1, n), or (2, n) with ``embed``, float32; infinite without training rows.
    """
    views = [flat_pixels] if embed is None else [flat_pixels, embed]
    return torch.stack([_nearest(view, rows, train) for view in views])


def distances_to_others(train: Tensor, *, groups: Tensor | None = None, embed: Embed | None = None) -> Tensor:
    """Return each training row's distance to the nearest other one, as ``nearest_distances`` takes it.

    Parameters
    ----------
    train
        Rows, images (n, c, h, w) or tables (n, d), float.
    groups
        Which rows belong together, shape (n,): a row of the same group is no other one. Each row by default.
    embed
        Rows to features (n, f).

    Returns
    -------
    Distances, shape (1, n), or (2, n) with ``embed``, float32; infinite without another row.
    """
    groups = torch.arange(len(train)) if groups is None else groups
    views = [flat_pixels] if embed is None else [flat_pixels, embed]
    return torch.stack([_nearest_other(view, train, groups) for view in views])


def is_copy(distances: Tensor, holdout_distances: Tensor) -> Tensor:
    """Return which rows lie nearer to the training rows than 95 % of the held-out rows do.

    Where more than 5 % of the held-out rows equal a training row, those that equal one.

    Parameters
    ----------
    distances, holdout_distances
        What ``nearest_distances`` gave for the rows and for held-out rows, shapes (v, n) and (v, m), m at least 1.

    Returns
    -------
    Bool, shape (n,).
    """
    unit = holdout_distances.quantile(_QUANTILE, dim=1, keepdim=True).clamp_min(_TINY)
    limit = (holdout_distances / unit).amin(0).quantile(_QUANTILE)
    nearness = (distances / unit).amin(0)
    return nearness < limit if limit > 0 else nearness == 0


def flat_pixels(rows: Tensor, *, side: int = 32) -> Tensor:
    """Return rows as vectors, images of more than ``side`` pixels a side averaged down to it.

    Parameters
    ----------
    rows
        Images (n, c, h, w) or tables (n, d), float.
    side
        The most pixels a side that are kept.

    Returns
    -------
    Vectors, shape (n, d).
    """
    if rows.ndim == 4:
        height, width = (min(side, size) for size in rows.shape[2:])
        rows = rows if rows.shape[2:] == (height, width) else F.adaptive_avg_pool2d(rows, (height, width))
    return rows.flatten(1)


def _nearest(embed: Embed, rows: Tensor, train: Tensor) -> Tensor:
    points = embed(rows)
    best = points.new_full((len(points),), torch.inf)
    for block in (block for shifted in _shifts(train) for block in shifted.split(_BLOCK_ROWS)):
        if len(block):
            best = torch.minimum(best, _least_distance(points, embed(block)))
    return best


def _nearest_other(embed: Embed, train: Tensor, groups: Tensor) -> Tensor:
    points = embed(train)
    best = points.new_full((len(points),), torch.inf)
    for shifted in map(embed, _shifts(train)):
        centre = shifted.mean(0)
        for first in range(0, len(points), _BLOCK_ROWS):
            part = slice(first, first + _BLOCK_ROWS)
            far = torch.cdist(points[part] - centre, shifted - centre, compute_mode="use_mm_for_euclid_dist")
            far.masked_fill_(groups[part, None] == groups, torch.inf)
            best[part] = torch.minimum(best[part], far.amin(1))
    return best


def _least_distance(points: Tensor, targets: Tensor) -> Tensor:
    centre = targets.mean(0)  # the product of matrices loses digits far from the origin
    blocks = (points - centre).split(_BLOCK_ROWS)
    least = torch.cat(
        [torch.cdist(block, targets - centre, compute_mode="use_mm_for_euclid_dist").amin(1) for block in blocks]
    )
    return least.masked_fill(least < _DIGITS_LOST * (points - centre).norm(dim=1), 0.0)


def _shifts(rows: Tensor) -> Iterator[Tensor]:
    """Yield images shifted by -1, 0 and 1 pixels both ways, edges repeated; tables as they are."""
    if rows.ndim != 4:
        yield rows
        return
    height, width = rows.shape[2:]
    padded = F.pad(rows, (1, 1, 1, 1), mode="replicate") if len(rows) else rows
    for top in range(3):
        for left in range(3):
            yield padded[:, :, top : top + height, left : left + width]


def _check(synthetic: Tensor, train: Tensor, holdout: Tensor) -> None:
    for name, rows, least in (("synthetic", synthetic, 1), ("train", train, 1), ("holdout", holdout, MIN_HOLDOUT)):
        if rows.shape[1:] != train.shape[1:]:
            raise ShapeError(f"{name} must have rows of shape {tuple(train.shape[1:])}; got {tuple(rows.shape[1:])}.")
        if len(rows) < least:
            raise ShapeError(f"{name} must have at least {least} rows; got {len(rows)}. Give more rows.")
