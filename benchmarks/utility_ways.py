"""What the utility study trains: estimators, each with the settings to choose among, and the augmenter they share."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from kept import KeptAugmenter
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from utility_tasks import STUDY, StudyTask

from synthaug import LatentGAN
from synthaug.experiment.convnet import ConvNetClassifier

SETTINGS = Path(__file__).with_name("utility_settings.json")
_FEW_ROWS, _MANY_TIMES = 100, 4
_KEPT_VARIANCE = 0.95

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Way:
    """An estimator: ``make`` builds it from its settings, ``grid`` holds the values to choose among, default first."""

    make: Callable[[Params, StudyTask], Any]
    grid: Mapping[str, tuple[Any, ...]]
    images_only: bool = False

    def choices(self) -> list[dict[str, Any]]:
        """Return every combination of the grid's values, the default first."""
        return [dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values())]


@dataclass(frozen=True)
class Chosen:
    """The settings of one estimator on one task, chosen on the dev half.

    Attributes
    ----------
    params
        Of the estimator, chosen without any added row.
    transform
        What *classic* does; ``tuned`` leaves it to inner folds of the training rows.
    n_synthetic
        How many rows every arm adds, best for *classic*: ``auto``, or so many a class beyond balance.
    """

    params: dict[str, Any]
    transform: str
    n_synthetic: int | str


def amounts(y: np.ndarray) -> tuple[int | str, int]:
    """Return how many rows may be added to training labels (n,): ``auto``, or 4 times the largest class to each class;
    once where it has more than 100 rows.
    """
    largest = int(np.bincount(y).max())
    return "auto", largest * (_MANY_TIMES if largest <= _FEW_ROWS else 1)


def _scaled(task: StudyTask) -> Any:
    if task.kind != "table":
        return MinMaxScaler()
    if not task.categories:
        return StandardScaler()
    words = ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(task.categories))
    return ColumnTransformer([words], remainder=StandardScaler())


def _logistic(params: Params, task: StudyTask) -> Any:
    return make_pipeline(_scaled(task), LogisticRegression(max_iter=300, **params))


def _svm(params: Params, task: StudyTask) -> Any:
    return make_pipeline(_scaled(task), SVC(random_state=0, **params))


def _forest(params: Params, task: StudyTask) -> Any:
    return RandomForestClassifier(100, random_state=0, **params)


def _boosting(params: Params, task: StudyTask) -> Any:
    """Return boosted trees; on images of the principal components, for trees on pixels take minutes and lose."""
    trees = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, random_state=0, **params)
    fewer = FunctionTransformer() if task.kind == "table" else PCA(_KEPT_VARIANCE, svd_solver="full", random_state=0)
    return make_pipeline(fewer, trees)


def _convnet(params: Params, task: StudyTask) -> Any:
    return ConvNetClassifier(width=16, random_state=0, **params)


ESTIMATORS: dict[str, Way] = {
    "logistic": Way(_logistic, {"C": (1.0, 0.1, 0.01)}),
    "svm": Way(_svm, {"C": (1.0, 10.0)}),
    "forest": Way(_forest, {"max_features": ("sqrt", 0.2)}),
    "boosting": Way(_boosting, {"learning_rate": (0.1, 0.3)}),
    "convnet": Way(_convnet, {"n_steps": (300, 600), "lr": (2e-3, 5e-3)}, images_only=True),
}
TREES = ("forest", "boosting")


def estimators_of(task: StudyTask) -> list[str]:
    """Return the estimators that fit a task."""
    return [name for name, way in ESTIMATORS.items() if not way.images_only or task.kind != "table"]


def chosen_for(task: str, estimator: str) -> Chosen:
    """Return what was chosen on the dev half; where nothing may be, the defaults."""
    found = json.loads(SETTINGS.read_text()) if SETTINGS.exists() else {}
    if estimator in found.get(task, {}):
        return Chosen(**found[task][estimator])
    return Chosen(ESTIMATORS[estimator].choices()[0], default_transform(STUDY[task]), "auto")


def default_transform(task: StudyTask) -> str:
    """Return what *classic* does where nothing was chosen."""
    return "shift" if task.halves else "tuned"


def augmenter_of(task: StudyTask, chosen: Chosen, folder: Path) -> KeptAugmenter:
    """Return the augmenter that all arms and estimators of a task share."""
    learner = LatentGAN(n_steps=task.n_steps, n_threads=1)
    return KeptAugmenter(learner, n_synthetic=chosen.n_synthetic, checkpoint_dir=folder, random_state=0)


def make_estimator(task: StudyTask, estimator: str, chosen: Chosen) -> Any:
    """Return an estimator with its chosen settings."""
    return ESTIMATORS[estimator].make(chosen.params, task)
