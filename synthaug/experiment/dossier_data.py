"""What a study was made of, counted before it runs: rows, groups and splits, and the programs it ran on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from synthaug.augment.fingerprints import number_of_each
from synthaug.augment.mix import reads_images
from synthaug.data.split import Split

if TYPE_CHECKING:
    from synthaug.experiment.arm_study import ArmStudy
    from synthaug.experiment.work import Work


@dataclass(frozen=True)
class ClassRows:
    """How many rows of one class there are, and on which side of the splits.

    Attributes
    ----------
    name
        The class.
    n_rows
        Rows in all.
    n_groups
        Groups with a row of the class; None without groups.
    train, test
        The least and the most rows over the splits.
    """

    name: str
    n_rows: int
    n_groups: int | None
    train: tuple[int, int]
    test: tuple[int, int]


@dataclass(frozen=True)
class DataUsed:
    """The rows of a study in numbers; none of them is in here.

    Attributes
    ----------
    kind
        ``images`` or ``table``.
    row_shape
        The shape of one row as it came.
    columns
        Names and types of a DataFrame's columns; empty for other rows.
    n_rows, n_unlabelled
        Rows with and without labels.
    classes
        The classes, in the order of their labels.
    n_groups
        How many groups, such as patients; None where none were named.
    rows_per_group
        The least and the most rows of one group; None without groups.
    n_splits
        How many splits.
    most_groups_on_both_sides
        The most groups that any split had on both sides, counted; None without groups.
    most_twins
        The most test rows of any split that are equal, in every number, to one it trains on.
    reading
        How files became rows, in pairs of a word and a value.
    """

    kind: str
    row_shape: tuple[int, ...]
    columns: tuple[tuple[str, str], ...]
    n_rows: int
    n_unlabelled: int
    classes: tuple[ClassRows, ...]
    n_groups: int | None
    rows_per_group: tuple[int, int] | None
    n_splits: int
    most_groups_on_both_sides: int | None
    most_twins: int
    reading: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the record from what ``asdict`` made of it and JSON kept."""
        names = ("row_shape", "columns", "rows_per_group", "reading")
        pairs = {name: _as_pairs(facts[name]) for name in names if name in facts}
        classes = tuple(
            ClassRows(**{name: _as_pairs(value) for name, value in one.items()}) for one in facts["classes"]
        )
        return cls(**{**facts, **pairs, "classes": classes})


def describe_data(study: "ArmStudy", *, reading: Mapping[str, str] | None = None) -> DataUsed:
    """Return the rows of a study in numbers; whether splits keep groups apart is counted, not taken on trust."""
    work, splits = study.work, study.splits
    labels = np.asarray(work.y)
    groups = None if work.groups is None else np.asarray(work.groups)
    sizes = None if groups is None else np.unique(groups, return_counts=True)[1]
    return DataUsed(
        kind="images" if reads_images(work.augmenter, work.X) else "table",
        row_shape=tuple(int(side) for side in np.shape(work.X)[1:]),
        columns=_columns(work.X),
        n_rows=len(labels),
        n_unlabelled=0 if work.X_unlabeled is None else len(work.X_unlabeled),
        classes=_classes(labels, groups, splits, study.class_names),
        n_groups=None if sizes is None else len(sizes),
        rows_per_group=None if sizes is None else (int(sizes.min()), int(sizes.max())),
        n_splits=len(splits),
        most_groups_on_both_sides=None if groups is None else max(_shared(groups, split) for split in splits),
        most_twins=_most_twins(work, splits),
        reading=tuple((reading or {}).items()),
    )


def _classes(
    labels: np.ndarray, groups: np.ndarray | None, splits: Sequence[Split], names: Sequence[str]
) -> tuple[ClassRows, ...]:
    found = np.unique(labels)
    said = names if len(names) == len(found) else [str(label) for label in found]
    return tuple(
        ClassRows(
            name=str(name),
            n_rows=int((labels == label).sum()),
            n_groups=None if groups is None else len(np.unique(groups[labels == label])),
            train=_range([int((labels[split.train] == label).sum()) for split in splits]),
            test=_range([int((labels[split.test] == label).sum()) for split in splits]),
        )
        for name, label in zip(said, found, strict=True)
    )


def _columns(X: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(kind)) for name, kind in X.dtypes.items()) if hasattr(X, "dtypes") else ()


def _shared(groups: np.ndarray, split: Split) -> int:
    return len(np.intersect1d(groups[split.train], groups[split.test]))


def _most_twins(work: "Work", splits: Sequence[Split]) -> int:
    """Return the most test rows of a split that equal one of its training rows."""
    same = number_of_each(work.X)
    return max(int(np.isin(same[split.test], same[split.train]).sum()) for split in splits)


def _range(counts: Sequence[int]) -> tuple[int, int]:
    return min(counts), max(counts)


def _as_pairs(value: Any) -> Any:
    """Return lists, which JSON made of tuples, as tuples again."""
    return tuple(_as_pairs(inner) for inner in value) if isinstance(value, list | tuple) else value
