"""Blocks of rows: how a metric that is no mean, such as balanced accuracy, is shared out over the rows it was
measured on.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthaug.errors import ConfigError, LabelError, ShapeError


def jackknife_blocks(
    statistic: Callable[[NDArray[np.intp]], float], blocks: Sequence[NDArray[np.intp]]
) -> NDArray[np.float64]:
    """Return what each block of test rows contributes to a metric; the mean is the metric itself.

    Parameters
    ----------
    statistic
        The metric on the rows whose numbers it is given, as ``lambda rows: accuracy_score(y[rows], predicted[rows])``.
    blocks
        Row numbers of each block, as from `stratified_blocks`; at least 2 blocks.

    Returns
    -------
    Pseudo-values, shape (n_blocks,), float64. Of a mean over rows they are, with blocks of one size, the blocks' means;
    else a block's distance from the whole is weighted by its size.

    Raises
    ------
    ShapeError
        If there are fewer than 2 blocks.

    References
    ----------
    Busing, Meijer & van der Leeden, "Delete-m jackknife for unequal m", 1999.

    Examples
    --------
    >>> import numpy as np
    >>> correct = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    >>> jackknife_blocks(lambda rows: correct[rows].mean(), [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])])
    array([1. , 0.5, 0. ])
    """
    rows, owner = _dealt(blocks)
    whole = statistic(np.sort(rows))
    without = np.array([statistic(np.sort(rows[owner != block])) for block in range(len(blocks))])
    return _pseudo_values(whole, without, np.bincount(owner, minlength=len(blocks)))


def jackknife_sums(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    parts: ArrayLike,
    blocks: Sequence[NDArray[np.intp]],
) -> NDArray[np.float64]:
    """Return what `jackknife_blocks` returns for a metric that follows from sums over the rows, much sooner.

    Parameters
    ----------
    statistic
        The metric from sums, shape (..., q) to (...), as ``lambda sums: sums[..., 0] / sums[..., 1]``.
    parts
        What each row adds to the sums, shape (n, q), float.
    blocks
        Row numbers of each block; at least 2 blocks.

    Raises
    ------
    ShapeError
        If there are fewer than 2 blocks.

    Examples
    --------
    >>> import numpy as np
    >>> correct = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    >>> parts, blocks = np.stack([correct, np.ones(6)], axis=1), [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])]
    >>> jackknife_sums(lambda sums: sums[..., 0] / sums[..., 1], parts, blocks)
    array([1. , 0.5, 0. ])
    """
    rows, owner = _dealt(blocks)
    numbers = np.asarray(parts, dtype=float)
    sums = np.zeros((len(blocks), numbers.shape[1]))
    np.add.at(sums, owner, numbers[rows])
    total = sums.sum(axis=0)
    sizes = np.bincount(owner, minlength=len(blocks))
    return _pseudo_values(float(statistic(total)), np.asarray(statistic(total - sums)), sizes)


def stratified_blocks(labels: ArrayLike, n_blocks: int) -> list[NDArray[np.intp]]:
    """Return blocks of row numbers over which every class is spread as evenly as can be.

    Parameters
    ----------
    labels
        Labels of the rows, shape (n,), of any kind that can be sorted; at least 2 rows of every class.
    n_blocks
        How many blocks, from 2 to n.

    Returns
    -------
    ``n_blocks`` arrays of row numbers, each rising. Sizes differ by at most 1, in total and in every class; no class
    lies in one block alone. No chance is involved: rows are dealt in turn, class by class. Rows count as
    independent, so several of one patient, dealt to several blocks, make an interval too short.

    Raises
    ------
    ConfigError
        If ``n_blocks`` is out of range.
    LabelError
        If a class has one row: how much luck is in a single row cannot be told.

    Examples
    --------
    >>> [block.tolist() for block in stratified_blocks(["cat", "cat", "dog", "dog", "dog", "cat"], 3)]
    [[0, 2], [1, 3], [4, 5]]
    """
    classes, codes, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    if not 2 <= n_blocks <= codes.size:
        raise ConfigError(
            f"n_blocks must be from 2 to the number of rows, {codes.size}; got {n_blocks}. Ask for fewer."
        )
    if counts.min() < 2:
        alone = classes.tolist()[int(counts.argmin())]
        raise LabelError(
            f"every class needs at least 2 test rows; got 1 for class {alone!r}. Hold back more, or drop it."
        )
    dealt = np.argsort(codes, kind="stable")
    return [np.sort(dealt[block::n_blocks]) for block in range(n_blocks)]


def _dealt(blocks: Sequence[NDArray[np.intp]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the row numbers of all blocks and the block of each, or raise ShapeError."""
    if len(blocks) < 2:
        raise ShapeError(f"blocks must be at least 2; got {len(blocks)}. Split the rows into more blocks.")
    return np.concatenate(blocks), np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])


def _pseudo_values(whole: float, without: NDArray[np.float64], sizes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the delete-m jackknife's pseudo-values, centred on the whole."""
    deviations = len(sizes) * (1 - sizes / sizes.sum()) * (whole - without)
    return whole + deviations - deviations.mean()
