"""One split of a study, from learning to scores. Runs in a worker; sees nothing of other splits."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive, numpy_stream
from synthaug.augment.arms import Arm, NotApplicable, Task, Trained
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.fitting import Answers, answers_of, as_estimator_wants
from synthaug.augment.learning import GAN
from synthaug.augment.metrics import metric_name, score, score_blocks, score_resamples
from synthaug.augment.mix import plan_for
from synthaug.augment.quality import assess_quality
from synthaug.data.container import take
from synthaug.data.images import ImageCodec
from synthaug.data.labels import fit_label_codec
from synthaug.data.split import Split, stratified_folds
from synthaug.errors import ConfigError, LeakWarning, ShortfallWarning, SmallClassWarning
from synthaug.experiment.column_figures import ColumnFigures, describe_columns
from synthaug.experiment.recalls import class_recalls
from synthaug.experiment.results import LearnerRecord, SplitResult
from synthaug.statistics import resample_groups, stratified_blocks

MOST_BLOCKS = 50
_SHOWN_A_CLASS = 8
_ASSESSED_A_CLASS = 64
_MOST_HOLDOUT = 1000
_COMPARED_A_CLASS = 200


@dataclass(frozen=True)
class Work:
    """What all splits of a study share.

    Attributes
    ----------
    X, y, groups
        All rows, labels and groups (or None).
    estimator, augmenter
        The classifier and the augmenter, neither fitted.
    arms
        Ways to train, by name.
    scoring
        The primary metric: a name or a scorer.
    metrics
        All metrics by name, the primary one first.
    transform
        What *classic* does.
    include_real_rows
        Whether pictures of real rows may be kept.
    learners_folder
        Where fitted learners are saved; None for nowhere.
    common_test_rows
        Whether all splits are scored on the same rows, so that scores are shared out over blocks of them.
    seed
        Decides everything random.
    X_unlabeled
        Rows without labels, none of them one of X; None where there are none.
    n_resamples
        How often the groups of the test rows are resampled, for intervals of every metric; 0 for none.
    """

    X: Any
    y: Any
    groups: np.ndarray | None
    estimator: Any
    augmenter: SyntheticAugmenter
    arms: dict[str, Arm]
    scoring: Any
    metrics: dict[str, Any]
    transform: Any
    include_real_rows: bool
    learners_folder: Path | None
    common_test_rows: bool
    seed: int
    X_unlabeled: Any = None
    n_resamples: int = 0

    @property
    def primary(self) -> str:
        """The primary metric's name."""
        return metric_name(self.scoring)


@dataclass(frozen=True)
class Scored:
    """What one classifier scored on the test rows of a split.

    Attributes
    ----------
    values
        Every metric by name.
    blocks
        The primary metric's pseudo-values over blocks of test rows, shape (n_blocks,); empty without blocks.
    recalls
        The recall of each class, shape (n_classes,).
    replicates
        Every metric on each resample of the test rows, shape (n_resamples,); empty where none were asked for.
    """

    values: dict[str, float]
    blocks: np.ndarray
    recalls: np.ndarray
    replicates: dict[str, np.ndarray] = field(default_factory=dict)


def run_split(work: Work, index: int, split: Split) -> SplitResult:
    """Return what the arms of one split gave; the training rows are all that learning and the gate see."""
    seed = derive(work.seed, "split", index)
    task, blocks, times = new_task(work, split.train, seed), blocks_of(work, split), resamples_of(work, split)
    trained: dict[str, Trained] = {}
    skipped, seconds, scored = dict[str, str](), dict[str, float](), dict[str, Scored]()
    baseline, learned = next(iter(work.arms)), list[str]()
    with quiet_about_few_rows():
        for name, arm in work.arms.items():
            began, learning, asked = time.perf_counter(), _seconds_of(task.learned), _times_asked(task.learned)
            try:
                trained[name] = arm(task)
            except NotApplicable as reason:
                _check_may_be_skipped(name, baseline, reason)
                skipped[name] = str(reason)
                continue
            if trained[name].decision is not None or _times_asked(task.learned) > asked:
                learned.append(name)
            seconds[name] = time.perf_counter() - began - (_seconds_of(task.learned) - learning)
            scored[name] = score_classifier(work, split, trained[name].classifier, blocks, times)
        learners = _records(work, index, split, task, trained)
    gate = next((arm.decision for arm in trained.values() if arm.decision is not None), None)
    return SplitResult(
        index=index,
        repeat=split.repeat,
        fold=split.fold,
        n_train=len(split.train),
        n_test=len(split.test),
        scores={name: found.values for name, found in scored.items()},
        blocks={name: found.blocks for name, found in scored.items() if blocks},
        skipped=skipped,
        n_added={name: arm.n_added for name, arm in trained.items()},
        seconds=seconds,
        decision=pd.DataFrame() if gate is None else gate.table,
        explanation="" if gate is None else gate.sentence,
        learners=learners,
        recalls={name: found.recalls for name, found in scored.items()},
        learned=tuple(learned),
        replicates={name: found.replicates for name, found in scored.items() if found.replicates},
    )


