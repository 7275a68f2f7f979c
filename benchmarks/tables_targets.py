"""The tables' benchmark as Markdown: every source on every set, and the figures that the library is held to."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tables_run import CTGAN, CTGAN_MATCHED, OURS, REAL, SMOTE, Plan
from tables_sets import TASKS
from utility_tables import pool

from synthaug import Draws
from synthaug.statistics import PairedTest, corrected_resampled_t_test, crossed_t_test

SHOWN = ("shapes", "pairs", "detection", "copies", "truth", "broken", "seconds")
_MOST_COPIES, _MOST_DETECTION = 0.05, 0.75

Cells = Mapping[str, Mapping[int, Mapping[str, Any]]]  # by source and split


def found_of(plan: Plan, tasks: Sequence[str]) -> dict[str, Cells]:
    """Return what is measured, by set, source and split."""
    found: dict[str, dict[str, dict[int, Any]]] = {}
    for task in tasks:
        for key, cell in plan.store(task).all().items():
            source, index = key.rsplit(maxsplit=1)
            if int(index) < plan.n_splits:
                found.setdefault(task, {}).setdefault(source, {})[int(index)] = cell
    return found


def f1_of(cell: Mapping[str, Any]) -> np.ndarray:
    """Return the macro-F1, mean over the estimators: (n_blocks,), or (1,) where there are no blocks."""
    return np.mean(list(cell["f1"].values()), axis=0)


def mean_f1(cells: Mapping[int, Mapping[str, Any]]) -> float:
    """Return the mean macro-F1 over splits."""
    return float(np.mean([f1_of(cell).mean() for cell in cells.values()]))


def f1_less(task: str, cells: Cells, source: str, other: str) -> PairedTest | None:
    """Return the test of one source's macro-F1 less another's; None unless both were measured on two splits."""
    common = sorted(set(cells.get(source, {})) & set(cells.get(other, {})))
    if len(common) < 2:
        return None
    differences = np.array([f1_of(cells[source][index]) - f1_of(cells[other][index]) for index in common])
    return paired_test(task, differences, [cells[source][index] for index in common])


def paired_test(task: str, differences: np.ndarray, cells: Sequence[Mapping[str, Any]]) -> PairedTest:
    """Return the paired test that the design of a set asks for; differences (n_splits, n_blocks) or (n_splits, 1)."""
    if isinstance(TASKS[task].design, Draws):
        return crossed_t_test(differences)
    n_train, n_test = (float(np.mean([cell[name] for cell in cells])) for name in ("n_train", "n_test"))
    return corrected_resampled_t_test(differences.ravel(), n_train=n_train, n_test=n_test)


def quality_table(found: Mapping[str, Cells]) -> str:
    """Return a line a set and source: macro-F1, beside SMOTE's, and every other figure, means over splits."""
    head = ["set", "source", "splits", "macro-F1", "less SMOTE's, points", *SHOWN]
    lines = [_line(head), "|---" * len(head) + "|"]
    for task, cells in found.items():
        for source, splits in cells.items():
            beside = f1_less(task, cells, source, SMOTE) if source != SMOTE else None
            shown = [mean_of(splits, figure) for figure in SHOWN]
            start = [task, source, str(len(splits)), f"{mean_f1(splits):.3f}", "" if beside is None else points(beside)]
            lines.append(_line([*start, *("" if value is None else f"{value:.2f}" for value in shown)]))
    return "\n".join(lines)


def mean_of(splits: Mapping[int, Mapping[str, Any]], figure: str) -> float | None:
    """Return a figure's mean over the splits; None where it was not measured."""
    values = [cell[figure] for cell in splits.values() if figure in cell]
    return float(np.mean(values)) if values else None


def targets(found: Mapping[str, Cells], ours: str = OURS) -> str:
    """Return the figures that the library is held to, each with its target."""
    return "\n".join(
        [
            f"* macro-F1 of {ours} less {SMOTE}'s, points (target: above -1 with 95 %): {_pooled(found, ours, SMOTE)}",
            f"* macro-F1 of {ours} over that of real rows (target: 0.97): {_ratio(found, ours, REAL)}",
            f"* macro-F1 of {ours} less {CTGAN}'s, points (target: 8): {_pooled(found, ours, CTGAN)}",
            f"* the same less {CTGAN_MATCHED}'s (target: 8): {_pooled(found, ours, CTGAN_MATCHED)}",
            *(f"* {figure} of {ours}: {_beside(found, figure, ours)}" for figure in ("shapes", "pairs")),
            f"* detection of {ours} (target: {_MOST_DETECTION} at most): {_below(found, 'detection', ours)}",
            f"* copies of {ours} (target: {_MOST_COPIES} at most, and {SMOTE}'s): {_below(found, 'copies', ours)}",
        ]
    )


def _pooled(found: Mapping[str, Cells], source: str, other: str) -> str:
    tests = [test for task, cells in found.items() if (test := f1_less(task, cells, source, other)) is not None]
    return str(pool(tests)) if tests else "not measured"


def _ratio(found: Mapping[str, Cells], source: str, other: str) -> str:
    both = [cells for cells in found.values() if source in cells and other in cells]
    if not both:
        return "not measured"
    ours, theirs = (np.array([mean_f1(cells[name]) for cells in both]) for name in (source, other))
    return f"{ours.sum() / theirs.sum():.3f}; by set {', '.join(f'{ratio:.2f}' for ratio in ours / theirs)}"


def _beside(found: Mapping[str, Cells], figure: str, source: str) -> str:
    """Return a fidelity figure beside ctgan's: on how many sets it is at least that."""
    pairs = {task: [mean_of(cells.get(name, {}), figure) for name in (source, CTGAN)] for task, cells in found.items()}
    pairs = {task: both for task, both in pairs.items() if None not in both}
    behind = [task for task, (mine, theirs) in pairs.items() if mine < theirs]
    return f"at least {CTGAN}'s on {len(pairs) - len(behind)} of {len(pairs)} sets" + _named(behind)


def _below(found: Mapping[str, Cells], figure: str, source: str) -> str:
    """Return a figure that should be small: by set, with SMOTE's behind a slash."""
    parts = []
    for task, cells in found.items():
        mine, theirs = (mean_of(cells.get(name, {}), figure) for name in (source, SMOTE))
        if mine is not None and theirs is not None:
            parts.append(f"{task} {mine:.2f} / {theirs:.2f}")
    return ", ".join(parts) or "not measured"


def _named(tasks: Sequence[str]) -> str:
    return f" (not {', '.join(tasks)})" if tasks else ""


def points(test: PairedTest) -> str:
    """Return a difference and its 95 % interval in points."""
    return f"{100 * test.difference:.1f} ({100 * test.low:.1f} to {100 * test.high:.1f})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
