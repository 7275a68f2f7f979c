"""Which rows are learned from and which are scored on: folds, and draws of a few labels with the rest held back."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthaug._check import check_positive
from synthaug._seed import derive, numpy_stream
from synthaug.data.labels import place_of
from synthaug.errors import ConfigError


@dataclass(frozen=True)
class Split:
    """One split of the rows.

    Attributes
    ----------
    repeat, fold
        Its numbers; a draw is a repeat of one fold.
    train, test
        Row numbers, disjoint.
    """

    repeat: int
    fold: int
    train: np.ndarray
    test: np.ndarray


def stratified_folds(
    y: np.ndarray, *, n_splits: int, seed: int, groups: np.ndarray | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (train, test) row numbers of shuffled folds over which each class is spread evenly.

    Parameters
    ----------
    y
        Labels (n,).
    n_splits
        How many folds, at least 2. A class with fewer rows is absent from some test parts, which is no error.
    seed
        Decides the shuffle.
    groups
        Which rows belong together (n,); a group is never on both sides.
    """
    if groups is not None:
        from sklearn.model_selection import StratifiedGroupKFold  # a fifth of a second, not to be paid at import

        splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=derive(seed, "folds") % 2**32)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
            return list(splitter.split(np.zeros(len(y)), y, groups))
    shuffled = numpy_stream(seed, "folds").permutation(len(y))
    by_class = shuffled[np.argsort(np.asarray(y)[shuffled], kind="stable")]
    fold = np.empty(len(y), dtype=np.int64)
    fold[by_class] = np.arange(len(y)) % n_splits
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_splits)]


def repeated_folds(
    y: np.ndarray, *, n_splits: int, n_repeats: int, seed: int, groups: np.ndarray | None = None
) -> list[Split]:
    """Return ``n_repeats`` times ``n_splits`` stratified folds, each repeat shuffled anew.

    Raises
    ------
    ConfigError
        If there are fewer than two folds, or more than rows in the smallest class, or than groups.
    """
    _, counts = np.unique(y, return_counts=True)
    check_positive("n_repeats", n_repeats, integer=True)
    if check_positive("n_splits", n_splits, integer=True) < 2:
        raise ConfigError(f"n_splits must be at least 2; got {n_splits} (nothing would be left to learn from).")
    if n_splits > counts.min():
        raise ConfigError(f"n_splits must be at most the rows of the smallest class ({counts.min()}); got {n_splits}.")
    if groups is not None and n_splits > len(np.unique(groups)):
        raise ConfigError(f"n_splits must be at most the number of groups ({len(np.unique(groups))}); got {n_splits}.")
    return [
        Split(repeat, fold, train, test)
        for repeat in range(n_repeats)
        for fold, (train, test) in enumerate(
            stratified_folds(y, n_splits=n_splits, seed=derive(seed, "repeat", repeat), groups=groups)
        )
    ]


def label_scarce_draws(
    y: np.ndarray,
    *,
    rows_per_class: int | Mapping[Any, int],
    n_draws: int,
    test_rows: int,
    seed: int,
    groups: np.ndarray | None = None,
) -> list[Split]:
    """Return independent draws of a few training rows, all scored on the same held-out rows.

    Parameters
    ----------
    y
        Labels (n,).
    rows_per_class
        Training rows of every class, or of each class named; all classes must be.
    n_draws
        How many draws.
    test_rows
        How many rows are held out, stratified (about so many with ``groups``).
    seed
        Decides the held-out rows and the draws.
    groups
        Which rows belong together (n,); no group is both held out and drawn.

    Raises
    ------
    ConfigError
        If a count is not a positive integer, or a class has too few rows left, none to test on, or is not named.
    """
    check_positive("n_draws", n_draws, integer=True)
    test = _held_out(y, test_rows, seed, groups)
    pool = np.setdiff1d(np.arange(len(y)), test)
    wanted = _wanted(y, rows_per_class)
    for label, n in wanted.items():
        there = int((y[pool] == label).sum())
        if n > there:
            raise ConfigError(
                f"rows_per_class must leave enough rows beside the {len(test)} held out; got {n} for class {label!r}, "
                f"which has {there}. Ask for fewer, or lower test_rows."
            )
    splits = []
    for draw in range(n_draws):
        stream = numpy_stream(seed, "draw", draw)
        rows = [stream.permutation(pool[y[pool] == label])[:n] for label, n in wanted.items()]
        splits.append(Split(draw, 0, np.sort(np.concatenate(rows)), test))
    return splits


def _held_out(y: np.ndarray, test_rows: int, seed: int, groups: np.ndarray | None) -> np.ndarray:
    if not 0 < test_rows < len(y):
        raise ConfigError(f"test_rows must be between 1 and the number of rows ({len(y)}) less 1; got {test_rows}.")
    if groups is not None:
        return _held_out_groups(y, test_rows, seed, groups)
    from sklearn.model_selection import train_test_split

    state = derive(seed, "test") % 2**32
    try:
        test = np.sort(train_test_split(np.arange(len(y)), test_size=test_rows, stratify=y, random_state=state)[1])
    except ValueError as error:
        raise ConfigError(
            f"test_rows must leave rows of every class on both sides; got {test_rows}. {error}"
        ) from error
    if untested := np.setdiff1d(y, y[test]).tolist():
        raise ConfigError(
            f"test_rows must be enough for rows of every class; got {test_rows}, which leaves none of {untested}. "
            "Raise it."
        )
    return test


def _held_out_groups(y: np.ndarray, test_rows: int, seed: int, groups: np.ndarray) -> np.ndarray:
    n_groups, counts = len(np.unique(groups)), np.unique(y, return_counts=True)[1]
    if n_groups < 2:
        raise ConfigError("groups must be at least two, so that some can be held out; got one group.")
    n_splits = min(n_groups, int(counts.max()), max(2, round(len(y) / test_rows)))
    for _, test in stratified_folds(y, n_splits=n_splits, seed=seed, groups=groups):
        if len(np.unique(y[test])) == len(counts):
            return test
    raise ConfigError(
        f"test_rows must be enough for rows of every class; got {test_rows}, and no {n_splits}th part of the groups "
        "holds all classes. Raise it."
    )


def _wanted(y: np.ndarray, rows_per_class: int | Mapping[Any, int]) -> dict[Any, int]:
    classes = np.unique(y).tolist()
    if not isinstance(rows_per_class, Mapping):
        return dict.fromkeys(classes, check_positive("rows_per_class", rows_per_class, integer=True))
    named = {
        place_of(label, classes): check_positive(f"rows_per_class[{label!r}]", n, integer=True)
        for label, n in rows_per_class.items()
    }
    if len(rows_per_class) != len(classes) or set(named) != set(range(len(classes))):
        raise ConfigError(f"rows_per_class must name every class ({classes}); got {list(rows_per_class)}.")
    return {label: named[place] for place, label in enumerate(classes)}
