"""Which rows belong together (a patient's, say): one entry for each row, and never one group on two sides."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from synthaug.errors import ShapeError

_NAMED = 6


def checked_groups(groups: Any, n_rows: int, *, name: str = "groups") -> np.ndarray | None:
    """Return groups as an array (n_rows,), or None where there are none.

    Parameters
    ----------
    groups
        One entry for each row, numbers or words; None for none.
    n_rows
        How many rows there are.
    name
        What messages call them.

    Raises
    ------
    ShapeError
        If there is not one entry for each row, entries are missing, or they are of several types.
    """
    if groups is None:
        return None
    array = np.asarray(groups)
    if array.shape != (n_rows,):
        raise ShapeError(f"{name} must hold one entry for each row; got shape {array.shape} for {n_rows} rows.")
    missing = np.flatnonzero(pd.isna(array))
    if len(missing):
        raise ShapeError(
            f"{name} must not be missing; got {len(missing)} missing (rows {_listed(missing)}). Give each row whose "
            "group is unknown a group of its own, or drop it."
        )
    return _of_one_type(array, name) if array.dtype == object else array


def _of_one_type(array: np.ndarray, name: str) -> np.ndarray:
    kinds = sorted({type(entry).__name__ for entry in array})
    if len(kinds) > 1:
        raise ShapeError(f"{name} must be of one type; got {' and '.join(kinds)}. Convert them to one.")
    return np.asarray(array.tolist()) if kinds == ["str"] else array


def check_groups_apart(groups: np.ndarray, train: np.ndarray, test: np.ndarray) -> None:
    """Raise ShapeError, naming the group's number and its rows, if a group stands on both sides of a split.

    Parameters
    ----------
    groups
        Which rows belong together, shape (n,). A group's number is its place among the sorted groups: what a group is
        called may be a patient's name, and is never told.
    train, test
        Row numbers of either side.
    """
    both = np.intersect1d(groups[train], groups[test])
    if not len(both):
        return
    names, places = np.unique(groups), np.flatnonzero(groups == both[0])
    number = int(np.searchsorted(names, both[0]))
    more = f"; so do {len(both) - 1} other groups" if len(both) > 1 else ""
    raise ShapeError(
        f"a group must stand on one side of a split; got group number {number} on both (rows {_listed(places)}){more}. "
        "Use a splitter that knows groups, such as StratifiedGroupKFold."
    )


def check_named_split(groups: np.ndarray | None, split: np.ndarray | None) -> None:
    """Raise ShapeError, naming the group's number and its rows, if a group is in two parts of a named split.

    Parameters
    ----------
    groups, split
        The group of each row and the part it is put in, such as ``train`` and ``test``, shapes (n,); None for none. A
        row whose part is "" is in none.
    """
    if groups is None or split is None:
        return
    n_parts = pd.Series(split).where(split != "").groupby(groups).nunique()
    torn = n_parts.index[n_parts > 1]
    if not len(torn):
        return
    number, mine = int(np.searchsorted(np.unique(groups), torn[0])), groups == torn[0]
    parts = [part for part in np.unique(split[mine]) if part]
    told = " and ".join(f"rows {_listed(np.flatnonzero(mine & (split == part)))} in '{part}'" for part in parts)
    raise ShapeError(
        f"a group must be in one part of a split; got group number {number} in {len(parts)} ({told}), and {len(torn)} "
        "groups so in all. Put all rows of a group (a patient) into one part."
    )


def check_sets_apart(first: np.ndarray, second: np.ndarray, *, names: Sequence[str]) -> None:
    """Raise ShapeError, naming the group's number and its rows, if two sets of rows share a group.

    Parameters
    ----------
    first, second
        The groups of either set's rows, shapes (n,) and (m,).
    names
        What the two sets are called.
    """
    both = np.intersect1d(first, second)
    if not len(both):
        return
    number = int(np.searchsorted(np.unique(np.concatenate([first, second])), both[0]))
    told = " and ".join(
        f"rows {_listed(np.flatnonzero(groups == both[0]))} of {name}"
        for groups, name in zip((first, second), names, strict=True)
    )
    raise ShapeError(
        f"a group must be in one of {names[0]} and {names[1]}; got group number {number} in both ({told}). "
        "Take rows of other groups for one of them."
    )


def _listed(rows: np.ndarray) -> str:
    return ", ".join(map(str, rows[:_NAMED].tolist())) + (f", ... ({len(rows)} in all)" if len(rows) > _NAMED else "")
