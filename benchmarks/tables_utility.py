"""Does the gate's augmentation help on mixed tables? Beside the best way that needs no generator.

Every set of ``tables_sets.py``, the estimators of ``tables_figures.py``, two scores, each with a study of its own, for
gate and threshold are tuned on it. What is judged is the arm *gated*: ``AugmentedClassifier`` around the classifier as
it is. Which is the best of *none*, class weights, tuned threshold and SMOTE is chosen on the other half of the splits
(even and odd ones), so that luck in the choice is on nobody's side. The same gate around the classifier with class
weights, and with a tuned threshold, is shown in columns of its own, and judged nowhere.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from tables_figures import table_estimators
from tables_run import Plan
from tables_sets import TASKS, TableRows, table_rows
from tables_targets import paired_test, points
from utility_run import run_arms
from utility_tables import pool

from synthaug import SyntheticAugmenter
from synthaug.augment.arms import ARMS, Arm, NotApplicable, Task, Trained
from synthaug.augment.arms.synthetic import gated
from synthaug.augment.arms.threshold import TunedThreshold
from synthaug.augment.fitting import own_parameter
from synthaug.experiment.compare import prepare
from synthaug.experiment.results import SplitResult
from synthaug.experiment.storage import SplitStore
from synthaug.statistics import PairedTest
from synthaug.training.checkpoint import fingerprint

PLAIN = ("none", "class_weight", "threshold", "smote")
JUDGED = "gated"  # the others of GATED are for information
SCORINGS = ("balanced_accuracy", "average_precision")
_SEED = 0
_LEARNED: dict[str, dict[str, Any]] = {}  # what a process learned of the rows it is at

Case = tuple[str, str, str]  # set, estimator, scoring


class SharedAugmenter(SyntheticAugmenter):
    """A ``SyntheticAugmenter`` that learns the same rows once: estimators and scores share the gate's learners."""

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, X_unlabeled: Any = None) -> Self:
        """Learn, or take what was learned from the same rows with the same parameters and seed."""
        hashes = pd.util.hash_pandas_object(X, index=False).to_numpy(np.int64, copy=True)
        key = fingerprint((torch.from_numpy(hashes), torch.as_tensor(np.asarray(y))), self.get_params())
        if key not in _LEARNED:
            plain = SyntheticAugmenter(**self.get_params(deep=False))
            _LEARNED[key] = vars(plain.fit(X, y, groups=groups, X_unlabeled=X_unlabeled))
        vars(self).update(deepcopy({name: _LEARNED[key][name] for name in _LEARNED[key].keys() - self.get_params()}))
        return self


def gated_class_weight(task: Task) -> Trained:
    """Ask the gate around the classifier with balanced class weights."""
    parameter = own_parameter(task.estimator, "class_weight")
    assert parameter is not None
    return gated(replace(task, estimator=clone(task.estimator).set_params(**{parameter: "balanced"})))


def gated_threshold(task: Task) -> Trained:
    """Ask the gate around the classifier with a tuned threshold, of two classes."""
    if task.scoring != "balanced_accuracy" or len(np.unique(task.y)) > 2:
        raise NotApplicable("a threshold changes labels of two classes")
    tuned = TunedThreshold(task.estimator, scoring=task.scoring, cv=3, thresholds=50)
    return gated(replace(task, estimator=tuned))


def cases(tasks: Sequence[str], estimators: Sequence[str]) -> list[Case]:
    """Return every set, estimator and score."""
    return [(task, estimator, scoring) for task in tasks for estimator in estimators for scoring in SCORINGS]


def run_utility(plan: Plan, task: str, index: int, estimators: Sequence[str]) -> str:
    """Measure what is not on disk yet of one split of a set, and return a line that says so."""
    rows, measured = table_rows(task, plan.half, n_splits=plan.n_splits), 0
    _LEARNED.clear()
    for case in cases([task], estimators):
        store = store_of(plan, case)
        if index not in store.finished():
            store.save(_measured(case, rows, index))
            measured += 1
    return f"utility {task} {index}: {measured} measured"


def store_of(plan: Plan, case: Case) -> SplitStore:
    """Return where the splits of a set, estimator and score are kept."""
    return SplitStore(plan.folder / plan.half / "utility" / "/".join(case))


