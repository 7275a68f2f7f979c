"""One split of a study, from learning to scores. Runs in a worker; sees nothing of other splits."""

import hashlib
import json
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from synthaug._seed import derive, numpy_stream
from synthaug.augment.arms import ARMS, NotApplicable, Task, Trained
from synthaug.augment.fitting import Answers, answers_of, as_estimator_wants, pool_answers
from synthaug.augment.metrics import score, score_blocks, score_resamples
from synthaug.data.container import take
from synthaug.data.split import Split, stratified_folds
from synthaug.errors import ConfigError, LabelError, LeakWarning, ShortfallWarning, SmallClassWarning
from synthaug.experiment.learner_records import learner_records
from synthaug.experiment.recalls import class_recalls
from synthaug.experiment.results import SplitResult, is_learned
from synthaug.experiment.work import Work, learners_of, new_task
from synthaug.statistics import resample_groups, stratified_blocks

MOST_BLOCKS = 50
_TELLING = ("predict_proba", "decision_function", "predict")  # the most telling answers first


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
    digest
        The same for the same answers: see ``SplitResult.answers``.
    """

    values: dict[str, float]
    blocks: np.ndarray
    recalls: np.ndarray
    replicates: dict[str, np.ndarray] = field(default_factory=dict)
    digest: str = ""


def run_split(work: Work, index: int, split: Split) -> SplitResult:
    """Return what the arms of one split gave; the training rows are all that learning and the gate see."""
    seed = derive(work.seed, "split", index)
    task, blocks, times = new_task(work, split.train, seed), blocks_of(work, split), resamples_of(work, split)
    trained: dict[str, Trained] = {}
    skipped, seconds, scored = dict[str, str](), dict[str, float](), dict[str, Scored]()
    baseline, learned = next(iter(work.arms)), list[str]()
    with quiet_about_few_rows():
        for name, arm in work.arms.items():
            began, learning, asked = time.perf_counter(), _seconds_of(task), _times_asked(task)
            try:
                trained[name] = _checked(name, arm(task))
            except NotApplicable as reason:
                _check_may_be_skipped(name, baseline, reason)
                skipped[name] = str(reason)
                continue
            of_a_gan = arm not in ARMS.values() and is_learned(name)
            if of_a_gan or trained[name].decision is not None or _times_asked(task) > asked:
                learned.append(name)
            seconds[name] = time.perf_counter() - began - (_seconds_of(task) - learning)
            scored[name] = score_classifier(work, split, trained[name].classifier, blocks, times)
            _check_finite(work.primary, scored[name].values[work.primary], name, index)
        learners = learner_records(work, index, split, task, trained)
    gated_arm = next((name for name, arm in trained.items() if arm.decision is not None), "")
    gate = trained[gated_arm].decision if gated_arm else None
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
        gated_arm=gated_arm,
        learners=learners,
        recalls={name: found.recalls for name, found in scored.items()},
        learned=tuple(learned),
        replicates={name: found.replicates for name, found in scored.items() if found.replicates},
        answers={name: found.digest for name, found in scored.items()},
    )


def score_classifier(
    work: Work, split: Split, classifier: Any, blocks: list[np.ndarray], times: np.ndarray | None = None
) -> Scored:
    """Return what a fitted classifier scores on the split's test rows, and on resamples of them (``resamples_of``).

    NaN for a metric of what the classifier does not give, such as probabilities: one of an arm of the user's own.
    """
    y_test, classes = np.asarray(work.y)[split.test], np.unique(np.asarray(work.y))
    answers = answers_of(classifier, as_estimator_wants(classifier, take(work.X, split.test)))
    if len(answers.classes) < len(classes):  # a class that no training row of the split is of
        answers = pool_answers([answers], [np.arange(len(y_test))], among=classes)
    values = {name: _score(metric, answers, y_test) for name, metric in work.metrics.items()}
    in_blocks = blocks and np.isfinite(values[work.primary])
    return Scored(
        values,
        score_blocks(work.scoring, answers, y_test, blocks) if in_blocks else np.empty(0),
        class_recalls(y_test, answers.values["predict"], classes),
        {} if times is None else _replicates(work, answers, y_test, times, values),
        _digest_of(answers),
    )


def _digest_of(answers: Answers) -> str:
    told = next(answers.values[name] for name in _TELLING if name in answers.values)
    return hashlib.blake2b(json.dumps(np.asarray(told).tolist()).encode(), digest_size=16).hexdigest()


def _score(metric: Any, answers: Answers, y_test: np.ndarray) -> float:
    try:
        return score(metric, answers, y_test)
    except AttributeError:  # the estimator has what the metric looks at, or the study had been refused
        return float("nan")


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


def _replicates(
    work: Work, answers: Answers, y_test: np.ndarray, times: np.ndarray, values: dict[str, float]
) -> dict[str, np.ndarray]:
    found = {
        name: score_resamples(metric, answers, y_test, times)
        if np.isfinite(values[name])
        else np.full(len(times), np.nan)
        for name, metric in work.metrics.items()
    }
    return {name: replicates.astype(np.float32) for name, replicates in found.items()}


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
        If they hold one row of a class, or rows of one group.
    """
    y_test = np.asarray(work.y)[split.test]
    if not work.common_test_rows:
        return []
    if work.groups is None:
        return stratified_blocks(y_test, min(MOST_BLOCKS, len(y_test)))
    groups = work.groups[split.test]
    classes, counts = np.unique(y_test, return_counts=True)
    n_blocks = min(MOST_BLOCKS, len(np.unique(groups)), int(counts.max()))
    if n_blocks < 2:
        raise ConfigError("test_rows must hold rows of at least 2 groups; got 1 (chance cannot be told). Raise it.")
    folds = stratified_folds(y_test, n_splits=n_blocks, seed=work.seed, groups=groups)
    blocks = [test for _, test in folds if len(test)]
    for label in classes.tolist():
        if sum(label in y_test[block] for block in blocks) < 2:
            raise LabelError(
                f"every class needs test rows in at least 2 groups; class {label!r} has them in 1 (chance cannot be "
                "told). Raise test_rows, or drop it."
            )
    return blocks


def _checked(arm: str, trained: Any) -> Trained:
    if not isinstance(trained, Trained):
        raise ConfigError(
            f"arms must return Trained(classifier, n_added), from synthaug.augment.arms; arm {arm!r} returned a "
            f"{type(trained).__name__}."
        )
    return trained


def _check_finite(metric: str, value: float, arm: str, index: int) -> None:
    """Raise as soon as the primary metric has no value, not when all splits are done."""
    if not np.isfinite(value):
        raise ConfigError(
            f"scoring {metric} must give a finite number on every split; got {value} for arm {arm!r} on split {index}. "
            "Choose another metric."
        )


def _check_may_be_skipped(arm: str, baseline: str, reason: NotApplicable) -> None:
    """Raise ConfigError if the arm that does not apply is the one that all others are compared with."""
    if arm == baseline:
        raise ConfigError(
            f"the first of the arms must apply, for the others are compared with it; got {arm!r}, which does not: "
            f"{reason}. Put another first."
        ) from reason


def _times_asked(task: Task) -> int:
    return sum(sum(learned.cache_info()[:2]) for learned in learners_of(task).values())


def _seconds_of(task: Task) -> float:
    """Return how long the learners that the arms share have learned so far."""
    return sum(learned().seconds_ for learned in learners_of(task).values() if learned.cache_info().currsize)
