"""``MixedDataset``: real rows first, synthetic ones after them, in one form."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch.utils.data import Dataset

from synthaug._check import check_fraction
from synthaug.augment.teachers import Teachers
from synthaug.augment.torch_data.marks import Marks, check_room
from synthaug.augment.torch_data.matching import check_match, read_real_items
from synthaug.augment.torch_data.randomness import Transform
from synthaug.augment.torch_data.soft_labels import NAME as SOFT_LABEL
from synthaug.augment.torch_data.soft_labels import check_teachers, soften_labels
from synthaug.augment.torch_data.synthetic import RowIndex, SyntheticDataset
from synthaug.data.torch_rows import is_map_style
from synthaug.errors import ConfigError, ShapeError

_MOST_FRACTION = 0.99


class MixedDataset(Dataset[Any]):
    """Real rows first, synthetic rows after them; every item has the structure of the real ones.

    A synthetic item has the real items' keys or places. What it holds besides image and label is blank (-1, NaN, "",
    None).

    Parameters
    ----------
    real
        A map-style dataset of ``(image, label, ...)`` or dictionaries.
    augmenter
        A fitted ``SyntheticAugmenter``, or a ``SyntheticDataset``, whose counts and transform then stand.
    synthetic_fraction
        Synthetic rows as a fraction of all rows, below 1, spread over the classes in the proportions of the
        augmenter's plan (which favours rare classes). Given neither this nor ``n_synthetic``: the plan itself.
    n_synthetic
        As in ``sample``: a number for every class, or ``{label: n}``.
    transform
        What ``real`` applies to its own images; applied to the synthetic ones, which leave the augmenter raw.
    target_transform
        What ``real`` applies to its own labels.
    with_flag
        Append ``is_synthetic`` to each item: at the end of a tuple or list, under that key in a dictionary.
    synthetic_weight
        Append a ``weight`` to each item: 1 for real rows, this for synthetic ones.
    teachers
        Append a ``soft_label`` to each item, float32 (n_classes,), its columns in the order of ``teachers.classes_``:
        1 for the class of a real row; for a synthetic row half its class and half what these teachers
        (``fit_teachers``) say of it. Cross-entropy takes it in place of the label.
    check_range
        Whether values out of the real rows' range are an error.
    random_state, mode, cache_dir
        As in ``SyntheticDataset``.

    Attributes
    ----------
    real, synthetic
        The two datasets.
    n_real, n_synthetic : int
        Rows of each.

    Raises
    ------
    ShapeError
        If real and synthetic images differ in kind, dtype, shape or range of values.
    LabelError
        If the augmenter knows none of the real labels.
    ConfigError
        If ``real`` is not map-style, the augmenter was fitted without labels, or parameters contradict each other.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> from synthaug import CGAN, MixedDataset, SyntheticAugmenter
    >>> real = TensorDataset(torch.rand(24, 1, 8, 8), torch.tensor([0] * 16 + [1] * 8))
    >>> augmenter = SyntheticAugmenter(CGAN(n_steps=3, width=8), selection="none", random_state=0).fit(real)
    >>> mixed = MixedDataset(real, augmenter, synthetic_fraction=0.25, with_flag=True)
    >>> len(mixed), mixed.n_synthetic
    (32, 8)
    >>> image, label, is_synthetic = mixed[31]
    >>> image.shape, label, is_synthetic
    (torch.Size([1, 8, 8]), tensor(1), True)
    """

    def __init__(
        self,
        real: Any,
        augmenter: Any,
        *,
        synthetic_fraction: float | None = None,
        n_synthetic: int | Mapping[Any, int] | None = None,
        transform: Transform | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        with_flag: bool = False,
        synthetic_weight: float | None = None,
        teachers: Teachers | None = None,
        check_range: bool = True,
        random_state: int = 0,
        mode: Literal["cached", "lazy"] = "cached",
        cache_dir: str | Path | None = None,
    ) -> None:
        _check_real(real)
        asked = {"synthetic_fraction": synthetic_fraction, "n_synthetic": n_synthetic}
        settings: dict[str, Any] = {
            "transform": transform,
            "target_transform": target_transform,
            "cache_dir": cache_dir,
        }
        _check_settings(augmenter, asked, settings)
        check_teachers(teachers, augmenter)
        synthetic = augmenter
        if not isinstance(augmenter, SyntheticDataset):
            counts = n_synthetic if synthetic_fraction is None else _spread(augmenter, synthetic_fraction, len(real))
            synthetic = SyntheticDataset(augmenter, counts, random_state=random_state, mode=mode, **settings)
        template = check_match(read_real_items(real), synthetic, check_range=check_range)
        marks = Marks(is_synthetic=True if with_flag else None, weight=synthetic_weight)
        self.real, self.synthetic = real, synthetic.in_form_of(template, marks)
        self._real_marks = Marks(False if with_flag else None, None if synthetic_weight is None else 1.0)
        self.n_real, self.n_synthetic = len(real), len(synthetic)
        self._soft_labels = None
        if teachers is not None:
            check_room(template.blank, [SOFT_LABEL])
            self._soft_labels = soften_labels(
                teachers, synthetic, form=template.format, n_real=len(real), target_transform=target_transform
            )

    def __len__(self) -> int:
        return self.n_real + self.n_synthetic

    def __getitem__(self, index: int) -> Any:
        n = len(self)
        if not -n <= index < n:
            raise IndexError(f"index must be from {-n} to {n - 1}; got {index}.")
        return self.__getitems__([index if index >= 0 else index + n])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Return the items of a batch, in order; DataLoader asks this way."""
        n = self.n_real
        later = [_from(index, n) for index in indices if index >= n]
        real = iter(self._real_items([index for index in indices if index < n]))
        synthetic = iter(self.synthetic.__getitems__(later) if later else ())
        items = [next(real) if index < n else next(synthetic) for index in indices]
        return items if self._soft_labels is None else self._soft_labels.put_all(items, indices)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch it is, so that random transforms of synthetic rows differ by epoch."""
        self.synthetic.set_epoch(epoch)

    def _real_items(self, indices: list[int]) -> list[Any]:
        fetch = getattr(self.real, "__getitems__", None)
        items = fetch(indices) if fetch and indices else [self.real[index] for index in indices]
        return self._real_marks.put_all(items)


def _from(index: int, n_real: int) -> int:
    return RowIndex(index - n_real, index.epoch) if isinstance(index, RowIndex) else index - n_real


def _check_real(real: Any) -> None:
    if not is_map_style(real):
        raise ConfigError(
            f"real must be a map-style dataset (with a length and rows by index); got {type(real).__name__}. Read it "
            "once, rows = synthaug.data.torch_rows.read_rows(dataset), and mix "
            "TensorDataset(rows.X, torch.as_tensor(rows.y))."
        )
    if len(real) == 0:
        raise ShapeError("real must hold rows; got an empty dataset. Check the folder or the split that it reads.")


def _check_settings(augmenter: Any, asked: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    if None not in asked.values():
        raise ConfigError("synthetic_fraction and n_synthetic must not both be given. Leave one out.")
    given = [name for name, value in {**asked, **settings}.items() if value is not None]
    if isinstance(augmenter, SyntheticDataset) and given:
        raise ConfigError(
            f"{given[0]} must be given to the SyntheticDataset that is mixed in; got it beside one. Move it there."
        )


def _spread(augmenter: Any, synthetic_fraction: float, n_real: int) -> dict[Any, int]:
    """Return counts that add up to the fraction, in the plan's proportions; remainders go to the rarest class first."""
    fraction = check_fraction("synthetic_fraction", synthetic_fraction, most=_MOST_FRACTION)
    plan = augmenter.plan()
    shares = plan if any(plan.values()) else dict.fromkeys(augmenter.classes_[augmenter.learned_].tolist(), 1)
    weights = np.array(list(shares.values()), dtype=float)
    n_synthetic = round(n_real * fraction / (1 - fraction)) if weights.any() else 0
    exact = n_synthetic * weights / max(weights.sum(), 1)
    # The small number keeps 3.0 from being floored to 2 after a rounding error.
    counts = np.floor(exact + 1e-9).astype(int)
    rarity = [augmenter.class_counts_[label] for label in shares]
    by_remainder = sorted(range(len(counts)), key=lambda place: (counts[place] - exact[place], rarity[place]))
    counts[by_remainder[: n_synthetic - counts.sum()]] += 1
    return dict(zip(shares, counts.tolist(), strict=True))
