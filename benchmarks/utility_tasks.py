"""The tasks of the utility study: which rows, which classes are rare, and how they are split.

Where labels can be held back: independent draws of a few training rows, all scored on the same other rows; in tasks
with rare classes these are four others in every draw. Else repeated folds, near-duplicates on one side. Settings are
chosen on the dev half of a set, published figures come from its report half; a set that nothing is tuned on is whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from tasks import rows_of_half

from synthaug import Draws, Folds, near_duplicate_groups
from synthaug._seed import numpy_stream
from synthaug.data.split import Split

_SEED = 20261122
_MOST_ROWS = 5000
_N_REPEATS = 5


@dataclass(frozen=True)
class StudyTask:
    """One task.

    Attributes
    ----------
    data
        A name of ``tasks.SETS``.
    kind
        ``balanced``, ``rare``, ``image`` (neither) or ``table``.
    n_steps
        Steps of the learner: 45 seconds of one core, or what is enough.
    rows_per_class
        Training rows of every class, or of each class named; None for repeated folds of all rows.
    n_rare
        Training rows of each of the four classes that are rare, if there are any.
    test_rows
        Rows held out for all draws.
    halves
        Whether the set is cut into halves.
    grouped
        Whether near-duplicates stay on one side.
    transforms
        Classical transforms that may be tried: a flip is wrong for digits.
    categories
        Which columns are words.
    """

    data: str
    kind: str
    n_steps: int
    rows_per_class: int | Mapping[int, int] | None = None
    n_rare: int = 0
    test_rows: int = 0
    halves: bool = True
    grouped: bool = False
    transforms: tuple[str, ...] = ("shift", "affine")
    categories: tuple[int, ...] = ()

    @property
    def design(self) -> Draws | Folds:
        """The design that the statistics go by."""
        if self.rows_per_class is None:
            return Folds(5, _N_REPEATS)
        return Draws(self.rows_per_class, test_rows=self.test_rows)


@dataclass(frozen=True)
class StudyRows:
    """The rows of a task: X (n, h, w), (n, h, w, c) or (n, d); y (n,); groups (n,) or None; the splits."""

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None
    splits: list[Split]


_CLOTHES = ("shift", "affine", "photo")

STUDY: dict[str, StudyTask] = {
    "digits-5": StudyTask("digits", "balanced", 400, 5, test_rows=300),
    "digits-10": StudyTask("digits", "balanced", 400, 10, test_rows=300),
    "digits-30": StudyTask("digits", "balanced", 400, 30, test_rows=300),
    "digits-rare": StudyTask("digits", "rare", 400, 60, n_rare=4, test_rows=200),
    "fashion-20": StudyTask("fashion", "balanced", 430, 20, test_rows=1000, transforms=_CLOTHES),
    "fashion-50": StudyTask("fashion", "balanced", 430, 50, test_rows=1000, transforms=_CLOTHES),
    "fashion-rare": StudyTask("fashion", "rare", 430, 60, n_rare=4, test_rows=1000, transforms=_CLOTHES),
    "mnist-20": StudyTask("mnist10k", "balanced", 430, 20, test_rows=1000),
    "mnist-rare": StudyTask("mnist10k", "rare", 430, 60, n_rare=4, test_rows=1000),
    "breast-10": StudyTask(
        "breastmnist", "rare", 430, {0: 10, 1: 100}, test_rows=140, grouped=True, transforms=_CLOTHES
    ),
    "retina": StudyTask("retinamnist", "rare", 430, grouped=True, transforms=_CLOTHES),
    "breast": StudyTask("breastmnist", "image", 430, grouped=True, transforms=_CLOTHES),
    "brain": StudyTask("brain_mri64", "image", 140, halves=False, grouped=True, transforms=_CLOTHES),
    "pima": StudyTask("pima", "table", 500),
    "german": StudyTask("german_credit", "table", 500, categories=(0, 2, 3, 5, 6, 8, 9, 11, 13, 14, 16, 18, 19)),
    "mammography": StudyTask("mammography", "table", 500, {0: 400, 1: 20}, test_rows=1500),
    "breast_cancer-20": StudyTask("breast_cancer", "table", 500, 20, test_rows=300, halves=False),
}


@cache
def study_rows(name: str, half: str, *, n_draws: int) -> StudyRows:
    """Return the rows and splits of a task; folds come 5 a repeat, of which there are five at most."""
    task = STUDY[name]
    x, y = rows_of_half(task.data, half if task.halves else None, distinct=task.grouped or task.kind == "table")
    chosen = np.random.default_rng(_SEED).permutation(len(y))[:_MOST_ROWS]
    x, y = _as_users_have(x[chosen]), y[chosen]
    groups = near_duplicate_groups(x) if task.grouped else None
    splits = _splits(task, x, y, groups, n_draws)
    return StudyRows(x, y, groups, splits)


def _as_users_have(x: np.ndarray) -> np.ndarray:
    """Return images (n, c, h, w) as (n, h, w) or (n, h, w, c), tables as they are."""
    if x.ndim == 2:
        return x
    return np.ascontiguousarray(x[:, 0] if x.shape[1] == 1 else x.transpose(0, 2, 3, 1))


def _splits(task: StudyTask, x: np.ndarray, y: np.ndarray, groups: np.ndarray | None, n_draws: int) -> list[Split]:
    design = task.design
    if isinstance(design, Folds):
        n_repeats = min(design.n_repeats, -(-n_draws // design.n_splits))
        return replace(design, n_repeats=n_repeats).splits(x, y, groups, _SEED)[:n_draws]
    splits = replace(design, n_draws=n_draws).splits(x, y, groups, _SEED)
    return [thinned(split, y, task.n_rare) for split in splits] if task.n_rare else splits


def thinned(split: Split, y: np.ndarray, n_rare: int) -> Split:
    """Return the split with ``n_rare`` training rows in each of four classes, which the draw's number decides."""
    stream = numpy_stream(_SEED, "rare", split.repeat)
    left_out = [
        stream.permutation(split.train[y[split.train] == label])[n_rare:]
        for label in stream.permutation(np.unique(y))[:4]
    ]
    return replace(split, train=np.setdiff1d(split.train, np.concatenate(left_out)))
