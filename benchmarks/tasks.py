"""The tasks that learners are measured on: which rows they learn from, and which rows judge them.

Each set is cut once into a *dev* half (settings are chosen there) and a *report* half (published figures), by the
parity of the SHA-256 of a row's bytes. Nothing is tuned on ``brain``, so all of its rows report. A half is cut again,
by a seed of its own: rows that the oracle learns from, rows that judge, and a pool from which each seed draws training
rows. A learner never sees a row of the first two kinds. In the small sets of medical images exact duplicates are
dropped and near-duplicates (of equal perceptual hash) stay on one side.

Fashion-MNIST comes from the Debian package ``dataset-fashion-mnist``; the ``.npz`` files (``x_*`` uint8, ``y_*``
int64) and the ``.csv`` files (a header, ``label`` last) from the folder that ``SYNTHAUG_DATA`` names.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from synthaug.data.datasets import DATASETS
from synthaug.data.schema import ImageSchema

Labelled = tuple[Tensor, Tensor]
_CUT_SEED = 20261122
_ORACLE_FRACTION, _JUDGE_FRACTION = 0.4, 0.3
_MOST_ORACLE_ROWS, _MOST_JUDGES_A_CLASS = 6000, 200


@dataclass(frozen=True)
class Task:
    """What is learned from.

    Attributes
    ----------
    data
        A name of ``SETS``.
    n_per_class
        Training rows of each class; None for all of the pool.
    n_rare
        Training rows of each of the four rare classes, if there are any.
    halves
        Whether the set is cut into halves; a set that nothing is tuned on is not.
    """

    data: str
    n_per_class: int | None
    n_rare: int | None = None
    halves: bool = True


@dataclass(frozen=True)
class Problem:
    """The rows of one task and seed, in model space: images (n, c, h, w), float32, in [-1, 1].

    Attributes
    ----------
    train
        What the learner sees.
    oracle
        What the oracle learns from.
    reference, second
        Real rows that judge, and as many others that stand in for synthetic rows to give the floor.
    schema
        What the rows are.
    """

    train: Labelled
    oracle: Labelled
    reference: Labelled
    second: Labelled
    schema: ImageSchema


TASKS: dict[str, Task] = {
    "fashion-50": Task("fashion", 50),
    "fashion-20": Task("fashion", 20),
    "mnist-20": Task("mnist10k", 20),
    "mnist-rare": Task("mnist10k", 60, n_rare=4),
    "retina": Task("retinamnist", None),
    "breast": Task("breastmnist", None),
    "brain": Task("brain_mri64", None, halves=False),
}


def problem(name: str, *, half: str, seed: int) -> Problem:
    """Return the rows of a task for one seed."""
    task = TASKS[name]
    x, y = rows_of_half(task.data, half if task.halves else None, distinct=task.n_per_class is None)
    oracle, judges, pool = _cut(y, grouped=near_duplicates(x) if task.n_per_class is None else None)
    chosen = _draw(y, pool, task, np.random.default_rng([seed, _CUT_SEED]))
    first, second = _pair(y, judges)
    images = torch.from_numpy(x).float() / 127.5 - 1.0
    parts = [(images[rows], torch.from_numpy(y[rows])) for rows in (chosen, oracle, first, second)]
    return Problem(*parts, ImageSchema(tuple(images.shape[1:]), int(y.max()) + 1))


@cache
def _load(name: str) -> tuple[np.ndarray, np.ndarray]:
    return SETS[name]()


def _fashion() -> tuple[np.ndarray, np.ndarray]:
    data = DATASETS["fashion"]()
    return np.asarray(data.X, np.uint8).reshape(-1, 1, 28, 28), np.asarray(data.y).astype(np.int64)


def _npz(name: str) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    def load() -> tuple[np.ndarray, np.ndarray]:
        with np.load(folder() / f"{name}.npz") as file:
            x = np.concatenate([file[key] for key in sorted(file.files) if key.startswith("x_")])
            y = np.concatenate([file[key] for key in sorted(file.files) if key.startswith("y_")])
        return (x[:, None] if x.ndim == 3 else x.transpose(0, 3, 1, 2)), y.astype(np.int64).ravel()

    return load


def _carried(name: str) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    def load() -> tuple[np.ndarray, np.ndarray]:
        data = DATASETS[name]()
        x = np.asarray(data.X)
        return (x[:, None].astype(np.uint8) if x.ndim == 3 else x), np.asarray(data.y).astype(np.int64)

    return load


def _csv(name: str) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    """Return a loader of a table; columns of words become numbers in the words' order."""

    def load() -> tuple[np.ndarray, np.ndarray]:
        table = pd.read_csv(folder() / f"{name}.csv")
        x, words = table.drop(columns="label"), table.drop(columns="label").select_dtypes(exclude="number").columns
        coded = x.assign(**{column: x[column].astype("category").cat.codes for column in words})
        return coded.to_numpy(np.float64), np.unique(table["label"], return_inverse=True)[1].astype(np.int64)

    return load


