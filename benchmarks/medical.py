"""Does gated augmentation help on medical images, over tuned classical transforms alone? Tables in Markdown.

::

    export SYNTHAUG_DATA=data
    python benchmarks/medical.py --draws 4 --jobs 1           # a reduced run
    python benchmarks/medical.py --draws 20 --jobs 2          # goes on with what is there
    python benchmarks/medical.py --tables                     # the tables of what is there so far

Every arm of every split leaves its answers to the test rows in ``--out`` and is not trained again (delete the folder
after a change of the code); so all of these may be interrupted, repeated and narrowed by ``--tasks``, ``--estimators``,
``--draws`` and ``--arms``. The gate's learners are trained once for a task and split and shared by the estimators
(``kept.py``). *classic* is tuned: which of nothing, shifts and affine transforms is chosen on the training rows of each
split, by the area under the ROC curve, which the gate goes by too. ``medical_tasks.py`` says which rows are whose,
``medical_tables.py`` how figures and intervals come about.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed
from kept import KeptAugmenter
from medical_tables import METRICS, PRIMARY, Measured, tables
from medical_tasks import MEDICAL, MedicalRows, is_there, medical_rows
from store import Store

from synthaug import LatentGAN
from synthaug._seed import derive
from synthaug.augment.arms import ARMS, Task
from synthaug.data.container import take
from synthaug.experiment.convnet import ConvNetClassifier
from synthaug.experiment.frozen_features import FrozenFeaturesClassifier
from synthaug.experiment.run_split import quiet_about_few_rows
from synthaug.experiment.work import Work, new_task

ARM, OTHER = "gated", "classic"
ESTIMATORS: dict[str, Any] = {  # settings chosen on the dev half of the ultrasound set, on real rows alone
    "features": FrozenFeaturesClassifier(C=0.1),
    "convnet": ConvNetClassifier(150, lr=5e-3, width=16, batch_size=32, random_state=0),
}
_SEED = 0


@dataclass(frozen=True)
class Plan:
    """What is run, and where it is kept.

    Attributes
    ----------
    folder
        Answers by task and estimator; learners and drawn rows in ``kept``.
    estimators, arms
        What is trained.
    n_steps
        Steps of every learner in the place of the task's own; None for those.
    """

    folder: Path
    estimators: tuple[str, ...]
    arms: tuple[str, ...]
    n_steps: int | None = None

    def store(self, task: str, estimator: str, index: int) -> Store:
        """Return where the answers of one split are kept, by arm."""
        return Store(self.folder / "answers" / task / estimator / f"{index:04d}.json")


def run_piece(plan: Plan, task: str, rows: MedicalRows, index: int) -> str:
    """Train what is not on disk yet of one split, and return a line that says so."""
    torch.set_num_threads(1)
    began, done = time.process_time(), []
    for estimator in plan.estimators:
        store = plan.store(task, estimator, index)
        missing = [arm for arm in plan.arms if store.get(arm) is None]
        if missing:
            given = _task(plan, task, rows, estimator, index)
            for arm in missing:
                store.put(arm, _trained(given, arm, take(rows.X, rows.splits[index].test)))
            done.append(f"{estimator} {len(missing)}")
    return f"{task} {index}: {', '.join(done) or 'nothing to do'}; {time.process_time() - began:.0f} s of one core"


def _task(plan: Plan, task: str, rows: MedicalRows, estimator: str, index: int) -> Task:
    """Return what arms get of one split: its training rows."""
    learner = LatentGAN(n_steps=plan.n_steps or MEDICAL[task].n_steps, n_threads=1)
    scoring = METRICS[PRIMARY]
    work = Work(
        X=rows.X,
        y=rows.y,
        groups=rows.groups,
        estimator=ESTIMATORS[estimator],
        augmenter=KeptAugmenter(learner, checkpoint_dir=plan.folder / "kept", random_state=0),
        arms={arm: ARMS[arm] for arm in plan.arms},
        scoring=scoring,
        metrics={scoring: scoring},
        transform="tuned",
        include_real_rows=False,
        learners_folder=None,
        common_test_rows=rows.common_test,
        seed=_SEED,
    )
    return new_task(work, rows.splits[index].train, derive(_SEED, "split", index))


def _trained(task: Task, arm: str, X_test: np.ndarray) -> dict[str, Any]:
    """Return an arm's answers to the test rows, what it cost, what it added and what the gate chose."""
    began = time.process_time()
    with quiet_about_few_rows():
        trained = ARMS[arm](task)
    shares = trained.classifier.predict_proba(X_test)[:, 1]
    found = {"answers": np.round(shares, 6).tolist(), "n_added": trained.n_added, "transform": task.image_transform}
    chosen = {} if trained.decision is None else {"chosen": trained.decision.chosen}
    return found | chosen | {"seconds": round(time.process_time() - began, 1)}


def measured(plan: Plan, tasks: Sequence[str], *, n_splits: int) -> list[Measured]:
    """Return what is on disk of each task and estimator."""
    found = []
    for task in tasks:
        rows = medical_rows(task, n_splits=n_splits)
        for estimator in plan.estimators:
            pieces = {index: plan.store(task, estimator, index).all() for index in range(n_splits)}
            found.append(Measured(task, estimator, rows, {index: piece for index, piece in pieces.items() if piece}))
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=MEDICAL, default=list(MEDICAL))
    parser.add_argument("--estimators", nargs="+", choices=ESTIMATORS, default=list(ESTIMATORS))
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["none", OTHER, ARM])
    parser.add_argument("--draws", type=int, default=20, help="draws, or folds, of every task")
    parser.add_argument("--steps", type=int, help="steps of every learner, for a trial")
    parser.add_argument("--tables", action="store_true", help="train nothing")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/medical"))
    return parser.parse_args()


def main() -> None:
    options = _options()
    tasks = [task for task in options.tasks if is_there(task)]
    for task in sorted(set(options.tasks) - set(tasks)):
        print(f"{task}: its data are not here; see tasks.py")
    plan = Plan(options.out, tuple(options.estimators), tuple(options.arms), options.steps)
    todo = [] if options.tables else [(index, task) for index in range(options.draws) for task in tasks]
    rows = {task: medical_rows(task, n_splits=options.draws) for task in tasks}
    jobs = (delayed(run_piece)(plan, task, rows[task], index) for index, task in todo)
    for line in Parallel(options.jobs, return_as="generator_unordered")(jobs):
        print(time.strftime("%H:%M:%S"), line, flush=True)
    for table in tables(measured(plan, tasks, n_splits=options.draws), arm=ARM, other=OTHER):
        print(f"\n{table}")


if __name__ == "__main__":
    main()
