"""The rows of the medical study, and its splits; near-duplicates are on one side of every split.

*breast-25*, *-50*, *-100*: breast ultrasound, malignant or not. Test rows are three fifths of the *report* half, the
same for all draws and sizes. So many images of each class are drawn from all other rows; those of the dev half may be
trained on, never tested on, for the report half alone has not 100 malignant images beside its test rows.

*brain*: magnetic resonance, tumour or none. Nothing was ever tuned on it; repeated folds of all rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from tasks import is_here, rows_of_half

from synthaug import near_duplicate_groups
from synthaug._seed import numpy_stream
from synthaug.data.split import Split, repeated_folds, stratified_folds

_SEED = 20261122
_TEST_FIFTHS = 3
_N_FOLDS = 5


@dataclass(frozen=True)
class MedicalRows:
    """Images X (n, h, w), y (n,) with 1 for what is to be found, groups (n,), splits.

    Attributes
    ----------
    common_test
        Whether all splits, independent draws then, are scored on the same rows.
    """

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    splits: Sequence[Split]
    common_test: bool


@dataclass(frozen=True)
class MedicalTask:
    """One task.

    Attributes
    ----------
    data
        A name of ``tasks.SETS``.
    finding
        The label of what is to be found.
    n_steps
        Steps of the learner: less than 45 seconds of one core.
    n_per_class
        Training images of each class in a draw; None for repeated folds of all rows.
    """

    data: str
    finding: int
    n_steps: int
    n_per_class: int | None = None


def medical_rows(name: str, *, n_splits: int) -> MedicalRows:
    """Return the rows of a task and its first ``n_splits`` splits."""
    task = MEDICAL[name]
    return _folds(task, n_splits) if task.n_per_class is None else _draws(task, task.n_per_class, n_splits)


def is_there(name: str) -> bool:
    """Return whether the data of a task is on this machine."""
    return is_here(MEDICAL[name].data)


def _folds(task: MedicalTask, n_splits: int) -> MedicalRows:
    x, y = rows_of_half(task.data, None, distinct=True)
    images, labels = x[:, 0], (y == task.finding).astype(np.int64)
    groups = near_duplicate_groups(images)
    n_repeats = -(-n_splits // _N_FOLDS)
    splits = repeated_folds(labels, n_splits=_N_FOLDS, n_repeats=n_repeats, seed=_SEED, groups=groups)
    return MedicalRows(images, labels, groups, splits[:n_splits], common_test=False)


def _draws(task: MedicalTask, n_per_class: int, n_splits: int) -> MedicalRows:
    images, labels, groups, test, pool = _common(task.data, task.finding)
    splits = [Split(draw, 0, _drawn(labels, pool, n_per_class, draw), test) for draw in range(n_splits)]
    return MedicalRows(images, labels, groups, splits, common_test=True)


def _drawn(labels: np.ndarray, pool: np.ndarray, n_per_class: int, draw: int) -> np.ndarray:
    """Return row numbers of one draw; of a larger size it holds those of the smaller ones."""
    parts = [
        numpy_stream(_SEED, "draw", draw, label).permutation(pool[labels[pool] == label])[:n_per_class]
        for label in (0, 1)
    ]
    return np.sort(np.concatenate(parts))


@cache
def _common(data: str, finding: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return images, labels, groups, the numbers of the test rows, and those that may be trained on."""
    halves = [rows_of_half(data, half, distinct=True) for half in ("dev", "report")]
    images = np.concatenate([x[:, 0] for x, _ in halves])
    labels = (np.concatenate([y for _, y in halves]) == finding).astype(np.int64)
    groups = near_duplicate_groups(images)
    report = np.arange(len(halves[0][1]), len(labels))
    folds = stratified_folds(labels[report], n_splits=_N_FOLDS, seed=_SEED, groups=groups[report])
    test = np.sort(report[np.concatenate([part for _, part in folds[:_TEST_FIFTHS]])])
    pool = np.flatnonzero(~np.isin(groups, groups[test]))
    return images, labels, groups, test, pool


MEDICAL: dict[str, MedicalTask] = {
    "breast-25": MedicalTask("breastmnist", 0, 300, 25),
    "breast-50": MedicalTask("breastmnist", 0, 300, 50),
    "breast-100": MedicalTask("breastmnist", 0, 300, 100),
    "brain": MedicalTask("brain_mri64", 1, 140),
}