def folder() -> Path:
    """Return where the files are: what ``SYNTHAUG_DATA`` names."""
    return Path(os.environ.get("SYNTHAUG_DATA", "../shared/data"))


SETS: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "fashion": _fashion,
    **{name: _carried(name) for name in ("digits", "breast_cancer")},
    **{name: _csv(name) for name in ("pima", "german_credit", "mammography")},
    **{name: _npz(name) for name in ("mnist10k", "retinamnist", "breastmnist", "brain_mri64")},
}


def available(name: str) -> bool:
    """Return whether the data of a task is on this machine."""
    return is_here(TASKS[name].data)


def is_here(data: str) -> bool:
    """Return whether a set is on this machine."""
    try:
        _load(data)
    except (OSError, ValueError):
        return False
    return True


def rows_of_half(data: str, half: str | None, *, distinct: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return rows (n, ...) and labels (n,) of one half of a set, or of all of it (None).

    Parameters
    ----------
    data
        A name of ``SETS``.
    half
        ``dev``, ``report`` or None.
    distinct
        Whether of equal rows only the first is kept.
    """
    x, y = _load(data)
    if distinct:
        first = np.sort(np.unique(x.reshape(len(x), -1), axis=0, return_index=True)[1])
        x, y = x[first], y[first]
    if half is None:
        return x, y
    mine = reports(x) == (half == "report")
    return x[mine], y[mine]


def reports(x: np.ndarray) -> np.ndarray:
    """Return which rows of x (n, ...) are of the report half, shape (n,), bool: those whose SHA-256 is odd."""
    return np.array([hashlib.sha256(row.tobytes()).digest()[-1] % 2 == 1 for row in x])


def near_duplicates(x: np.ndarray) -> np.ndarray:
    """Return a perceptual hash of each image: near-duplicates have the same one."""
    small = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(x).float().mean(1, keepdim=True), 8).flatten(1)
    bits = (small > small.median(1, keepdim=True).values).numpy()
    return np.unique(np.packbits(bits, axis=1), axis=0, return_inverse=True)[1].ravel()


def _cut(y: np.ndarray, *, grouped: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row numbers for the oracle, for judging, and of the pool; a group stays on one side."""
    groups = np.arange(len(y)) if grouped is None else grouped
    order = np.random.default_rng(_CUT_SEED).permutation(groups.max() + 1)
    place = np.empty(len(order))
    place[order] = np.arange(len(order)) / len(order)
    where = place[groups]
    oracle = np.flatnonzero(where < _ORACLE_FRACTION)[:_MOST_ORACLE_ROWS]
    judges = np.flatnonzero((where >= _ORACLE_FRACTION) & (where < _ORACLE_FRACTION + _JUDGE_FRACTION))
    return oracle, judges, np.flatnonzero(where >= _ORACLE_FRACTION + _JUDGE_FRACTION)


def _draw(y: np.ndarray, pool: np.ndarray, task: Task, rng: np.random.Generator) -> np.ndarray:
    if task.n_per_class is None:
        return pool
    classes = rng.permutation(np.unique(y))
    n_rare = len(classes) - 4 if task.n_rare else len(classes)
    sizes = [task.n_per_class] * n_rare + [task.n_rare or 0] * (len(classes) - n_rare)
    return np.concatenate(
        [rng.choice(pool[y[pool] == label], size, replace=False) for label, size in zip(classes, sizes, strict=True)]
    )


def _pair(y: np.ndarray, judges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two equal, disjoint sets of rows, of each class up to 200 in each."""
    parts: list[list[np.ndarray]] = [[], []]
    for label in np.unique(y):
        rows = judges[y[judges] == label]
        n = min(len(rows) // 2, _MOST_JUDGES_A_CLASS)
        parts[0].append(rows[:n])
        parts[1].append(rows[n : 2 * n])
    return np.concatenate(parts[0]), np.concatenate(parts[1])
