"""``compare``: the arms of a study, run on every split of the rows."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import clone
from sklearn.metrics import get_scorer_names

from synthaug._check import check_choice, check_labels, check_same_length, check_word
from synthaug._seed import seed_from
from synthaug._version import __version__
from synthaug.augment.arms import ARMS, GATED_ARMS, SHARED_LEARNER_ARMS, Arm
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.classifier import AugmentedClassifier
from synthaug.augment.fitting import as_estimator_wants, fit_classifier
from synthaug.augment.gate import auto_candidates
from synthaug.augment.mix import reads_images
from synthaug.data.split import Split
from synthaug.errors import ConfigError
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.designs import Design, Draws, read_design
from synthaug.experiment.results import SplitResult
from synthaug.experiment.run_split import Work, run_split
from synthaug.experiment.storage import SplitStore
from synthaug.training.checkpoint import fingerprint

DEFAULT_ARMS = ("none", "classic", "smote", "gan", "classic+gan", "gated")
_TRIAL_STEPS = 20
_OF_THE_MACHINE = ("callbacks", "checkpoint_dir", "resume", "verbose", "device")


@dataclass(frozen=True)
class Progress:
    """How far a study is: splits done, of how many, what was done last, and the seconds so far."""

    done: int
    total: int
    what: str
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """How long a study will take, measured on a few steps.

    Attributes
    ----------
    seconds
        Wall time expected.
    n_splits, n_learners
        How many splits there are, and how many learners they need in all.
    """

    seconds: float
    n_splits: int
    n_learners: int

    @property
    def text(self) -> str:
        """The same in words."""
        minutes = f"{self.seconds / 60:.1f} minutes" if self.seconds >= 90 else f"{self.seconds:.0f} seconds"
        return f"about {minutes}: {self.n_splits} splits, {self.n_learners} learners"


@dataclass(frozen=True)
class ArmStudy:
    """Arms, rows and splits, checked and ready to run.

    Attributes
    ----------
    name
        The study's name.
    work
        What all splits share.
    splits
        The splits.
    design
        How they were made.
    class_names
        The classes, in the order of the labels.
    n_jobs
        Splits at a time.
    settings
        Everything to reproduce the study.
    """

    name: str
    work: Work
    splits: list[Split]
    design: Design
    class_names: tuple[str, ...]
    n_jobs: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def n_learners(self) -> int:
        """How many learners all splits need."""
        shared = any(name in SHARED_LEARNER_ARMS for name in self.work.arms)
        inner = AugmentedClassifier().n_splits * sum(name in GATED_ARMS for name in self.work.arms)
        return len(self.splits) * (shared + inner)

    @property
    def key(self) -> str:
        """A fingerprint of rows, splits and settings: what a resumed study must share."""
        rows = np.asarray(self.work.X)
        labels = np.unique(np.asarray(self.work.y), return_inverse=True)[1]
        tensors = (torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float64)), torch.from_numpy(labels))
        places = [(split.train.tolist(), split.test.tolist()) for split in self.splits]
        settings = {name: value for name, value in self.settings.items() if name not in ("n_jobs", "versions")}
        return fingerprint(tensors, {"settings": settings, "splits": places})

    def estimate(self) -> Estimate:
        """Return how long the study will take, from a trial of 20 learning steps and one fit of the classifier."""
        train = self.splits[0].train
        X, y = _rows(self.work.X, train), _rows(self.work.y, train)
        began = time.perf_counter()
        fit_classifier(self.work.estimator, as_estimator_wants(self.work.estimator, X), y)
        fitting = (time.perf_counter() - began) * self._n_fits * len(self.splits)
        learning = self._learner_seconds(X, y) * self.n_learners if self.n_learners else 0.0
        workers = min(effective_n_jobs(self.n_jobs), len(self.splits))
        return Estimate((learning + fitting) / workers, len(self.splits), self.n_learners)

    def run(
        self,
        *,
        store: SplitStore | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_split: Callable[[SplitResult], None] | None = None,
    ) -> Comparison:
        """Run every split that the store does not hold yet, and return the comparison of all.

        Parameters
        ----------
        store
            Where finished splits are kept; None to keep them in memory.
        on_progress, on_split
            Are told after each split; ``on_split`` is told about those found in the store too.
        """
        began, results = time.perf_counter(), dict[int, SplitResult]()
        for result in self._results(store):
            results[result.index] = result
            if on_split is not None:
                on_split(result)
            if on_progress is not None:
                what = f"{'draw' if self.kind == 'draws' else 'fold'} {result.index + 1}"
                on_progress(Progress(len(results), len(self.splits), what, time.perf_counter() - began))
        return self.comparison([results[index] for index in sorted(results)])

    def comparison(self, results: Sequence[SplitResult]) -> Comparison:
        """Return the comparison of finished splits."""
        baseline = next(iter(self.work.arms))
        return Comparison(
            self.name, self.kind, str(self.work.scoring), baseline, tuple(results), self.settings, self.class_names
        )

    @property
    def kind(self) -> str:
        """``draws`` or ``folds``: which statistics apply."""
        return "draws" if isinstance(self.design, Draws) else "folds"

    @property
    def _n_fits(self) -> int:
        """How many classifiers a split fits: one an arm, and for the gate one a candidate, nothing among them, and
        fold.
        """
        gated = [name for name in self.work.arms if name in GATED_ARMS]
        images = reads_images(self.work.augmenter, self.work.X)
        tried = 1 + len(auto_candidates(self.work.estimator, images=images))
        return len(self.work.arms) + len(gated) * tried * AugmentedClassifier().n_splits

    def _results(self, store: SplitStore | None) -> Iterator[SplitResult]:
        finished = [] if store is None else store.finished()
        if store is not None:
            yield from (store.load(index) for index in finished)
        todo = [index for index in range(len(self.splits)) if index not in finished]
        jobs = (delayed(run_split)(self.work, index, self.splits[index]) for index in todo)
        for result in Parallel(self.n_jobs, return_as="generator_unordered")(jobs):
            if store is not None:
                store.save(result)
            yield result

    def _learner_seconds(self, X: Any, y: Any) -> float:
        trial = clone(self.work.augmenter).set_params(
            max_steps=_TRIAL_STEPS,
            selection="none",
            checkpoint_dir=None,
            resume=False,
            random_state=0,
            callbacks=None,
            verbose=0,
        )
        history = trial.fit(X, y).history_
        steps = getattr(trial.generator_, "n_steps", None)
        if len(history) < 2 or steps is None:
            return float(history["seconds"].max()) if len(history) else 0.0
        first, last = history.iloc[len(history) // 2], history.iloc[-1]
        limit = self.work.augmenter.max_steps
        each = (last["seconds"] - first["seconds"]) / max(1, last["step"] - first["step"])
        return float(each * (steps if limit is None else min(steps, limit)))


def compare(
    X: Any,
    y: Any,
    *,
    estimator: Any = None,
    arms: Sequence[str] | Mapping[str, Arm] = DEFAULT_ARMS,
    augmenter: SyntheticAugmenter | None = None,
    groups: Any = None,
    scoring: str = "balanced_accuracy",
    metrics: Sequence[str] = ("accuracy",),
    cv: Any = None,
    image_transform: Any = "shift",
    n_jobs: int | None = None,
    random_state: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Compare ways to train one classifier, paired over the same splits, without leaks, with a corrected test.

    Parameters
    ----------
    X, y
        Rows and labels, as ``SyntheticAugmenter.fit`` takes them.
    estimator
        The classifier; logistic regression on standardised columns if None.
    arms
        Names from ``ARMS``, or a dict of them and of your own functions of a ``Task``. The first is the baseline.
    augmenter
        The augmenter for the arms that learn; the default one if None.
    groups
        Which rows belong together (n,), such as a patient's: never on both sides of a split.
    scoring
        The primary metric, a scorer's name; higher is better.
    metrics
        Further scorers' names.
    cv
        None (5 times 5 folds), a number of folds, ``Folds``, ``Draws``, or a scikit-learn splitter. With ``groups`` a
        splitter that tears one apart is refused.
    image_transform
        What *classic* does to images: see ``transform_images``.
    n_jobs
        Splits at a time.
    random_state
        Decides everything random.
    on_progress
        Is told after each split.

    Returns
    -------
    The comparison: ``summary()``, ``verdict(a, b)``, ``frame``, ``plot()``, ``to_html(path)``.

    Raises
    ------
    ConfigError
        If an arm, a metric or a splitter cannot be.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from synthaug import Folds, compare
    >>> X, y = load_wine(return_X_y=True)
    >>> result = compare(X, y, arms=["none", "smote"], cv=Folds(3, 2), random_state=0)
    >>> result.summary().loc["smote", "verdict"]
    'no evidence'
    """
    study = prepare(
        X,
        y,
        estimator=estimator,
        arms=arms,
        augmenter=augmenter,
        groups=groups,
        scoring=scoring,
        metrics=metrics,
        cv=cv,
        image_transform=image_transform,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    return study.run(on_progress=on_progress)


def prepare(
    X: Any,
    y: Any,
    *,
    estimator: Any = None,
    arms: Sequence[str] | Mapping[str, Arm] = DEFAULT_ARMS,
    augmenter: SyntheticAugmenter | None = None,
    groups: Any = None,
    scoring: str = "balanced_accuracy",
    metrics: Sequence[str] = ("accuracy",),
    cv: Any = None,
    image_transform: Any = "shift",
    n_jobs: int | None = None,
    random_state: int | None = None,
    name: str = "study",
    class_names: Sequence[str] | None = None,
    include_real_rows: bool = True,
    learners_folder: Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> ArmStudy:
    """Return the study that ``compare`` runs, checked: it can be asked for an estimate, run, and resumed.

    The parameters are those of ``compare``, and ``name``, ``class_names``, ``include_real_rows`` (whether pictures of
    real rows may be kept), ``learners_folder`` (where fitted learners are saved) and ``settings`` (what to note
    beside).
    """
    labels = check_labels(y)
    check_same_length(X, labels)
    X, y = (X if hasattr(X, "dtype") or hasattr(X, "iloc") else np.asarray(X)), (y if hasattr(y, "dtype") else labels)
    groups = None if groups is None else np.asarray(groups)
    chosen = _read_arms(arms)
    for metric in (scoring, *metrics):
        check_choice("scoring", metric, get_scorer_names())
    seed, design = seed_from(random_state), read_design(cv)
    estimator = AugmentedClassifier()._classifier() if estimator is None else estimator
    augmenter = SyntheticAugmenter() if augmenter is None else augmenter
    work = Work(
        X=X,
        y=y,
        groups=groups,
        estimator=estimator,
        augmenter=augmenter,
        arms=chosen,
        scoring=scoring,
        metrics=tuple(dict.fromkeys((scoring, *metrics))),
        transform=image_transform,
        include_real_rows=include_real_rows,
        learners_folder=learners_folder,
        common_test_rows=isinstance(design, Draws),
        seed=seed,
    )
    splits = design.splits(X, labels, groups, seed)
    names = tuple(map(str, np.unique(labels))) if class_names is None else tuple(class_names)
    noted = {**_settings(work, design, n_jobs), **(settings or {})}
    return ArmStudy(name, work, splits, design, names, n_jobs, noted)


def _read_arms(arms: Sequence[str] | Mapping[str, Arm]) -> dict[str, Arm]:
    if isinstance(arms, str) or len(arms) < 2:
        raise ConfigError(f"arms must be at least two, the baseline first; got {arms!r}.")
    if isinstance(arms, Mapping):
        return {name: arm if callable(arm) else check_word("arm", arm, ARMS) for name, arm in arms.items()}
    if len(set(arms)) < len(arms):
        raise ConfigError(f"arms must each stand once; got {list(arms)}.")
    return {name: check_word("arm", name, ARMS) for name in arms}


def _settings(work: Work, design: Design, n_jobs: int | None) -> dict[str, Any]:
    parameters = work.augmenter.get_params(deep=False).items()
    augmenter = {name: str(value) for name, value in parameters if name not in _OF_THE_MACHINE}
    described = asdict(design) if isinstance(design, Draws) else repr(design)
    return {
        "estimator": repr(work.estimator),
        "augmenter": augmenter,
        "arms": list(work.arms),
        "design": json.loads(json.dumps(described, default=str)),
        "scoring": work.scoring,
        "metrics": list(work.metrics),
        "image_transform": str(work.transform),
        "seed": work.seed,
        "n_jobs": n_jobs,
        "versions": {"synthaug": __version__, "torch": str(torch.__version__), "numpy": np.__version__},
    }


def _rows(values: Any, numbers: np.ndarray) -> Any:
    return values.iloc[numbers] if hasattr(values, "iloc") else values[numbers]
