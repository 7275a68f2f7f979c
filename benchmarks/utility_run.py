"""The running of the utility study: one piece is a task and a draw; whatever of it is not on disk yet is measured."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from utility_tasks import STUDY, StudyRows, study_rows
from utility_ways import Chosen, augmenter_of, chosen_for, estimators_of, make_estimator

from synthaug._seed import derive
from synthaug.augment.arms import ARMS, NotApplicable, Trained
from synthaug.experiment.arm_study import ArmStudy
from synthaug.experiment.compare import prepare
from synthaug.experiment.results import SplitResult
from synthaug.experiment.run_split import blocks_of, quiet_about_few_rows, score_classifier
from synthaug.experiment.storage import SplitStore
from synthaug.experiment.work import new_task

SCORING = "balanced_accuracy"
FACTORS = (1.5, 2.0, 3.0)  # of the labelled rows, for the learning curve
FINALISTS = {
    "images": (
        "none",
        "class_weight",
        "smote",
        "smote+classic",
        "classic",
        "classic twice",
        "gan",
        "classic+gan",
        "gated",
    ),
    "table": ("none", "class_weight", "threshold", "smote", "gan", "gan low weight", "gated"),
}
_SEED = 0


@dataclass(frozen=True)
class Plan:
    """What is run, and where it is kept.

    Attributes
    ----------
    folder
        Results by task and estimator; learners and drawn rows in ``kept``.
    half
        ``report`` for published figures, ``dev`` for choosing.
    n_draws
        Draws, or folds, of every task.
    n_screened
        How many of them, the first, run all arms.
    screened, finalists
        The arms of the first draws, and of the others: None for ``FINALISTS``.
    estimators
        Which estimators, where they fit the task.
    n_steps
        Steps of every learner in the place of the task's own, for a trial.
    """

    folder: Path
    half: str
    n_draws: int
    n_screened: int
    screened: tuple[str, ...]
    finalists: tuple[str, ...] | None
    estimators: tuple[str, ...]
    n_steps: int | None = None

    def arms(self, task: str, index: int) -> tuple[str, ...]:
        """Return the arms of one draw of a task."""
        return self.screened if index < self.n_screened else self.finalists_of(task)

    def finalists_of(self, task: str) -> tuple[str, ...]:
        """Return the arms of the draws after the first."""
        return self.finalists or FINALISTS["table" if STUDY[task].kind == "table" else "images"]

    def estimators_of(self, task: str) -> list[str]:
        """Return the estimators of one task."""
        return [name for name in estimators_of(STUDY[task]) if name in self.estimators]

    def store(self, task: str, estimator: str) -> SplitStore:
        """Return where the draws of a task and estimator are kept."""
        return SplitStore(self.folder / self.half / task / estimator)


def every_arm() -> tuple[str, ...]:
    """Return the arms that a study without unlabelled rows can run, *none* first."""
    from synthaug.augment.arms import unlabelled

    return tuple(name for name, arm in ARMS.items() if arm.__module__ != unlabelled.__name__)


def study_of(plan: Plan, task: str, estimator: str, *, curve: bool = False) -> ArmStudy:
    """Return the study of one estimator on a task, as ``compare`` would run it, with the splits of the task."""
    rows, chosen = study_rows(task, plan.half, n_draws=plan.n_draws), chosen_for(task, estimator)
    return as_study(plan, task, estimator, rows, chosen, curve=curve)


def as_study(
    plan: Plan, task: str, estimator: str, rows: StudyRows, chosen: Chosen, *, curve: bool = False
) -> ArmStudy:
    """Return the study of rows with chosen settings."""
    said = STUDY[task] if plan.n_steps is None else replace(STUDY[task], n_steps=plan.n_steps)
    study = prepare(
        rows.X,
        rows.y,
        estimator=make_estimator(said, estimator, chosen),
        arms=list(dict.fromkeys((*plan.screened, *plan.finalists_of(task)))),
        augmenter=augmenter_of(said, chosen, plan.folder / "kept"),
        groups=rows.groups,
        scoring=SCORING,
        metrics=["accuracy"],
        cv=said.design,
        image_transform=chosen.transform,
        label_equivalence=FACTORS if curve else None,
        random_state=_SEED,
        name=f"{task} {estimator}",
    )
    return replace(study, splits=rows.splits)


def run_piece(plan: Plan, task: str, index: int) -> str:
    """Measure what is not on disk yet of one draw of a task, and return a line that says so."""
    began, measured = time.process_time(), []
    for estimator in plan.estimators_of(task):
        study, store = study_of(plan, task, estimator), plan.store(task, estimator)
        found = store.load(index) if index in store.finished() else _nothing(study, index)
        missing = [arm for arm in plan.arms(task, index) if arm not in found.scores and arm not in found.skipped]
        if missing:
            store.save(_merged(found, run_arms(study, index, missing)))
            measured.append(f"{estimator} {len(missing)}")
    seconds = time.process_time() - began
    return f"{task} {index}: {', '.join(measured) or 'nothing to do'}; {seconds:.0f} s of one core"


def run_arms(study: ArmStudy, index: int, arms: Sequence[str]) -> SplitResult:
    """Return what some arms of a study score on one split."""
    work, split = study.work, study.splits[index]
    task, blocks = new_task(work, split.train, derive(work.seed, "split", index)), blocks_of(work, split)
    trained, scored, seconds, skipped = dict[str, Trained](), dict[str, Any](), dict[str, float](), dict[str, str]()
    with quiet_about_few_rows():
        for name in arms:
            began = time.process_time()
            try:
                trained[name] = work.arms[name](task)
            except NotApplicable as reason:
                skipped[name] = str(reason)
                continue
            seconds[name] = time.process_time() - began
            scored[name] = score_classifier(work, split, trained[name].classifier, blocks)
    gate = next((arm.decision for arm in trained.values() if arm.decision is not None), None)
    return replace(
        _nothing(study, index),
        scores={name: found.values for name, found in scored.items()},
        blocks={name: found.blocks for name, found in scored.items() if blocks},
        recalls={name: found.recalls for name, found in scored.items()},
        skipped=skipped,
        n_added={name: arm.n_added for name, arm in trained.items()},
        seconds=seconds,
        decision=pd.DataFrame() if gate is None else gate.table,
        explanation="" if gate is None else gate.sentence,
    )


def _nothing(study: ArmStudy, index: int) -> SplitResult:
    split = study.splits[index]
    sizes = {"n_train": len(split.train), "n_test": len(split.test)}
    return SplitResult(
        index, split.repeat, split.fold, **sizes, scores={}, blocks={}, skipped={}, n_added={}, seconds={}
    )


def _merged(old: SplitResult, new: SplitResult) -> SplitResult:
    by_arm = ("scores", "blocks", "recalls", "skipped", "n_added", "seconds")
    both = {name: getattr(old, name) | getattr(new, name) for name in by_arm}
    gate = new if new.explanation else old
    return replace(old, **both, decision=gate.decision, explanation=gate.explanation)


def results(plan: Plan, task: str, estimator: str) -> list[SplitResult]:
    """Return the finished draws of a task and estimator."""
    store = plan.store(task, estimator)
    return [store.load(index) for index in store.finished() if index < plan.n_draws]


def with_arms(splits: Iterable[SplitResult], arms: Sequence[str]) -> list[SplitResult]:
    """Return the splits on which all of these arms were measured."""
    return [split for split in splits if all(arm in split.scores for arm in arms)]


def mean_score(splits: Sequence[SplitResult], arm: str) -> float:
    """Return an arm's mean score."""
    return float(np.mean([split.scores[arm][SCORING] for split in splits]))