def new_task(work: Work, train: np.ndarray, seed: int) -> Task:
    """Return what arms get: the training rows (row numbers ``train``) and nothing of any other."""
    X, y = take(work.X, train), take(work.y, train)
    groups = None if work.groups is None else work.groups[train]

    @cache
    def learned() -> SyntheticAugmenter:
        asked = work.augmenter.generator
        generator = GAN if isinstance(asked, str) and asked == "auto" else asked  # an arm called gan learns one
        augmenter = clone(work.augmenter).set_params(generator=generator, random_state=derive(seed, "learn"))
        return augmenter.fit(X, y, groups=groups, X_unlabeled=work.X_unlabeled)

    return Task(
        X,
        y,
        groups,
        work.estimator,
        work.augmenter,
        learned,
        plan_for(work.augmenter, y),
        work.transform,
        work.scoring,
        seed,
        work.X_unlabeled,
    )


def score_classifier(
    work: Work, split: Split, classifier: Any, blocks: list[np.ndarray], times: np.ndarray | None = None
) -> Scored:
    """Return what a fitted classifier scores on the split's test rows, and on resamples of them (``resamples_of``)."""
    y_test = np.asarray(work.y)[split.test]
    answers = answers_of(classifier, as_estimator_wants(classifier, take(work.X, split.test)))
    return Scored(
        {name: score(metric, answers, y_test) for name, metric in work.metrics.items()},
        score_blocks(work.scoring, answers, y_test, blocks) if blocks else np.empty(0),
        class_recalls(y_test, answers.values["predict"], np.unique(np.asarray(work.y))),
        {} if times is None else _replicates(work, answers, y_test, times),
    )


def resamples_of(work: Work, split: Split) -> np.ndarray | None:
    """Return how often each test row is in each resample of the study's groups (n_resamples, n_test); None where no
    intervals were asked for. All arms and splits share the resamples.
    """
    if not work.n_resamples:
        return None
    rows = split.test if work.common_test_rows else np.arange(len(work.y))
    groups = None if work.groups is None else work.groups[rows]
    rng = numpy_stream(work.seed, "resamples")
    times = resample_groups(np.asarray(work.y)[rows], groups, n_resamples=work.n_resamples, rng=rng)
    return times if work.common_test_rows else times[:, split.test]


def _replicates(work: Work, answers: Answers, y_test: np.ndarray, times: np.ndarray) -> dict[str, np.ndarray]:
    found = {name: score_resamples(metric, answers, y_test, times) for name, metric in work.metrics.items()}
    return {name: values.astype(np.float32) for name, values in found.items()}


@contextmanager
def quiet_about_few_rows() -> Iterator[None]:
    """Keep back the warnings of small classes and shortfalls, which the result counts, and of leaks, said before."""
    with warnings.catch_warnings():
        for category in (SmallClassWarning, ShortfallWarning, LeakWarning):
            warnings.simplefilter("ignore", category)
        yield


def blocks_of(work: Work, split: Split) -> list[np.ndarray]:
    """Return blocks of test rows, whole groups together, where the test rows are common to all splits; else none.

    Raises
    ------
    ConfigError
        If they hold one group.
    LabelError
        If they hold one row of a class.
    """
    y_test = np.asarray(work.y)[split.test]
    if not work.common_test_rows:
        return []
    if work.groups is None:
        return stratified_blocks(y_test, min(MOST_BLOCKS, len(y_test)))
    groups = work.groups[split.test]
    n_blocks = min(MOST_BLOCKS, len(np.unique(groups)))
    if n_blocks < 2:
        raise ConfigError("test_rows must hold rows of at least 2 groups; got 1 (chance cannot be told). Raise it.")
    folds = stratified_folds(y_test, n_splits=n_blocks, seed=work.seed, groups=groups)
    return [test for _, test in folds if len(test)]


def _check_may_be_skipped(arm: str, baseline: str, reason: NotApplicable) -> None:
    """Raise ConfigError if the arm that does not apply is the one that all others are compared with."""
    if arm == baseline:
        raise ConfigError(
            f"the first of the arms must apply, for the others are compared with it; got {arm!r}, which does not: "
            f"{reason}. Put another first."
        ) from reason


def _times_asked(learned: Any) -> int:
    return int(sum(learned.cache_info()[:2]))


def _seconds_of(learned: Any) -> float:
    return float(learned().seconds_) if learned.cache_info().currsize else 0.0


