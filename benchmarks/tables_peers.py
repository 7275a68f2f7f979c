"""Peers of our learners on mixed tables: imbalanced-learn's SMOTE, and ctgan in an environment of its own.

Neither takes missing values. Both get the column's median in their place and beside it a column that says where they
were, and what they draw is turned back. SMOTE gets standardised numbers, for it measures distances.

ctgan (Business Source License: run here, never a dependency) wants pandas below 3. ``ctgan_python`` makes a virtual
environment for it with pip, some minutes and 0.3 GB. It sees this environment's torch, so that both sides run the same
one. Rows go there and back as Parquet files (``tables_ctgan_worker.py``).
"""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

CTGAN, SDMETRICS = "ctgan==0.12.*", "sdmetrics==0.32.*"
LABEL = "label"
DEFAULT_EPOCHS = 300
_MISSING = " is missing"
_NEIGHBOURS = 5
_WORKER = Path(__file__).with_name("tables_ctgan_worker.py")


@dataclass(frozen=True, eq=False)
class Drawn:
    """Synthetic rows: X a frame like the training rows, y (n,), seconds of one core to learn, and further facts."""

    X: pd.DataFrame
    y: np.ndarray
    seconds: float
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Rows:
    """What a learner gets: training rows X, y (n,), and a seed; it draws as many rows of each class."""

    X: pd.DataFrame
    y: np.ndarray
    seed: int

    @property
    def counts(self) -> dict[int, int]:
        """Rows of each class."""
        labels, counts = np.unique(self.y, return_counts=True)
        return dict(zip(labels.tolist(), counts.tolist(), strict=True))


def smote(rows: Rows) -> Drawn:
    """Return points between rows of a class and their neighbours (Chawla et al. 2002), as many as there are rows."""
    began = time.process_time()
    filled = without_missing(rows.X)
    numbers = filled.select_dtypes("number")
    centre, scale = numbers.mean(), numbers.std(ddof=0).replace(0, 1)
    scaled = filled.assign(**((numbers - centre) / scale))
    sampler = _sampler(scaled, rows)
    X, y = sampler.fit_resample(scaled, rows.y)
    X, y = X.iloc[len(rows.y) :].reset_index(drop=True), np.asarray(y)[len(rows.y) :]
    X = X.assign(**(X[numbers.columns] * scale + centre))
    return Drawn(with_missing(X, rows.X), y, time.process_time() - began, {})


def _sampler(X: pd.DataFrame, rows: Rows) -> SMOTE | SMOTEN | SMOTENC:
    asked = {
        "sampling_strategy": {label: 2 * n for label, n in rows.counts.items()},
        "k_neighbors": min(_NEIGHBOURS, min(rows.counts.values()) - 1),
        "random_state": rows.seed,
    }
    words = [kind == "category" for kind in X.dtypes]
    if not any(words):
        return SMOTE(**asked)
    return SMOTEN(**asked) if all(words) else SMOTENC(words, **asked)


def ctgan(rows: Rows, *, python: Path, epochs: int) -> Drawn:
    """Return rows of ctgan with its defaults but for the number of epochs, in the training rows' counts.

    It is asked for rows of each class until there are enough; of a class that it does not learn to draw there stay too
    few: ``shortfall`` is the share that is lacking.
    """
    filled = without_missing(rows.X)
    words = [*filled.select_dtypes("category").columns, LABEL]
    counts = {str(label): n for label, n in rows.counts.items()}
    with tempfile.TemporaryDirectory() as place:
        job = {
            "place": place,
            "words": words,
            "counts": counts,
            "epochs": epochs,
            "seed": rows.seed,
            "overhead": epochs == DEFAULT_EPOCHS,
        }
        facts = run_ctgan(filled.assign(**{LABEL: rows.y}), job, python)
        drawn = pd.read_parquet(f"{place}/drawn.parquet")
    y = drawn.pop(LABEL).astype(int).to_numpy()
    facts["shortfall"] = 1 - len(y) / len(rows.y)
    return Drawn(with_missing(drawn, rows.X), y, facts.pop("seconds"), facts)


def run_ctgan(table: pd.DataFrame, job: dict[str, Any], python: Path) -> dict[str, float]:
    """Return what the worker says of a job: the table goes there and drawn rows come back in the folder ``place``."""
    table.astype(dict.fromkeys(job["words"], str)).to_parquet(f"{job['place']}/train.parquet")
    return json.loads(_run([str(python), str(_WORKER), json.dumps(job | {"label": LABEL})]).splitlines()[-1])


def ctgan_python(folder: Path) -> Path:
    """Return the interpreter of an environment with ctgan and sdmetrics in a folder, made first if it is not there."""
    python, done = folder / "bin" / "python", folder / ".installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        site = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
        (site / "outer.pth").write_text(sysconfig.get_path("purelib") + "\n")
        _run([str(python), "-m", "pip", "install", "--quiet", CTGAN, SDMETRICS, "pyarrow"])
        done.touch()
    return python


def _run(command: list[str]) -> str:
    """Return what a command prints; its warnings go to our own error stream."""
    environment = os.environ | {"PYTHONPATH": "", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


def without_missing(X: pd.DataFrame) -> pd.DataFrame:
    """Return rows with medians and most frequent values for missing ones, and a category beside each such column."""
    flags, filled = {}, {}
    for name in X.columns[X.isna().any()]:
        flags[f"{name}{_MISSING}"] = pd.Categorical(np.where(X[name].isna(), "yes", "no"))
        value = X[name].median() if pd.api.types.is_numeric_dtype(X[name]) else X[name].mode()[0]
        filled[name] = X[name].fillna(value)
    return X.assign(**filled, **flags)


def with_missing(X: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the columns and types of other rows, missing where the category beside the column says so."""
    columns = {}
    for name, kind in like.dtypes.items():
        values = X[name]
        if f"{name}{_MISSING}" in X:
            values = values.mask(X[f"{name}{_MISSING}"].astype(str) == "yes")
        if isinstance(kind, pd.CategoricalDtype):
            columns[name] = values.astype(object).astype(kind)
        else:
            columns[name] = (values.round() if pd.api.types.is_integer_dtype(kind) else values).astype(kind)
    return pd.DataFrame(columns).reset_index(drop=True)
