"""One cell of the tables' benchmark: a source of rows on one split of a set, measured once and kept."""

import hashlib
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors
from store import Store
from tables_figures import f1_scores, judge_structure, judge_table, points_of
from tables_peers import DEFAULT_EPOCHS, Drawn, Rows, ctgan, ctgan_python, smote, with_missing
from tables_sets import TASKS, TableRows, table_rows

from synthaug import Draws, SyntheticAugmenter
from synthaug.errors import SynthaugWarning
from synthaug.statistics import stratified_blocks

OURS = "auto"  # what the peers' matched time goes by
OVERLAP = "auto, overlap apart"
REAL, SMOTE = "real", "smote"
CTGAN, CTGAN_MATCHED, CTGAN_LONG = "ctgan", "ctgan matched time", "ctgan 3000 epochs"
_LONG_EPOCHS, _MOST_EPOCHS = 3000, 30_000
_N_BLOCKS = 50
_N_NEAREST = 5


@dataclass(frozen=True)
class Plan:
    """What is run, and where it is kept.

    Attributes
    ----------
    folder
        Results by half and set; ctgan's rows in ``ctgan``.
    half
        ``report`` for published figures, ``dev`` for choosing.
    n_splits
        Draws, or folds, of every set.
    environment
        Where ctgan's environment is, or will be made.
    """

    folder: Path
    half: str
    n_splits: int
    environment: Path

    def store(self, task: str) -> Store:
        """Return where the cells of a set are kept."""
        return Store(self.folder / self.half / f"{task}.json")


class NotYet(Exception):  # noqa: N818
    """A cell cannot be measured before another one is."""


def run_cell(plan: Plan, task: str, source: str, index: int) -> dict[str, Any]:
    """Return the figures of a source on one split of a set, measured if they are not there."""
    return plan.store(task).once(f"{source} {index}", partial(_measured, plan, task, source, index))


def _measured(plan: Plan, task: str, source: str, index: int) -> dict[str, Any]:
    rows = table_rows(task, plan.half, n_splits=plan.n_splits)
    split = rows.splits[index]
    train, test = _part(rows, split.train), _part(rows, split.test)
    asked = Rows(*train, seed=index)
    with warnings.catch_warnings():
        for category in (ConvergenceWarning, SynthaugWarning):  # solvers that stop early, rows that fall short
            warnings.simplefilter("ignore", category)
        drawn = _like(test, asked) if source == REAL else _draw(plan, task, source, asked)
        learned, fresh = (train, train) if source == REAL else ((drawn.X, drawn.y), test)
        figures = judge_table((drawn.X, drawn.y), train, test, fresh=fresh, seed=index)
        if (structure := TASKS[task].structure) is not None:
            figures |= judge_structure((drawn.X, drawn.y), test, structure)
        f1 = f1_scores(*learned, test, blocks_of(task, test[1]))
    sizes = {"n_train": len(split.train), "n_test": len(split.test)}
    return {**sizes, "f1": f1, **figures, "seconds": drawn.seconds, **drawn.facts}


def blocks_of(task: str, y: np.ndarray) -> list[np.ndarray]:
    """Return blocks of the test rows (labels n) where all draws share them; none where the design is folds."""
    return stratified_blocks(y, _N_BLOCKS) if isinstance(TASKS[task].design, Draws) else []