def _records(
    work: Work, index: int, split: Split, task: Task, trained: dict[str, Trained]
) -> tuple[LearnerRecord, ...]:
    records = []
    if task.learned.cache_info().currsize:  # type: ignore[attr-defined]
        augmenter = task.learned()
        real, synthetic = _to_look_at(work, split, augmenter)
        quality = _quality(work, split, augmenter)
        folder = None
        if work.learners_folder is not None:
            folder = f"{work.learners_folder.name}/{index:04d}"
            augmenter.save(work.learners_folder / f"{index:04d}")
        full = _record("full", augmenter, quality, real, synthetic, folder)
        records.append(replace(full, columns=_columns(work, index, split, augmenter)))
    inner = [source for arm in trained.values() if arm.decision is not None for source in arm.decision.sources]
    nothing = np.empty((0, 0, 0, 0, 1), dtype=np.uint8)
    records += [_record(f"inner {k}", source, pd.DataFrame(), nothing, nothing, None) for k, source in enumerate(inner)]
    return tuple(records)


def _record(
    name: str,
    augmenter: SyntheticAugmenter,
    quality: pd.DataFrame,
    real: np.ndarray,
    synthetic: np.ndarray,
    folder: str | None,
) -> LearnerRecord:
    return LearnerRecord(
        name=name,
        n_rows=sum(augmenter.class_counts_.values()),
        seconds=augmenter.seconds_,
        parameters={"learner": type(augmenter.generator_).__name__, **augmenter.generator_.get_params()},
        history=augmenter.history_,
        quality=quality,
        real=real,
        synthetic=synthetic,
        folder=folder,
    )


def _quality(work: Work, split: Split, augmenter: SyntheticAugmenter) -> pd.DataFrame:
    learned = [label for label, n in augmenter.class_counts_.items() if n >= FEWEST_ROWS]
    if len(learned) < 2:
        return pd.DataFrame()
    synthetic = augmenter.sample(dict.fromkeys(learned, _ASSESSED_A_CLASS), random_state=derive(work.seed, "assess"))
    test = split.test[:: max(1, len(split.test) // _MOST_HOLDOUT)]
    report = assess_quality(
        (take(work.X, split.train), take(work.y, split.train)),
        synthetic,
        (take(work.X, test), take(work.y, test)),
        image_shape=work.augmenter.image_shape,
        image_format=work.augmenter.image_format,
        groups=None if work.groups is None else (work.groups[split.train], work.groups[test]),
    )
    return report.frame


def _columns(work: Work, index: int, split: Split, augmenter: SyntheticAugmenter) -> ColumnFigures | None:
    """Return how a table's columns compare with those of real rows; None for images."""
    learned = [label for label, n in augmenter.class_counts_.items() if n >= FEWEST_ROWS]
    if isinstance(augmenter.codec_, ImageCodec) or not learned:
        return None
    counts = dict.fromkeys(learned, _COMPARED_A_CLASS)
    return describe_columns(
        (take(work.X, split.train), take(work.y, split.train)),
        augmenter.sample(counts, random_state=derive(work.seed, "columns")),
        (take(work.X, split.test), take(work.y, split.test)),
        include_real_rows=work.include_real_rows,
        with_shares=index == 0,
        seed=derive(work.seed, "columns"),
    )


def _to_look_at(work: Work, split: Split, augmenter: SyntheticAugmenter) -> tuple[np.ndarray, np.ndarray]:
    """Return a few real and synthetic images of each class, (n_classes, k, h, w, c), uint8; empty for tables."""
    nothing = np.empty((0, 0, 0, 0, 1), dtype=np.uint8)
    codec = augmenter.codec_
    if not isinstance(codec, ImageCodec):
        return nothing, nothing
    shape = (len(augmenter.classes_), _SHOWN_A_CLASS, *codec.shape[1:], codec.shape[0])
    real, synthetic = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    labels = fit_label_codec(work.y).encode(work.y)[split.train]
    for number, (label, n) in enumerate(augmenter.class_counts_.items()):
        rows = take(work.X, split.train[labels == number][:_SHOWN_A_CLASS])
        real[number, : len(rows)] = _as_bytes(codec, rows)
        if n >= FEWEST_ROWS:
            drawn, _ = augmenter.sample({label: _SHOWN_A_CLASS}, random_state=derive(work.seed, "look"))
            synthetic[number] = _as_bytes(codec, drawn)
    return (real if work.include_real_rows else nothing), synthetic


def _as_bytes(codec: ImageCodec, images: Any) -> np.ndarray:
    rows = images.to_numpy() if isinstance(images, pd.DataFrame) else np.asarray(images)
    pixels = codec.encode(rows).permute(0, 2, 3, 1).numpy()
    return np.rint((pixels.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
