"""What a split keeps of its learners: facts, losses, quality against held-out rows, and a few images to look at."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive
from synthaug.augment.arms import Task, Trained
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.quality import assess_quality
from synthaug.data.container import take
from synthaug.data.images import ImageCodec
from synthaug.data.labels import fit_label_codec
from synthaug.data.split import Split
from synthaug.errors import ConfigError
from synthaug.experiment.column_figures import ColumnFigures, describe_columns
from synthaug.experiment.results import LearnerRecord
from synthaug.experiment.work import Work, learners_of

_SHOWN_A_CLASS = 8
_ASSESSED_A_CLASS = 64
_MOST_HOLDOUT = 1000
_COMPARED_A_CLASS = 200


def learner_records(
    work: Work, index: int, split: Split, task: Task, trained: dict[str, Trained]
) -> tuple[LearnerRecord, ...]:
    """Return the records of the learners that the arms share, as far as they were asked for, and of the gate's.

    The first is looked at and kept: the shared one, or where only the gate learned, one of the gate's.
    """
    sources = {name: learned() for name, learned in learners_of(task).items() if learned.cache_info().currsize}
    inner = [source for arm in trained.values() if arm.decision is not None for source in arm.decision.sources]
    sources |= {f"inner {number}": source for number, source in enumerate(inner)}
    looked_at = next(iter(sources), None)
    return tuple(
        _looked_at(work, index, split, name, source) if name == looked_at else _record(name, source)
        for name, source in sources.items()
    )


def _looked_at(work: Work, index: int, split: Split, name: str, augmenter: SyntheticAugmenter) -> LearnerRecord:
    """Return the record of a learner with what its rows are like, saved if learners are kept."""
    real, synthetic = _to_look_at(work, split, augmenter)
    folder = None
    if work.learners_folder is not None:
        folder = f"{work.learners_folder.name}/{index:04d}"
        augmenter.save(work.learners_folder / f"{index:04d}")
    return replace(
        _record(name, augmenter),
        quality=_quality(work, split, augmenter),
        real=real,
        synthetic=synthetic,
        folder=folder,
        columns=_columns(work, index, split, augmenter),
    )


def _record(name: str, augmenter: SyntheticAugmenter) -> LearnerRecord:
    nothing = np.empty((0, 0, 0, 0, 1), dtype=np.uint8)
    return LearnerRecord(
        name=name,
        n_rows=sum(augmenter.class_counts_.values()),
        seconds=augmenter.seconds_,
        parameters={"learner": type(augmenter.generator_).__name__, **augmenter.generator_.get_params()},
        history=augmenter.history_,
        quality=pd.DataFrame(),
        real=nothing,
        synthetic=nothing,
    )


def _quality(work: Work, split: Split, augmenter: SyntheticAugmenter) -> pd.DataFrame:
    learned = [label for label, n in augmenter.class_counts_.items() if n >= FEWEST_ROWS]
    train, test = _rows_learned(work, split, augmenter), _test_rows_of_learned(work, split)
    if len(learned) < 2 or not len(train):
        return pd.DataFrame()
    synthetic = augmenter.sample(dict.fromkeys(learned, _ASSESSED_A_CLASS), random_state=derive(work.seed, "assess"))
    test = test[:: -(-len(test) // _MOST_HOLDOUT)]
    report = assess_quality(
        (take(work.X, train), take(work.y, train)),
        synthetic,
        (take(work.X, test), take(work.y, test)),
        image_shape=work.augmenter.image_shape,
        image_format=work.augmenter.image_format,
        groups=None if work.groups is None else (work.groups[train], work.groups[test]),
    )
    return report.frame


def _columns(work: Work, index: int, split: Split, augmenter: SyntheticAugmenter) -> ColumnFigures | None:
    """Return how a table's columns compare with those of real rows; None for images."""
    learned = [label for label, n in augmenter.class_counts_.items() if n >= FEWEST_ROWS]
    train, test = _rows_learned(work, split, augmenter), _test_rows_of_learned(work, split)
    if isinstance(augmenter.codec_, ImageCodec) or not learned or not len(train):
        return None
    counts = dict.fromkeys(learned, _COMPARED_A_CLASS)
    return describe_columns(
        (take(work.X, train), take(work.y, train)),
        augmenter.sample(counts, random_state=derive(work.seed, "columns")),
        (take(work.X, test), take(work.y, test)),
        include_real_rows=work.include_real_rows,
        with_shares=index == 0,
        seed=derive(work.seed, "columns"),
    )


def _rows_learned(work: Work, split: Split, augmenter: SyntheticAugmenter) -> np.ndarray:
    """Return the training rows that the learner saw: all of the split, or of one of the gate's a part; none if it came
    from another process, where it has forgotten them.
    """
    try:
        return split.train[augmenter.is_training_row(take(work.X, split.train))]
    except ConfigError:
        return split.train[:0]


def _test_rows_of_learned(work: Work, split: Split) -> np.ndarray:
    """Return the test rows of classes that the training rows hold: of others no learner can know."""
    labels = np.asarray(work.y)
    return split.test[np.isin(labels[split.test], labels[split.train])]


def _to_look_at(work: Work, split: Split, augmenter: SyntheticAugmenter) -> tuple[np.ndarray, np.ndarray]:
    """Return a few real and synthetic images of each class of the study, (n_classes, k, h, w, c), uint8; black where
    the learner had none, empty for tables.
    """
    nothing = np.empty((0, 0, 0, 0, 1), dtype=np.uint8)
    codec = augmenter.codec_
    if not isinstance(codec, ImageCodec):
        return nothing, nothing
    labels = fit_label_codec(work.y)
    shape = (len(labels.classes), _SHOWN_A_CLASS, *codec.shape[1:], codec.shape[0])
    real, synthetic = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    numbers = labels.encode(work.y)[split.train]
    for label, n in augmenter.class_counts_.items():
        number = labels.number(label)
        rows = take(work.X, split.train[numbers == number][:_SHOWN_A_CLASS])
        real[number, : len(rows)] = _as_bytes(codec, rows)
        if n >= FEWEST_ROWS:
            drawn, _ = augmenter.sample({label: _SHOWN_A_CLASS}, random_state=derive(work.seed, "look"))
            synthetic[number] = _as_bytes(codec, drawn)
    return (real if work.include_real_rows else nothing), synthetic


def _as_bytes(codec: ImageCodec, images: Any) -> np.ndarray:
    rows = images.to_numpy() if isinstance(images, pd.DataFrame) else np.asarray(images)
    pixels = codec.encode(rows).permute(0, 2, 3, 1).numpy()
    return np.rint((pixels.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
