"""What happens while an augmenter learns: a learner is chosen and trained, a selector fitted, what was learned looked
at.
"""

import inspect
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from torch import Tensor

from synthaug._check import check_choice, check_positive
from synthaug._seed import derive, torch_stream
from synthaug.augment.drawing import CHUNK
from synthaug.augment.progress import ShowProgress
from synthaug.augment.reading import Reading
from synthaug.data.groups import checked_groups
from synthaug.data.images import ImageCodec
from synthaug.data.mapped import encode_mapped, is_mapped
from synthaug.data.rows import encode_to_learn
from synthaug.data.schema import Schema
from synthaug.errors import ConfigError
from synthaug.generators import Learner, Limits, find_generator, known_generators
from synthaug.models.features import RandomFeatures
from synthaug.quality.distances import diversity_ratio
from synthaug.quality.selection import ANOTHER_CLASS, Selection, fit_selection
from synthaug.training.loop import OnStep, StepRecord

Callback = Callable[[StepRecord], bool | None]
_MOST_BYTES = 16 << 20  # of float32 rows, where all do not fit into memory
_MOST_COMPARED = 5000
GAN = "latent_gan"  # what an arm called gan learns where the augmenter leaves it open


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What a learner learns from: the rows of the classes that have enough of them.

    Attributes
    ----------
    x
        Samples (n, ...), float32.
    y
        The learner's number of each row's class (n,), int64: its place in ``labels``.
    labels
        The label of each of the learner's classes, shape (n_classes,).
    schema
        What a sample is.
    seed
        Everything random while learning is derived from it.
    groups
        Which rows belong together (n,); None where nobody said.
    x_unlabeled
        Further samples, without labels (m, ...), float32; None where there are none.
    """

    x: Tensor
    y: Tensor
    labels: np.ndarray
    schema: Schema
    seed: int
    groups: np.ndarray | None = None
    x_unlabeled: Tensor | None = None

    def in_memory(self) -> "TrainingSet":
        """Return the rows themselves, or of rows in a file as many at random as memory takes, evenly of each class."""
        if not is_mapped(self.x):
            return self
        most = max(2, _MOST_BYTES // (4 * self.x[0].numel() * len(self.labels)))
        stream = torch_stream(self.seed, "in memory")
        each = [torch.nonzero(self.y == number).flatten() for number in range(len(self.labels))]
        chosen = torch.cat([rows[torch.randperm(len(rows), generator=stream)[:most]] for rows in each]).sort().values
        groups = None if self.groups is None else self.groups[chosen.numpy()]
        return replace(self, x=self.x[chosen], y=self.y[chosen], groups=groups)


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """What became of a learner.

    Attributes
    ----------
    learner
        The learner, fitted.
    history
        A row a logged step: ``step``, ``images_seen``, ``seconds`` and each loss.
    seconds
        Wall time.
    """

    learner: Learner
    history: pd.DataFrame
    seconds: float


def check_generator(generator: Any) -> None:
    """Raise ConfigError unless it is ``auto``, the name of a learner, or a learner."""
    if isinstance(generator, str):
        check_choice("generator", generator, ["auto", *known_generators()])
    elif isinstance(generator, type) or not hasattr(generator, "draw"):
        raise ConfigError(f"generator must be 'auto', a name, or a learner such as CGAN(); got {generator!r}.")


def check_caps(max_seconds: float | None, max_steps: int | None) -> None:
    """Raise ConfigError unless each cap is None or positive, and ``max_steps`` an integer."""
    for name, cap in (("max_seconds", max_seconds), ("max_steps", max_steps)):
        if cap is not None:
            check_positive(name, cap, integer=name == "max_steps")


def check_resume(resume: bool, checkpoint_dir: str | Path | None) -> None:
    """Raise ConfigError if a run is to go on and there is no folder to go on from."""
    if resume and checkpoint_dir is None:
        raise ConfigError("resume must come with checkpoint_dir; got resume=True and checkpoint_dir=None.")


def new_learner(generator: str | Learner, *, for_images: bool, has_unlabelled: bool = False) -> Learner:
    """Return a learner of its own for one run, not yet fitted.

    ``auto`` is ``copula`` for tables; ``latent_gan`` for images, and where there are rows without labels to learn from.

    On 255 to 1,000 rows of three tables, classifiers that learned the copula's rows alone reached a greater macro-F1
    than with SMOTE's, and fewer of its rows were copies.
    """
    if not isinstance(generator, str):
        return clone(generator)
    auto = GAN if for_images or has_unlabelled else "copula"
    return find_generator(auto if generator == "auto" else generator)()


def on_one_thread(learner: Any) -> Any:
    """Return the learner, set to one thread if the number was left to it: for learners that may run side by side.

    On two cores two learners of two threads each wait for one another, and are several times slower than with one each.
    One thread whatever ``n_jobs`` is, for sums over several threads differ in their last digits.
    """
    return learner.set_params(n_threads=1) if getattr(learner, "n_threads", None) == "auto" else learner


def learnable(
    reading: Reading, learned: np.ndarray, *, seed: int, groups: Any = None, x_unlabeled: Tensor | None = None
) -> TrainingSet:
    """Return the rows of the classes that are learned.

    Parameters
    ----------
    reading
        All rows.
    learned
        The class numbers to learn, ascending, shape (n_classes,).
    seed
        What everything random is derived from.
    groups
        Which of all rows belong together (n,), or None.
    x_unlabeled
        Further samples, without labels (m, ...), or None.

    Raises
    ------
    ShapeError
        If there is not one group for each row, or rows cannot be encoded.
    """
    chosen, groups = np.isin(reading.numbers, learned), checked_groups(groups, len(reading.numbers))
    return TrainingSet(
        x=_encoded(reading, chosen, derive(seed, "encode")),
        y=torch.from_numpy(np.searchsorted(learned, reading.numbers[chosen])),
        labels=reading.labels.classes[learned],
        schema=reading.codec.schema(len(learned)),
        seed=seed,
        groups=None if groups is None else groups[chosen],
        x_unlabeled=x_unlabeled,
    )


def _encoded(reading: Reading, chosen: np.ndarray, seed: int) -> Tensor:
    """Return the chosen rows as a learner takes them, in a file where they came from one and are many."""
    if isinstance(reading.codec, ImageCodec):
        mapped = encode_mapped(reading.codec, reading.rows, np.flatnonzero(chosen))
        if mapped is not None:
            return mapped
    return encode_to_learn(reading.codec, reading.rows[chosen], seed=seed)


def train(
    learner: Learner, rows: TrainingSet, *, limits: Limits, callbacks: Iterable[Callback] | None, verbose: bool
) -> TrainingRun:
    """Return the learner fitted, with the record of its training.

    Parameters
    ----------
    learner, rows
        What learns, from what.
    limits
        Where it runs and how long.
    callbacks
        Told about every logged step; one that returns True stops learning, after all were told. One that is a context
        manager is entered before the first step and left after the last, so that it knows where learning ends.
    verbose
        Whether to show how far it is.
    """
    further = _further(learner, rows)
    records, began = list[StepRecord](), time.perf_counter()
    listeners: list[Callback] = [ShowProgress(verbose), *(callbacks or ())]
    with ExitStack() as entered:
        told = [_entered(listener, entered) for listener in listeners]
        on_step, seed = _tell([records.append, *told]), derive(rows.seed, "fit")
        fitted = learner.fit(rows.x, rows.y, schema=rows.schema, seed=seed, on_step=on_step, limits=limits, **further)
    seconds = time.perf_counter() - began
    return TrainingRun(fitted, pd.DataFrame([_as_row(record) for record in records]), seconds)


def select(selection: str, rows: TrainingSet, learner: Learner) -> Selection:
    """Return the selector, fitted; ``auto`` is none where rows came without labels."""
    rows = rows.in_memory()
    blind, seed = rows.labels.tolist() == [None], derive(rows.seed, "select")
    name = "none" if blind and selection == "auto" else selection
    return fit_selection(name, rows.x, rows.y, schema=rows.schema, seed=seed, groups=rows.groups, learner=learner)


def measure_quality(learner: Learner, selector: Selection, rows: TrainingSet) -> pd.DataFrame:
    """Return the quality of 64 drawn rows of each class beside the training rows.

    Returns
    -------
    A row a class and metric: ``class``, ``metric`` (``acceptance``: share of drawn rows the selector takes;
    ``diversity``: mean pairwise feature distance over the real rows'; ``another_class``, where there are several and
    the selector tells them apart: share that it takes for rows of another), ``value``, ``measured_on``.
    """
    network, measured, rows = RandomFeatures(rows.schema), [], rows.in_memory()
    for place, label in enumerate(rows.labels):
        labels = torch.full((CHUNK,), place)
        drawn = learner.draw(labels, derive(rows.seed, "quality", place))
        review = selector.review(drawn, labels)
        diversity = diversity_ratio(network(_some_of(rows, place)).numpy(), network(drawn).numpy())
        measured += [(label, "acceptance", float(review.kept.float().mean())), (label, "diversity", diversity)]
        if ANOTHER_CLASS in review.dropped and len(rows.labels) > 1:
            measured.append((label, "another_class", float(review.dropped[ANOTHER_CLASS].float().mean())))
    frame = pd.DataFrame(measured, columns=["class", "metric", "value"])
    return frame.assign(measured_on=f"{CHUNK} drawn rows a class against the training rows")


def _some_of(rows: TrainingSet, place: int) -> Tensor:
    """Return the rows of a class, at most 5,000 of them at random: each is compared with each."""
    places = torch.nonzero(rows.y == place)[:, 0]
    if len(places) > _MOST_COMPARED:
        stream = torch_stream(rows.seed, "compared", place)
        places = places[torch.randperm(len(places), generator=stream)[:_MOST_COMPARED]]
    return rows.x[places]


def _further(learner: Learner, rows: TrainingSet) -> dict[str, Any]:
    """Return what ``fit`` is given beside rows and classes: groups go to learners that hold rows out, whole groups."""
    groups = rows.groups if "groups" in inspect.signature(learner.fit).parameters else None
    given = {"x_unlabeled": rows.x_unlabeled, "groups": groups}
    return {name: value for name, value in given.items() if value is not None}


def _entered(callback: Callback, entered: ExitStack) -> Callback:
    if isinstance(callback, AbstractContextManager):
        entered.enter_context(callback)
    return callback


def _tell(listeners: list[Any]) -> OnStep:
    return lambda record: any([bool(listener(record)) for listener in listeners])  # noqa: C419  all are told


def _as_row(record: StepRecord) -> dict[str, float]:
    return {"step": record.step, "images_seen": record.images_seen, "seconds": record.seconds, **record.terms}
