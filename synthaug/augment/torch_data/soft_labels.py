"""Soft labels in a torch loop: a real row's own class; of a synthetic row half that, half what teachers say of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthaug.augment.teachers import Teachers, soft_labels
from synthaug.augment.torch_data.marks import append
from synthaug.augment.torch_data.synthetic import SyntheticDataset
from synthaug.data.item_format import ItemFormat
from synthaug.data.torch_rows import label_value, split_item
from synthaug.errors import ConfigError, LabelError

NAME = "soft_label"
_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """The soft label of every row of real and synthetic ones.

    Attributes
    ----------
    places
        Which column a label, as real items hold it, has.
    drawn
        Those of the synthetic rows, (n_synthetic, n_classes), float32.
    form
        Where real items have their label.
    n_real
        How many real rows come first.
    """

    places: dict[Any, int]
    drawn: Tensor
    form: ItemFormat
    n_real: int

    def put_all(self, items: list[Any], indices: Sequence[int]) -> list[Any]:
        """Return the items of these rows, each with its soft label appended."""
        return [
            append(item, {NAME: self._real(item, index) if index < self.n_real else self.drawn[index - self.n_real]})
            for item, index in zip(items, indices, strict=True)
        ]

    def _real(self, item: Any, index: int) -> Tensor:
        label = label_value(split_item(item, self.form, index)[1], index)
        if label not in self.places:
            raise _unknown("the dataset's", list(self.places), label)
        return torch.nn.functional.one_hot(torch.tensor(self.places[label]), len(self.places)).float()


def _unknown(whose: str, known: list[Any], label: Any) -> LabelError:
    return LabelError(
        f"{whose} labels must be among the teachers' ({known}); got {label!r}. Fit the teachers on rows of every "
        "class, and pass the dataset's target_transform."
    )


def check_teachers(teachers: Any, augmenter: Any) -> None:
    """Raise ConfigError unless teachers are such, or None, and come beside an augmenter."""
    if teachers is None:
        return
    if not isinstance(teachers, Teachers):
        raise ConfigError(
            f"teachers must come from fit_teachers; got {type(teachers).__name__}. "
            "Fit them: synthaug.augment.teachers.fit_teachers(classifier, X, y)."
        )
    if isinstance(augmenter, SyntheticDataset):
        raise ConfigError("teachers must come with an augmenter; got a SyntheticDataset. Pass what it was made of.")


def soften_labels(
    teachers: Teachers,
    synthetic: SyntheticDataset,
    *,
    form: ItemFormat,
    n_real: int,
    target_transform: Callable[[Any], Any] | None,
) -> SoftLabels:
    """Return the soft labels of a mix; teachers see synthetic rows as they leave the augmenter, untransformed.

    Raises
    ------
    LabelError
        If the augmenter draws a class that the teachers do not know.
    """
    parts = [np.zeros((0, len(teachers.classes_)))]
    for start in range(0, len(synthetic), _AT_ONCE):
        rows = synthetic.raw(range(start, min(start + _AT_ONCE, len(synthetic))))
        parts.append(teachers.predict_proba(rows))
    labels = teachers.classes_.tolist()
    strange = [label for label in synthetic.counts if label not in labels]
    if strange:
        raise _unknown("the augmenter's", labels, strange[0])
    own = np.repeat([labels.index(label) for label in synthetic.counts], list(synthetic.counts.values()))
    targets = labels if target_transform is None else [target_transform(label) for label in labels]
    places = {label_value(target, 0): place for place, target in enumerate(targets)}
    return SoftLabels(places, torch.from_numpy(soft_labels(own, np.concatenate(parts))).float(), form, n_real)