def _measured(case: Case, rows: TableRows, index: int) -> SplitResult:
    task, estimator, scoring = case
    study = prepare(
        rows.X,
        rows.y,
        estimator=table_estimators()[estimator],
        arms={name: ARMS[name] for name in PLAIN} | GATED,
        augmenter=SharedAugmenter(random_state=_SEED),
        scoring=scoring,
        cv=TASKS[task].design,
        random_state=_SEED,
    )
    return run_arms(replace(study, splits=rows.splits), index, [*PLAIN, *GATED])


def results(plan: Plan, tasks: Sequence[str], estimators: Sequence[str]) -> dict[Case, list[SplitResult]]:
    """Return the finished splits by case, where there are at least four."""
    found = {}
    for case in cases(tasks, estimators):
        store = store_of(plan, case)
        splits = [store.load(index) for index in store.finished() if index < plan.n_splits]
        if len(splits) >= 4:
            found[case] = splits
    return found


def gain_of(case: Case, splits: Sequence[SplitResult]) -> dict[int, np.ndarray]:
    """Return by split what the gate scored less the best plain way, which is chosen on the other half."""
    gains, scoring = {}, case[2]
    for mine, others in ((splits[::2], splits[1::2]), (splits[1::2], splits[::2])):
        reference = best_of(others, PLAIN, scoring)
        for split in mine:
            gains[split.index] = _score(split, JUDGED, scoring) - _score(split, reference, scoring)
    return gains


def best_of(splits: Sequence[SplitResult], arms: Sequence[str], scoring: str) -> str:
    """Return the arm of the best mean score among those that apply."""
    there = [arm for arm in arms if all(arm in split.scores for split in splits)]
    return max(there, key=lambda arm: float(np.mean([split.scores[arm][scoring] for split in splits])))


def _score(split: SplitResult, arm: str, scoring: str) -> np.ndarray:
    return split.blocks[arm] if arm in split.blocks else np.array([split.scores[arm][scoring]])


def utility_table(found: Mapping[Case, Sequence[SplitResult]]) -> str:
    """Return a line a set and score: each way's mean over estimators, and the gate's gain; last, all sets pooled."""
    head = ["set", "score", *PLAIN, *map(_heading, GATED), f"{JUDGED} less best plain, points", "gates that added rows"]
    lines, tests = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"], dict[str, list[PairedTest]]()
    for task, scoring in dict.fromkeys((task, scoring) for task, _, scoring in found):
        mine = {case: splits for case, splits in found.items() if (case[0], case[2]) == (task, scoring)}
        gain = _mean_gain(task, mine)
        tests.setdefault(scoring, []).append(gain)
        scores = [_mean(mine, arm, scoring) for arm in (*PLAIN, *GATED)]
        asked = [split.n_added[JUDGED] for splits in mine.values() for split in splits]
        lines.append(
            "| "
            + " | ".join([task, scoring, *scores, points(gain), f"{100 * np.mean(np.array(asked) > 0):.0f} %"])
            + " |"
        )
    pooled = [
        f"* {JUDGED} less best plain, {scoring}, all sets (target: above -0.5 with 95 %): {pool(some)}"
        for scoring, some in tests.items()
    ]
    return "\n".join([*lines, "", *pooled]) if found else "nothing is measured yet"


def _heading(way: str) -> str:
    """Return what a gated way is called in the table: the one that is judged by its name, the others as no target."""
    return way if way == JUDGED else f"{way} (not judged)"


def _mean_gain(task: str, found: Mapping[Case, Sequence[SplitResult]]) -> PairedTest:
    """Return the test of the gain, of which the mean over estimators is taken on each split."""
    gains = [gain_of(case, splits) for case, splits in found.items()]
    common = sorted(set.intersection(*map(set, gains)))
    sizes = [{"n_train": split.n_train, "n_test": split.n_test} for splits in found.values() for split in splits]
    return paired_test(task, np.array([np.mean([some[index] for some in gains], axis=0) for index in common]), sizes)


def _mean(found: Mapping[Case, Sequence[SplitResult]], arm: str, scoring: str) -> str:
    values = [split.scores[arm][scoring] for splits in found.values() for split in splits if arm in split.scores]
    return f"{np.mean(values):.3f}" if values else "n/a"


GATED: dict[str, Arm] = {JUDGED: gated, "gated, weights": gated_class_weight, "gated, threshold": gated_threshold}
