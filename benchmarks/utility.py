"""Do a GAN's rows help a classifier? Seventeen tasks, five estimators, every way to train; tables in Markdown.

::

    export SYNTHAUG_DATA=data
    python benchmarks/utility.py --tune --draws 3    # settings, on the dev halves, into utility_settings.json
    python benchmarks/utility.py --screen            # every arm on a third of the draws
    python benchmarks/utility.py --finalists         # the best arms on the other draws
    python benchmarks/utility.py --curve             # what the gain is worth in labels
    python benchmarks/utility.py --pack --page       # keep what was measured: utility_results.jsonl.xz, utility.md
    python benchmarks/utility.py                     # the tables of what is there so far

Every finished arm of every draw is kept in ``--out`` and not measured again (``--forget gated`` after a change of the
gate, say), so all of these may be interrupted, repeated and narrowed: ``--tasks``, ``--estimators``, ``--draws``,
``--arms``. What the repository keeps is put into ``--out`` first, so the published tables are made in seconds. A
learner is trained once for a task and draw, in 45 seconds of one core at most, and shared by all arms and estimators
(``kept.py``); its steps are fixed, so a seed gives the same figures on any CPU, and nearly the same on a GPU.
``utility_tasks.py`` says which rows are whose, ``utility_ways.py`` what is trained, ``utility_tune.py`` what is chosen
on the dev halves, ``utility_tables.py`` how the figures are tested, ``utility_page.py`` what is shown. Every piece
leaves a line in ``log.txt``, every difference one in ``differences.csv``.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from tasks import is_here
from utility_archive import ARCHIVE, forget, pack, unpack
from utility_page import PAGE, page, tables
from utility_run import Plan, every_arm, run_piece, study_of
from utility_tasks import STUDY
from utility_tune import tune, write
from utility_ways import ESTIMATORS

from synthaug.errors import ConfigError
from synthaug.experiment.designs import Draws

_N_DRAWS = 25  # folds; draws, where labels are held back, are 20 (--draws 20)


def run(plan: Plan, tasks: list[str], *, screen: bool, n_jobs: int) -> None:
    """Measure what is missing, task by task, draws side by side."""
    for task in tasks:
        indices = range(plan.n_screened) if screen else range(plan.n_screened, plan.n_draws)
        for line in Parallel(n_jobs, return_as="generator_unordered")(
            delayed(_quietly)(run_piece, plan, task, index) for index in indices
        ):
            _log(plan, line)


def run_curves(plan: Plan, tasks: list[str], *, n_jobs: int) -> None:
    """Measure the learning curves of the best way without a GAN row, where labels are held back."""
    pairs = [
        (task, estimator)
        for task in tasks
        if isinstance(STUDY[task].design, Draws)
        for estimator in plan.estimators_of(task)
    ]
    for line in Parallel(n_jobs, return_as="generator_unordered")(
        delayed(_quietly)(_curve, plan, *pair) for pair in pairs
    ):
        _log(plan, line)


def _curve(plan: Plan, task: str, estimator: str) -> str:
    store = plan.store(task, estimator)
    if store.finished() != list(range(plan.n_draws)):
        return f"{task} {estimator}: no learning curve before all {plan.n_draws} draws are there"
    try:
        study = study_of(plan, task, estimator, curve=True)
    except ConfigError as reason:
        return f"{task} {estimator}: no learning curve: {reason}"
    study.run(store=store)
    return f"{task} {estimator}: learning curve"


def run_tuning(plan: Plan, tasks: list[str], *, n_jobs: int) -> None:
    """Choose the settings of every task that may be tuned on, and write them down."""
    pairs = [(task, name) for task in tasks if STUDY[task].halves for name in plan.estimators_of(task)]
    jobs = (delayed(_quietly)(tune, plan, *pair) for pair in pairs)
    for (task, estimator), chosen in zip(pairs, Parallel(n_jobs, return_as="generator")(jobs), strict=True):
        write(task, estimator, chosen)
        _log(plan, f"{task} {estimator}: {chosen}")


def _quietly(work: Callable, *arguments: object) -> object:
    """Return what the work returns, on one thread; solvers that stop early are part of the setting."""
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return work(*arguments)


def _log(plan: Plan, line: object) -> None:
    plan.folder.mkdir(parents=True, exist_ok=True)
    with (plan.folder / "log.txt").open("a") as file:
        print(time.strftime("%H:%M:%S"), line, file=file)
    print(line, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("tune", "screen", "finalists", "curve", "pack", "page"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--tasks", nargs="+", choices=STUDY, default=list(STUDY))
    parser.add_argument("--estimators", nargs="+", choices=ESTIMATORS, default=list(ESTIMATORS))
    parser.add_argument("--arms", nargs="+", help="in the place of every arm (--screen) or of the finalists")
    parser.add_argument("--forget", nargs="+", default=[], help="drop these arms of --tasks, to be measured anew")
    parser.add_argument("--draws", type=int, default=_N_DRAWS)
    parser.add_argument("--half", choices=["dev", "report"], default="report")
    parser.add_argument("--way", default="classic+gan", help="the way that the targets are about, chosen beforehand")
    parser.add_argument("--steps", type=int, help="steps of every learner, for a trial")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("runs/utility"))
    return parser.parse_args()


def main() -> None:
    options = _options()
    tasks = [task for task in options.tasks if is_here(STUDY[task].data)]
    for task in set(options.tasks) - set(tasks):
        print(f"{task}: its data are not here, so nothing of it is measured; see tasks.py")
    plan = Plan(
        options.out,
        options.half,
        options.draws,
        n_screened=-(-options.draws // 3),
        screened=tuple(options.arms or every_arm()),
        finalists=tuple(options.arms) if options.arms else None,
        estimators=tuple(options.estimators),
        n_steps=options.steps,
    )
    print(f"{unpack(plan)} draws taken from {ARCHIVE.name}")
    if options.forget:
        forget(plan, tasks, options.forget)
    if options.tune:
        run_tuning(plan, tasks, n_jobs=options.jobs)
    if options.screen:
        run(plan, tasks, screen=True, n_jobs=options.jobs)
    if options.finalists:
        run(plan, tasks, screen=False, n_jobs=options.jobs)
    if options.curve:
        run_curves(plan, tasks, n_jobs=options.jobs)
    if options.pack:
        print(f"{pack(plan, options.tasks)} draws in {ARCHIVE.name}")
    if options.page:
        PAGE.write_text(page(plan, options.tasks, options.way))
    found = tables(plan, options.tasks, options.way)
    for title, text in found.items():
        print(f"\n### {title}\n\n{text}")
    if not found:
        print("nothing is measured yet")


if __name__ == "__main__":
    main()
