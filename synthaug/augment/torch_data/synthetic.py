"""``SyntheticDataset``: an augmenter's rows as a torch Dataset."""

import copy
import operator
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import Dataset

from synthaug._check import check_choice, check_count
from synthaug._seed import derive, seed_from
from synthaug.augment.torch_data.drawn_rows import CachedRows, LazyRows
from synthaug.augment.torch_data.marks import Marks
from synthaug.augment.torch_data.randomness import SeededTransform, Transform
from synthaug.data.images import ImageCodec
from synthaug.data.item_format import ItemFormat, ItemTemplate, plain_template
from synthaug.data.labels import NoLabels
from synthaug.data.torch_rows import label_value
from synthaug.errors import ConfigError

MODES = ("cached", "lazy")


class RowIndex(int):
    """A row's index that also says in which epoch the row is asked for: its random transforms differ by epoch."""

    epoch: int

    def __new__(cls, index: int, epoch: int) -> "RowIndex":
        """Return the index with its epoch."""
        self = super().__new__(cls, index)
        self.epoch = epoch
        return self

    def __reduce__(self) -> tuple[type["RowIndex"], tuple[int, int]]:
        """Return what a worker process makes the same index of."""
        return RowIndex, (int(self), self.epoch)


class SyntheticDataset(Dataset[Any]):
    """Rows that an augmenter draws, as a map-style torch Dataset.

    Index i is always the same row, whatever the order of access and the number of workers. Random transforms draw
    from streams seeded by ``random_state``, the index and the epoch: torch's, NumPy's and Python's global streams,
    and the transform's own (albumentations'), all given back as they were. ``augment_loader`` counts epochs by
    itself; elsewhere call ``set_epoch`` at the start of each, as with torch's ``DistributedSampler``, or every epoch
    sees the same transforms.

    Parameters
    ----------
    augmenter
        A fitted ``SyntheticAugmenter``.
    n_per_class
        As in ``sample``: a number for every class, or ``{label: n}``; None: the augmenter's plan.
    transform
        Applied to each image, in the form in which the augmenter was fitted: numpy, torch or (fitted on a Dataset of
        PIL images) PIL. An albumentations transform may be passed as it is.
    target_transform
        Applied to each class once.
    random_state
        Decides the rows and the transforms' draws.
    mode
        ``cached``: drawn once into a memory-mapped file; ``lazy``: drawn when asked for. The rows of the two modes
        differ.
    cache_dir
        Where to keep the cached rows for other runs; None: a temporary folder that goes when the dataset goes.
    with_flag
        Append ``is_synthetic`` (True) to each item.
    weight
        Append this weight to each item; None: no weight.

    Attributes
    ----------
    counts : dict
        Rows of each class, in the order in which they lie.

    Raises
    ------
    LabelError, ConfigError
        As ``sample`` raises them for classes and counts; if the augmenter was fitted without labels.
    FileError
        If the cache cannot be written.
    NotFittedError
        If the augmenter has not learned yet.

    Examples
    --------
    >>> import numpy as np
    >>> from synthaug import CGAN, SyntheticAugmenter, SyntheticDataset
    >>> images = np.random.default_rng(0).integers(0, 256, size=(24, 8, 8), dtype=np.uint8)
    >>> augmenter = SyntheticAugmenter(CGAN(n_steps=3, width=8), selection="none", random_state=0)
    >>> augmenter = augmenter.fit(images, np.array(["benign"] * 16 + ["malignant"] * 8))
    >>> dataset = SyntheticDataset(augmenter, {"malignant": 5})
    >>> image, label = dataset[4]
    >>> len(dataset), image.shape, label
    (5, (8, 8), 'malignant')
    """

    def __init__(
        self,
        augmenter: Any,
        n_per_class: int | Mapping[Any, int] | None = None,
        *,
        transform: Transform | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        random_state: int = 0,
        mode: Literal["cached", "lazy"] = "cached",
        cache_dir: str | Path | None = None,
        with_flag: bool = False,
        weight: float | None = None,
    ) -> None:
        check_is_fitted(augmenter)
        check_choice("mode", mode, MODES)
        _check_labelled(augmenter)
        seed = seed_from(random_state)
        self.counts = _counts(augmenter, n_per_class)
        self._n_rows = sum(self.counts.values())
        self._rows = _drawn(augmenter, self.counts, derive(seed, "rows"), mode=mode, cache_dir=cache_dir)
        self._transform = None if transform is None else SeededTransform(transform, derive(seed, "transform"))
        self._targets = [_target(label, target_transform) for label in self.counts]
        self._raw_format = _raw_format(augmenter)
        self._pixel_range = _pixel_range(augmenter)
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self._take_form(
            plain_template(self._raw_format), Marks(is_synthetic=True if with_flag else None, weight=weight)
        )

    def __len__(self) -> int:
        return self._n_rows

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Return the items of a batch, in order; DataLoader asks this way."""
        places = _checked(indices, len(self))
        items = self._template.build_all(self._images(places, indices), [self._labels[place] for place in places])
        return self._marks.put_all(items)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch it is; worker processes that are already running learn it too."""
        self._epoch.fill_(epoch)

    @property
    def transform(self) -> Transform | None:
        """What is applied to each image."""
        return None if self._transform is None else self._transform.transform

    @property
    def pixel_range(self) -> tuple[float, float] | None:
        """The least and the greatest pixel of the rows that the augmenter learned from; None for tables."""
        return self._pixel_range

    def raw(self, places: Sequence[int]) -> np.ndarray:
        """Return rows as they leave the augmenter, before any transform: shape (len(places), ...)."""
        return self._rows.take(places)

    def apply_transform(self, rows: np.ndarray) -> list[Any]:
        """Return raw rows of shape (n, ...) transformed, as images of the kind that the transform makes."""
        images = _wrapped(self._raw_format, rows)
        return images if self._transform is None else self._transform(images, range(len(rows)), [0] * len(rows))

    def label_values(self) -> set[Any]:
        """Return the labels as plain values, after ``target_transform``."""
        return set(self._targets)

    def in_form_of(self, template: ItemTemplate, marks: Marks) -> "SyntheticDataset":
        """Return the same rows as items of another form; both read the same file."""
        twin = copy.copy(self)
        twin._take_form(template, marks)
        return twin

    def _take_form(self, template: ItemTemplate, marks: Marks) -> None:
        marks.check(template.blank)
        self._template, self._marks = template, marks
        labels = template.format.label_column(np.array(self._targets))
        self._labels = [label for label, n in zip(labels, self.counts.values(), strict=True) for _ in range(n)]

    def _images(self, places: Sequence[int], indices: Sequence[int]) -> list[Any]:
        rows = self._rows.take(places)
        if self._transform is None:
            return _wrapped(self._template.format, rows)
        now = int(self._epoch)
        epochs = [index.epoch if isinstance(index, RowIndex) else now for index in indices]
        return self._transform(_wrapped(self._raw_format, rows), places, epochs)


