"""A store of MLflow for each test, copied from one whose tables were made once; records of a small made study."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthaug.experiment.results import LearnerRecord, SplitResult
from synthaug.experiment.storage import SplitStore

FACTS = {
    "name": "demo",
    "design": "draws",
    "scoring": "balanced_accuracy",
    "baseline": "none",
    "settings": {"seed": 0},
    "class_names": ["benign", "<50", ">50"],
    "include_real_rows": False,
    "n_splits": 4,
}
MakeSplit = Callable[..., SplitResult]


@pytest.fixture
def uri(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    shutil.copy(migrated, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def learner() -> Callable[..., LearnerRecord]:
    return make_learner


@pytest.fixture
def split() -> MakeSplit:
    return make_split


@pytest.fixture
def study_folder(tmp_path: Path) -> Callable[[list[SplitResult]], Path]:
    """Make the folder of a study of four splits of which these are finished."""

    def make(splits: list[SplitResult]) -> Path:
        store, rng = SplitStore(tmp_path / "study"), np.random.default_rng(0)
        store.open("key", FACTS, resume=False)
        for result in splits:
            for arm, values in result.blocks.items():
                values += 0.01 * rng.normal(size=values.shape)
                result.scores[arm]["balanced_accuracy"] = float(values.mean())
            store.save(result)
        return store.folder

    return make


def make_learner(name: str = "full", n_steps: int = 4, **changes: Any) -> LearnerRecord:
    steps = np.arange(n_steps)
    seconds = steps * 0.5
    history = pd.DataFrame({"step": steps, "images_seen": 8 * steps, "seconds": seconds, "critic": 2.0 - seconds / 10})
    rows = [("benign", "kid", 0.2, 0.1), ("<50", "kid", 0.3, 0.1), (">50", "kid", float("nan"), 0.1)]
    quality = pd.DataFrame(rows, columns=["class", "metric", "value", "floor"])
    images = np.arange(3 * 2 * 4 * 5 * 1, dtype=np.uint8).reshape(3, 2, 4, 5, 1)
    facts = {"name": name, "n_rows": 30, "seconds": 2.0, "parameters": {"lr": 2e-4, "width": 8}}
    facts |= {"history": history, "quality": quality, "real": images, "synthetic": images}
    return LearnerRecord(**(facts | changes))


def make_decision(chosen: str) -> pd.DataFrame:
    rows = {"candidate": ["nothing", "classic", "gan"], "score": [0.7, 0.71, 0.74], "gain": [0.0, 0.01, 0.04]}
    frame = pd.DataFrame(rows | {"low": [0.0, -0.01, 0.01], "high": [0.0, 0.03, 0.07]})
    return frame.assign(chosen=frame["candidate"] == chosen, why="")


def make_split(index: int = 0, learners: tuple[LearnerRecord, ...] = (), **changes: Any) -> SplitResult:
    scores = {
        "none": {"accuracy": 0.80, "balanced_accuracy": 0.70},
        "gan": {"accuracy": 0.82 + index / 100, "balanced_accuracy": 0.75},
        "gated": {"accuracy": 0.81, "balanced_accuracy": 0.74},
    }
    facts: dict[str, Any] = {"index": index, "repeat": index, "fold": 0, "n_train": 40, "n_test": 100, "scores": scores}
    facts |= {"blocks": {arm: np.full(4, metrics["balanced_accuracy"]) for arm, metrics in scores.items()}}
    facts |= {"skipped": {"smote": "it takes tables only"}, "n_added": {"none": 0, "gan": 20, "gated": 10}}
    facts |= {"seconds": dict.fromkeys(scores, 0.5), "explanation": "The best mix gained 4.0 points."}
    facts |= {"decision": make_decision("gan"), "learners": learners}
    return SplitResult(**(facts | changes))
