"""What a learner is told about the rows: the shape of its tensors and what each place in them means."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ImageSchema:
    """Images as tensors ``(n, c, h, w)``, float32 in [-1, 1].

    Attributes
    ----------
    shape
        ``(c, h, w)``.
    n_classes
        How many classes the labels ``0 .. n_classes - 1`` name.
    """

    shape: tuple[int, int, int]
    n_classes: int


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name
        The column's name; its number, as text, where the table has no names.
    kind
        ``number``, ``integer`` (drawn values are rounded) or ``category`` (``width`` places, one for each value).
    width
        How many places of the tensor the column takes.
    """

    name: str
    kind: Literal["number", "integer", "category"]
    width: int = 1


@dataclass(frozen=True)
class TableSchema:
    """Tables as tensors ``(n, d)``, float32, each number with mean 0 and variance 1.

    Attributes
    ----------
    columns
        The columns in the order of their places.
    n_classes
        How many classes the labels ``0 .. n_classes - 1`` name.
    """

    columns: tuple[Column, ...]
    n_classes: int

    @property
    def shape(self) -> tuple[int]:
        """The shape of one row: ``(d,)``."""
        return (sum(column.width for column in self.columns),)


Schema = ImageSchema | TableSchema
