"""Arms that fill up with rows that a sampler makes from the real ones: each is a source beside the real rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive, numpy_stream
from synthaug.augment.arms.task import Task, Trained, setting_of, train
from synthaug.augment.mix import Mix, Source, repeat_rows
from synthaug.augment.plan import counts_of
from synthaug.augment.ways import NotApplicable, check_applies
from synthaug.data.container import known, take, unwrap
from synthaug.data.rows import RowsOptions, fit_row_codec

_SMOTE_NEIGHBOURS = 5
_NOISE_FRACTION = 0.1


def oversample(task: Task) -> Trained:
    """Fill up with real rows drawn at random, with replacement."""
    return _train_from(task, Mix(), Oversampled(task))


def smote(task: Task) -> Trained:
    """Fill up with points between a row and one of its neighbours of the same class (Chawla et al., "SMOTE: Synthetic
    Minority Over-sampling Technique", 2002); categories, where the augmenter names some, are taken from the neighbours.
    """
    return _train_from(task, Mix(), Interpolated(task))


def smote_classic(task: Task) -> Trained:
    """Fill up with SMOTE's points between images, transformed as *classic* transforms rows."""
    return _train_from(task, Mix(classic=True), Interpolated(task))


def noise(task: Task) -> Trained:
    """Fill up with the real rows again, each number moved by normal noise of a tenth of its standard deviation.

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
    """imbalanced-learn's SMOTE over a task's rows."""

    task: Task

    def sample(self, n_per_class: Mapping[Any, int], *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for; the task's own seed decides them."""
        counts = counts_of(self.task.y)
        small = [label for label, n in n_per_class.items() if n and counts[label] < FEWEST_ROWS]
        if small:
            raise NotApplicable(f"SMOTE needs {FEWEST_ROWS} rows a class; {small[0]!r} has 1")
        fewest = min((counts[label] for label, n in n_per_class.items() if n), default=FEWEST_ROWS)
        rows = np.asarray(known(self.task.X)).reshape(len(self.task.X), -1)
        labels, container = unwrap(known(self.task.y))
        sampler = _smote(self.task, _target(self.task, n_per_class), min(_SMOTE_NEIGHBOURS, fewest - 1))
        new, y = (part[len(rows) :] for part in sampler.fit_resample(rows, labels))
        return _on_the_grid(self.task, new), container.wrap(y)


@dataclass(frozen=True)
class Noisy:
    """A task's rows again, with noise."""

    task: Task

    def sample(self, n_per_class: Mapping[Any, int], *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for."""
        seed = 0 if random_state is None else random_state
        numbers = repeat_rows(self.task.y, dict(n_per_class), seed)
        rows = np.asarray(known(self.task.X), dtype=np.float64).reshape(len(self.task.X), -1)
        noise = numpy_stream(seed, "noise").normal(size=(len(numbers), rows.shape[1]))
        moved = rows[numbers] + _NOISE_FRACTION * rows.std(axis=0) * noise
        return _on_the_grid(self.task, moved), take(self.task.y, numbers)


def _smote(task: Task, target: dict[Any, int], k_neighbors: int) -> Any:
    """Return imbalanced-learn's sampler for numbers, or for numbers and categories, or for categories alone."""
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

    options: dict[str, Any] = {
        "sampling_strategy": target,
        "k_neighbors": k_neighbors,
        "random_state": derive(task.seed, "smote") % 2**32,
    }
    categories = _categories(task)
    if not categories:
        return SMOTE(**options)
    n_columns = int(np.prod(np.shape(task.X)[1:]))
    return SMOTEN(**options) if len(categories) == n_columns else SMOTENC(categories, **options)


def _categories(task: Task) -> list[int]:
    """Return the numbers of the columns that the augmenter names as categories."""
    named = task.augmenter.categorical_features
    if named is None or isinstance(named, str):
        return []
    if np.asarray(named).dtype == bool:
        return np.flatnonzero(named).tolist()
    names = list(getattr(task.X, "columns", range(np.shape(task.X)[1])))
    return [names.index(name) if name in names else int(name) for name in named]


def _target(task: Task, n_per_class: Mapping[Any, int]) -> dict[Any, int]:
    return {label: n + n_per_class.get(label, 0) for label, n in counts_of(task.y).items()}


def _seed(random_state: int | None) -> int | None:
    return None if random_state is None else random_state % 2**32


def _on_the_grid(task: Task, rows: np.ndarray) -> Any:
    """Return flat rows with the training rows' shape, container and grey levels, as drawn rows have them too."""
    array, container = unwrap(known(task.X))
    options = RowsOptions(task.augmenter.image_shape, task.augmenter.image_format)
    codec = fit_row_codec(np.asarray(array), container, options)
    return codec.decode(codec.encode(rows.reshape(-1, *codec.row_shape)))
