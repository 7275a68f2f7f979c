"""Arms that fill up with rows that a sampler makes from the real ones: each is a source beside the real rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive, numpy_stream
from synthaug.augment.arms.columns import take_apart
from synthaug.augment.arms.task import Task, Trained, setting_of, train
from synthaug.augment.mix import Mix, Source, codec_of, reads_images, repeat_rows
from synthaug.augment.plan import counts_of
from synthaug.augment.ways import NotApplicable, check_applies
from synthaug.data.container import known, take, unwrap

_SMOTE_NEIGHBOURS = 5
_NOISE_FRACTION = 0.1


def oversample(task: Task) -> Trained:
    """Fill up with real rows drawn at random, with replacement."""
    return _train_from(task, Mix(), Oversampled(task))


def smote(task: Task) -> Trained:
    """Fill up with points between a row and one of its neighbours of the same class (Chawla et al., "SMOTE: Synthetic
    Minority Over-sampling Technique", 2002); categories, and whether a number is missing, are most neighbours'.
    """
    return _train_from(task, Mix(), Interpolated(task))


def smote_classic(task: Task) -> Trained:
    """Fill up with SMOTE's points between images, transformed as *classic* transforms rows."""
    return _train_from(task, Mix(classic=True), Interpolated(task))


def noise(task: Task) -> Trained:
    """Fill up with the real rows again, each number moved by normal noise of a tenth of its standard deviation;
    categories stay.

    Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", 1995.
    """
    return _train_from(task, Mix(), Noisy(task))


def _train_from(task: Task, mix: Mix, source: Source) -> Trained:
    check_applies(mix, task.X, setting_of(task, Mix()))
    return train(task, mix, replace(setting_of(task, mix), source=source))


@dataclass(frozen=True)
class Oversampled:
    """imbalanced-learn's ``RandomOverSampler`` over a task's rows."""

    task: Task

    def sample(self, n_per_class: Mapping[Any, int], *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for."""
        from imblearn.over_sampling import RandomOverSampler

        sampler = RandomOverSampler(sampling_strategy=_target(self.task, n_per_class), random_state=_seed(random_state))
        numbers = np.arange(len(self.task.X))[:, None]
        sampler.fit_resample(numbers, unwrap(known(self.task.y))[0])
        added = sampler.sample_indices_[len(numbers) :]
        return take(self.task.X, added), take(self.task.y, added)


@dataclass(frozen=True)
class Interpolated:
    """imbalanced-learn's SMOTE over a task's rows.

    Where numbers are missing, a row stands at the column's median among its neighbours, and whether a new row's number
    is missing is a category, taken from the neighbours as others are.
    """

    task: Task

    def sample(self, n_per_class: Mapping[Any, int], *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for; the task's own seed decides them."""
        counts = counts_of(self.task.y)
        small = [label for label, n in n_per_class.items() if n and counts[label] < FEWEST_ROWS]
        if small:
            raise NotApplicable(f"SMOTE needs {FEWEST_ROWS} rows a class; {small[0]!r} has 1")
        return (_between_images if reads_images(self.task.augmenter, self.task.X) else _between_rows)(
            self.task, n_per_class
        )


@dataclass(frozen=True)
class Noisy:
    """A task's rows again, with noise."""

    task: Task

    def sample(self, n_per_class: Mapping[Any, int], *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for."""
        seed = 0 if random_state is None else random_state
        numbers = repeat_rows(self.task.y, dict(n_per_class), seed)
        moved = _moved_images if reads_images(self.task.augmenter, self.task.X) else _moved_rows
        return moved(self.task, numbers, seed), take(self.task.y, numbers)


def _between_images(task: Task, n_per_class: Mapping[Any, int]) -> tuple[Any, Any]:
    rows = np.asarray(known(task.X), dtype=np.float64).reshape(len(task.X), -1)  # differences of uint8 wrap around
    new, y = _resampled(task, rows, [], n_per_class)
    codec = codec_of(task.X, task.augmenter)
    return codec.decode(codec.encode(new.reshape(-1, *codec.row_shape))), y


def _between_rows(task: Task, n_per_class: Mapping[Any, int]) -> tuple[Any, Any]:
    parts = take_apart(task.X, task.augmenter)
    n_numbers, n_choices = parts.numbers.shape[1], parts.choices.shape[1]
    if not n_numbers + n_choices:
        raise NotApplicable("SMOTE needs a column that varies; this table has none")
    missing = np.isnan(parts.numbers)
    filled = np.where(missing, np.nanmedian(parts.numbers, axis=0) if n_numbers else 0.0, parts.numbers)
    told = missing.any(axis=0)
    rows = np.concatenate([filled, parts.choices, missing[:, told]], axis=1)
    new, y = _resampled(task, rows, list(range(n_numbers, rows.shape[1])), n_per_class)
    numbers, choices, lacking = np.split(new.astype(np.float64), [n_numbers, n_numbers + n_choices], axis=1)
    numbers[:, told] = np.where(lacking > 0, np.nan, numbers[:, told])
    return parts.together(numbers, choices.astype(np.int64)), y


def _resampled(
    task: Task, rows: np.ndarray, categories: list[int], n_per_class: Mapping[Any, int]
) -> tuple[np.ndarray, Any]:
    """Return the rows (m, d) that imbalanced-learn adds to a task's (n, d), and their labels."""
    counts, (labels, container) = counts_of(task.y), unwrap(known(task.y))
    fewest = min((counts[label] for label, n in n_per_class.items() if n), default=FEWEST_ROWS)
    options: dict[str, Any] = {
        "sampling_strategy": _target(task, n_per_class),
        "k_neighbors": min(_SMOTE_NEIGHBOURS, fewest - 1),
        "random_state": derive(task.seed, "smote") % 2**32,
    }
    sampler = _sampler(rows.shape[1], categories, options)
    new, y = (part[len(rows) :] for part in sampler.fit_resample(rows, labels))
    return new, container.wrap(y)


def _sampler(n_columns: int, categories: list[int], options: dict[str, Any]) -> Any:
    """Return imbalanced-learn's sampler for numbers, or for numbers and categories, or for categories alone."""
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

    if not categories:
        return SMOTE(**options)
    return SMOTEN(**options) if len(categories) == n_columns else SMOTENC(categories, **options)


def _moved_images(task: Task, numbers: np.ndarray, seed: int) -> Any:
    rows = np.asarray(known(task.X), dtype=np.float64).reshape(len(task.X), -1)
    codec = codec_of(task.X, task.augmenter)
    return codec.decode(codec.encode(_moved(rows, numbers, seed).reshape(-1, *codec.row_shape)))


def _moved_rows(task: Task, numbers: np.ndarray, seed: int) -> Any:
    parts = take_apart(task.X, task.augmenter)
    if not parts.numbers.shape[1]:
        raise NotApplicable("noise moves numbers; the table's columns are categories")
    return parts.together(_moved(parts.numbers, numbers, seed), parts.choices[numbers])


def _moved(rows: np.ndarray, numbers: np.ndarray, seed: int) -> np.ndarray:
    """Return rows of these numbers (m,), each number moved by normal noise; missing ones stay missing."""
    noise = numpy_stream(seed, "noise").normal(size=(len(numbers), rows.shape[1]))
    return rows[numbers] + _NOISE_FRACTION * np.nanstd(rows, axis=0) * noise


def _target(task: Task, n_per_class: Mapping[Any, int]) -> dict[Any, int]:
    return {label: n + n_per_class.get(label, 0) for label, n in counts_of(task.y).items()}


def _seed(random_state: int | None) -> int | None:
    return None if random_state is None else random_state % 2**32
