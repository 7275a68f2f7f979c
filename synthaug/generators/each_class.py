"""A learner for each class: as many small trainings as there are classes, told as one."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed  # which hand on scikit-learn's configuration
from torch import Tensor, nn

from synthaug._seed import derive
from synthaug.data.schema import Schema
from synthaug.errors import TrainingWarning
from synthaug.generators.protocol import Limits
from synthaug.generators.run import hold_out, join_memories
from synthaug.training.loop import OnStep, StepRecord


def fit_each_class(
    learner: Any,
    x: Tensor,
    y: Tensor,
    *,
    seed: int,
    on_step: OnStep,
    limits: Limits,
    groups: np.ndarray | None = None,
) -> list[nn.Module]:
    """Return a network for each class, learned from its rows alone, and set what the learner tells of its training.

    Parameters
    ----------
    learner
        Has ``schema_``, ``n_jobs``, ``per_class`` and ``early_stopping``; clones of it with one class learn. Whether
        rows are held out is decided once, from the rows of all classes.
    x, y
        Samples (n, ...) and classes (n,).
    seed
        Decides everything random; each class has a stream of its own.
    on_step
        Is told afterwards, the classes' losses averaged.
    limits
        Device, caps and checkpoints; a time limit is shared by the classes.
    groups
        Which rows belong together, shape (n,): they are held out together or not at all.

    Warns
    -----
    TrainingWarning
        If the training of a class collapsed or diverged: once for each of the two, naming the classes by number.
    """
    n_classes = learner.schema_.n_classes
    holds_out = bool(hold_out(learner.early_stopping, y, n_classes=n_classes, seed=seed, groups=groups).any())
    if limits.max_seconds is not None:
        share = min(n_classes, effective_n_jobs(learner.n_jobs)) / n_classes
        limits = replace(limits, max_seconds=limits.max_seconds * share)
    one = clone(learner).set_params(per_class=False, n_jobs=None, early_stopping=holds_out)
    schema = replace(learner.schema_, n_classes=1)
    parts = Parallel(learner.n_jobs)(
        delayed(_fit_one)(clone(one), x[of], schema, derive(seed, "class", number), limits, _some(groups, of))
        for number, of in enumerate(y == number for number in range(n_classes))
    )
    _warn_once(parts)
    learner.story_ = [_together(records) for records in zip(*(part.story_ for part in parts), strict=False)]
    _keep_shared_looks(parts)
    join_memories(learner, parts)
    for record in learner.story_:
        on_step(record)
    return [part.networks_[0] for part in parts]


def _some(groups: np.ndarray | None, chosen: Tensor) -> np.ndarray | None:
    return None if groups is None else groups[chosen.numpy()]


def _fit_one(
    learner: Any, x: Tensor, schema: Schema, seed: int, limits: Limits, groups: np.ndarray | None = None
) -> Any:
    y = torch.zeros(len(x), dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)  # another process's are lost: the caller is warned of all
        return learner.fit(x, y, schema=schema, seed=seed, on_step=lambda record: None, limits=limits, groups=groups)


def _warn_once(parts: Sequence[Any]) -> None:
    for kind, words in _WORDS.items():
        numbers = [str(number) for number, part in enumerate(parts) if part.ending_.kind == kind]
        if numbers:
            warnings.warn(words.format(numbers=", ".join(numbers)), TrainingWarning, stacklevel=3)


def _keep_shared_looks(parts: Sequence[Any]) -> None:
    """Forget the looks and snapshots of steps that not every class was looked at after."""
    shared = set.intersection(*({look.step for look in part.looks_} for part in parts))
    for part in parts:
        part.looks_ = [look for look in part.looks_ if look.step in shared]
        part.snapshots_ = [(step, samples) for step, samples in part.snapshots_ if step in shared]


def _together(records: tuple[StepRecord, ...]) -> StepRecord:
    terms = {name: float(np.mean([record.terms[name] for record in records])) for name in records[0].terms}
    seen, seconds = sum(record.images_seen for record in records), sum(record.seconds for record in records)
    return replace(records[0], images_seen=seen, seconds=seconds, terms=terms)


_WORDS = {
    "collapsed": "drawn rows of a class must differ; those of class number {numbers} have become one, so its training "
    "stopped and keeps its best weights. Lower critic_lr, or use the learner 'latent_gan'.",
    "diverged": "losses must stay finite; the training of class number {numbers} diverged, so it keeps its best "
    "weights. Lower lr and critic_lr, or choose the objective 'hinge'.",
}
