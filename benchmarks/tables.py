"""Learners of mixed tables beside SMOTE and ctgan: seven sets, every figure the library is held to; Markdown.

::

    export SYNTHAUG_DATA=data
    python benchmarks/tables.py quality --splits 10          # every source on every set: fidelity, training, copies
    python benchmarks/tables.py utility --splits 10          # the gate beside the best way without a generator
    python benchmarks/tables.py cost                         # time and memory; on a quiet machine
    python benchmarks/tables.py quality utility --quick      # 4 splits, one estimator for the gate
    python benchmarks/tables.py                              # the tables of everything measured so far

Every finished cell (a source, a set, a split) is kept in ``--out`` and not measured again (delete it after a change of
the code), so all of these may be interrupted, repeated and narrowed: ``--tasks``, ``--sources``, ``--splits``.
``tables_sets.py`` says which rows are whose, ``tables_made.py`` what is known of the made ones, ``tables_figures.py``
what is measured, ``tables_peers.py`` how the peers are run (ctgan in an environment that is made when first needed),
``tables_targets.py`` how figures are tested. Learners are at their defaults, and each runs on one thread; times are
seconds of one core, so that a busy machine changes little. Rows are drawn in the training rows' counts, and trained on
alone; the source *real* trains on the training rows, and its other figures are those of held-out rows: the floor.
``--half dev`` is for choosing settings, and has only the sets that may be tuned on.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import torch
from store import Store
from tables_cost import cost_table
from tables_figures import table_estimators
from tables_run import CTGAN, CTGAN_LONG, CTGAN_MATCHED, OURS, OVERLAP, REAL, SMOTE, NotYet, Plan, at_most, run_cell
from tables_sets import TASKS, available
from tables_targets import found_of, quality_table, targets
from tables_utility import results, run_utility, utility_table

from synthaug.generators import GENERATORS

SOURCES = (REAL, SMOTE, OURS, OVERLAP, *GENERATORS, CTGAN, CTGAN_MATCHED, CTGAN_LONG)
_DEFAULT_SOURCES = (REAL, SMOTE, OURS, CTGAN, CTGAN_MATCHED)
_QUICK_SPLITS = 4


def quality(plan: Plan, options: argparse.Namespace) -> None:
    """Measure what is missing of every source, set and split."""
    for index, task, source in product(range(plan.n_splits), options.tasks, options.sources):
        try:
            run_cell(plan, task, source, index)
            print(task, source, index, flush=True)
        except NotYet as reason:
            print(f"{task} {source} {index}: {reason}", flush=True)


def utility(plan: Plan, options: argparse.Namespace) -> None:
    """Measure what is missing of the gate's gains."""
    for index in range(plan.n_splits):
        for task in options.tasks:
            print(run_utility(plan, task, index, options.estimators), flush=True)


def cost(plan: Plan, options: argparse.Namespace) -> None:
    """Measure time and memory, where that has not been done."""
    cost_table(_costs(plan), plan.environment)


def _costs(plan: Plan) -> Store:
    return Store(plan.folder / "cost.json")


def tables(plan: Plan, options: argparse.Namespace) -> Iterator[str]:
    """Yield the tables of what is there, each under its heading."""
    found = found_of(plan, options.tasks)
    if found:
        yield "### Targets\n\n" + targets(found, options.ours)
        yield "### Every source on every set\n\n" + quality_table(found)
    gained = results(plan, options.tasks, options.estimators)
    if gained:
        yield "### The gate beside the best way without a generator\n\n" + utility_table(gained)
    if len(_costs(plan).all()) > 1:
        yield "### Costs\n\n" + cost_table(_costs(plan), plan.environment)


def _part(word: str) -> str:
    if word not in PARTS:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(PARTS)}; got {word!r}")
    return word


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", type=_part, metavar="part", help=f"what to measure: {', '.join(PARTS)}")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=list(_DEFAULT_SOURCES))
    parser.add_argument("--ours", choices=[OURS, *GENERATORS], default=OURS, help="which learner the targets are about")
    parser.add_argument("--estimators", nargs="+", choices=table_estimators(), default=list(table_estimators()))
    parser.add_argument("--splits", type=int, default=10, help="draws, or folds, of each set")
    parser.add_argument("--half", choices=["dev", "report"], default="report")
    parser.add_argument("--quick", action="store_true", help="four splits; the gate around a logistic regression only")
    parser.add_argument("--out", type=Path, default=Path("runs/tables"))
    parser.add_argument("--environment", type=Path, default=Path("runs/ctgan_env"), help="where ctgan is, or will be")
    return parser.parse_args()


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    plan = Plan(options.out, options.half, options.splits, options.environment)
    if options.quick:
        plan, options.estimators = at_most(plan, _QUICK_SPLITS), options.estimators[:1]
    here = [task for task in options.tasks if available(task) and (TASKS[task].halves or options.half == "report")]
    for task in set(options.tasks) - set(here):
        print(f"{task}: its data are not here, or nothing is tuned on it; see tables_sets.py")
    options.tasks = here
    for part in options.parts:
        PARTS[part](plan, options)
    for table in tables(plan, options):
        print(f"\n{table}")


PARTS: dict[str, Callable[[Plan, argparse.Namespace], None]] = {"quality": quality, "utility": utility, "cost": cost}

if __name__ == "__main__":
    main()