def _part(rows: TableRows, numbers: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    return rows.X.iloc[numbers].reset_index(drop=True), rows.y[numbers]


def _like(test: tuple[pd.DataFrame, np.ndarray], asked: Rows) -> Drawn:
    """Return held-out rows as if they had been drawn: the floor of every figure; as many of each class at most."""
    order = np.random.default_rng(asked.seed).permutation(len(test[1]))
    chosen = np.concatenate([order[test[1][order] == label][:n] for label, n in asked.counts.items()])
    return Drawn(test[0].iloc[chosen].reset_index(drop=True), test[1][chosen], 0.0, {})


def _draw(plan: Plan, task: str, source: str, rows: Rows) -> Drawn:
    if source == SMOTE:
        return smote(rows)
    if source in EPOCHS:
        return _kept_ctgan(plan, rows, EPOCHS[source](plan, task, rows))
    return _overlap_apart(rows) if source == OVERLAP else _ours(source, rows)


def _ours(name: str, rows: Rows) -> Drawn:
    """Return rows of one of our learners, at its defaults."""
    began = time.process_time()
    augmenter = SyntheticAugmenter(name, random_state=rows.seed).fit(rows.X, rows.y)
    seconds = time.process_time() - began
    X, y = augmenter.sample(rows.counts, random_state=rows.seed)
    return Drawn(X, np.asarray(y), seconds, {"learner": type(augmenter.generator_).__name__})


def _overlap_apart(rows: Rows) -> Drawn:
    """Return rows of our learner, told of one class more: rows of the largest class with another among their nearest.

    Overlap region detection (D'souza, Swetha & Sarawagi, "Synthetic Tabular Data Generation for Imbalanced
    Classification: The Surprising Effectiveness of an Overlap Class", 2024), with neighbours for their classifier.
    """
    columns = points_of(rows.X)(rows.X).numpy()
    near = NearestNeighbors(n_neighbors=_N_NEAREST + 1).fit(columns).kneighbors(columns, return_distance=False)[:, 1:]
    largest, apart = max(rows.counts, key=rows.counts.__getitem__), max(rows.counts) + 1
    overlap = (rows.y == largest) & (rows.y[near] != largest).any(axis=1)
    drawn = _ours(OURS, replace(rows, y=np.where(overlap, apart, rows.y)))
    return replace(drawn, y=np.where(drawn.y == apart, largest, drawn.y))


def _kept_ctgan(plan: Plan, rows: Rows, epochs: int) -> Drawn:
    """Return rows of ctgan, which are kept: they do not change with our code."""
    digest = hashlib.sha256(pd.util.hash_pandas_object(rows.X, index=False).to_numpy().tobytes() + rows.y.tobytes())
    path = plan.folder / "ctgan" / f"{digest.hexdigest()[:16]}-{rows.seed}-{epochs}.parquet"
    facts = Store(plan.folder / "ctgan" / "facts.json")
    if not path.exists():
        drawn = ctgan(rows, python=ctgan_python(plan.environment), epochs=epochs)
        path.parent.mkdir(parents=True, exist_ok=True)
        facts.put(path.stem, {"seconds": drawn.seconds, **drawn.facts})
        drawn.X.assign(label=drawn.y).to_parquet(path)
    table, said = pd.read_parquet(path), dict(facts.get(path.stem))
    return Drawn(with_missing(table, rows.X), table["label"].to_numpy(), said.pop("seconds"), said)


def _matched_epochs(plan: Plan, task: str, rows: Rows) -> int:
    """Return how many epochs of ctgan take as many seconds of one core as our learner took, one at least."""
    store = plan.store(task)
    ours, default = (store.get(f"{name} {rows.seed}") for name in (OURS, CTGAN))
    if ours is None or default is None:
        raise NotYet(f"{CTGAN_MATCHED} needs {OURS} and {CTGAN} on the same split")
    before = default["one_epoch_seconds"]
    an_epoch = max(1e-6, default["seconds"] - before) / (DEFAULT_EPOCHS - 1)
    return int(np.clip(1 + (ours["seconds"] - before) / an_epoch, 1, _MOST_EPOCHS))


EPOCHS: dict[str, Callable[[Plan, str, Rows], int]] = {
    CTGAN: lambda plan, task, rows: DEFAULT_EPOCHS,
    CTGAN_MATCHED: _matched_epochs,
    CTGAN_LONG: lambda plan, task, rows: _LONG_EPOCHS,
}


def at_most(plan: Plan, n_splits: int) -> Plan:
    """Return the plan with fewer splits."""
    return replace(plan, n_splits=min(plan.n_splits, n_splits))