def _check_labelled(augmenter: Any) -> None:
    if isinstance(augmenter.labels_, NoLabels):
        raise ConfigError(
            "augmenter must have been fitted with labels; got one fitted without (an item is a row and its label). "
            "Fit it with y."
        )


def _counts(augmenter: Any, n_per_class: int | Mapping[Any, int] | None) -> dict[Any, int]:
    if n_per_class is None:
        return dict(augmenter.plan())
    if isinstance(n_per_class, Mapping):
        return {label: check_count(f"n_per_class[{label!r}]", n) for label, n in n_per_class.items()}
    n = check_count("n_per_class", n_per_class)
    return dict.fromkeys(augmenter.classes_[augmenter.learned_].tolist(), n)


def _drawn(
    augmenter: Any, counts: Mapping[Any, int], seed: int, *, mode: str, cache_dir: str | Path | None
) -> CachedRows | LazyRows:
    if mode == "cached":
        return CachedRows(augmenter, counts, seed, cache_dir)
    if cache_dir is not None:
        raise ConfigError(f"cache_dir must come with mode='cached'; got mode='lazy' and cache_dir='{cache_dir}'.")
    return LazyRows(augmenter, counts, seed)


def _target(label: Any, target_transform: Callable[[Any], Any] | None) -> Any:
    return label_value(label if target_transform is None else target_transform(label), 0)


def _raw_format(augmenter: Any) -> ItemFormat:
    known: ItemFormat | None = getattr(augmenter, "item_format_", None)
    is_torch = augmenter.codec_.container.kind == "torch"
    return known or ItemFormat(container="torch" if is_torch else "numpy")


def _pixel_range(augmenter: Any) -> tuple[float, float] | None:
    codec = augmenter.codec_
    return (codec.low, codec.high) if isinstance(codec, ImageCodec) else None


def _wrapped(form: ItemFormat, rows: np.ndarray) -> list[Any]:
    return list(torch.from_numpy(rows).unbind(0)) if form.container == "torch" else [form.wrap(row) for row in rows]


def _checked(indices: Sequence[int], n: int) -> list[int]:
    places = [operator.index(index) for index in indices]
    if not places or (min(places) >= 0 and max(places) < n):
        return places
    if min(places) < -n or max(places) >= n:
        raise IndexError(f"index must be from {-n} to {n - 1}; got {min(places)} to {max(places)}.")
    return [place % n for place in places]
