"""The tables that learners are measured on: which rows, and how they are split.

Of the sets that something may be tuned on, one half is for that and the other for figures (``tasks.py``); of equal
rows only the first is kept. Sets too small to hold labels back are split into repeated folds; of the others a few rows
are drawn many times and all draws are judged by the same other rows. Numbers that cannot be, such as a blood pressure
of zero, are missing values.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_wine
from tables_made import make_table
from tasks import folder, is_here, reports

from synthaug import Draws, Folds
from synthaug.data.split import Split

_SEED = 20261122
_N_MADE = 4000
_NEVER_ZERO = ["glucose", "bp", "skin", "insulin", "bmi"]

Table = tuple[pd.DataFrame, np.ndarray]


@dataclass(frozen=True)
class TableTask:
    """One set.

    Attributes
    ----------
    load
        All of its rows and labels.
    design
        How they are split.
    halves
        Whether some rows are for tuning; of the others all are reported.
    structure
        A name of ``tables_made.STRUCTURES``, where it is made.
    file
        A name of ``tasks.SETS``, where it is a file.
    """

    load: Callable[[], Table]
    design: Folds | Draws
    halves: bool = False
    structure: str | None = None
    file: str | None = None


@dataclass(frozen=True, eq=False)
class TableRows:
    """The rows of a set and how they are split: X a frame of n rows, y (n,), the splits."""

    X: pd.DataFrame
    y: np.ndarray
    splits: list[Split]


def available(name: str) -> bool:
    """Return whether a set is on this machine."""
    file = TASKS[name].file
    return file is None or is_here(file)


@cache
def table_rows(name: str, half: str, *, n_splits: int) -> TableRows:
    """Return the rows of one half of a set and its first splits, at most 25 folds."""
    task = TASKS[name]
    X, y = _distinct(*task.load())
    if task.halves:
        mine = reports(coded(X)) == (half == "report")
        X, y = X[mine].reset_index(drop=True), y[mine]
    if isinstance(task.design, Folds):
        design: Folds | Draws = replace(task.design, n_repeats=-(-min(n_splits, 25) // task.design.n_splits))
    else:
        design = replace(task.design, n_draws=n_splits)
    return TableRows(X, y, design.splits(None, y, None, _SEED)[:n_splits])


def _distinct(X: pd.DataFrame, y: np.ndarray) -> Table:
    kept = ~X.duplicated().to_numpy()
    return X[kept].reset_index(drop=True), y[kept]


def coded(X: pd.DataFrame) -> np.ndarray:
    """Return the rows as ``tasks.py`` has them, so that its halves are these."""
    codes = {name: X[name].cat.codes for name in X.select_dtypes("category")}
    filled = X.assign(**codes).fillna(0.0)
    return filled.to_numpy(np.float64)


def _csv(name: str, *, missing: list[str]) -> Callable[[], Table]:
    """Return a loader of a table in a file; in the columns of ``missing`` a zero is a missing value."""

    def load() -> Table:
        table = pd.read_csv(folder() / f"{name}.csv")
        X = table.drop(columns="label")
        words = X.select_dtypes(exclude="number").columns
        X = X.astype(dict.fromkeys(words, "category"))
        X[missing] = X[missing].mask(X[missing] == 0)
        return X, np.unique(table["label"], return_inverse=True)[1].astype(np.int64)

    return load


def _carried(load: Callable) -> Callable[[], Table]:
    """Return a loader of a set that scikit-learn carries."""

    def table() -> Table:
        data = load(as_frame=True)
        return data.data, data.target.to_numpy(np.int64)

    return table


def _made(name: str) -> Callable[[], Table]:
    return lambda: make_table(name, _N_MADE, _SEED)


_FOLDS = Folds(5, 5)
TASKS: dict[str, TableTask] = {
    "pima": TableTask(_csv("pima", missing=_NEVER_ZERO), _FOLDS, halves=True, file="pima"),
    "german": TableTask(_csv("german_credit", missing=[]), _FOLDS, halves=True, file="german_credit"),
    "mammography": TableTask(
        _csv("mammography", missing=[]), Draws({0: 400, 1: 30}, test_rows=1500), halves=True, file="mammography"
    ),
    "breast_cancer": TableTask(_carried(load_breast_cancer), _FOLDS),
    "wine": TableTask(_carried(load_wine), _FOLDS),
    "clinic": TableTask(_made("clinic"), Draws({0: 200, 1: 100}, test_rows=1500), structure="clinic"),
    "switch": TableTask(_made("switch"), Draws({0: 300, 1: 100}, test_rows=1500), structure="switch"),
}
