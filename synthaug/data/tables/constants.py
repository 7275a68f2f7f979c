"""A column that holds one value, or none: nothing to learn, and returned as it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthaug.data.schema import Column
from synthaug.data.tables.checks import check_known, check_none_missing
from synthaug.data.tables.column_types import Cells


@dataclass(frozen=True, eq=False)
class ConstantCodec:
    """The one value of a column.

    Attributes
    ----------
    name
        The column's.
    value
        The value, shape (1,); shape (0,) where all are missing.
    is_number
        Whether it is a number or a time: others are taken for it, as numbers are clipped to the range seen.
    """

    name: str
    value: np.ndarray
    is_number: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """What a learner is told: nothing."""
        return ()

    def check(self, cells: Cells) -> None:
        """Raise ShapeError if a category is another than the one, or a value is missing though none was."""
        if len(self.value):
            check_none_missing(cells.missing, self.name)
        if not self.is_number:
            check_known(cells.missing | np.isin(cells.values, self.value), self.name)

    def encode(self, cells: Cells, stream: np.random.Generator | None = None) -> np.ndarray:
        """Return no places, (n, 0), float32."""
        return np.empty((len(cells.missing), 0), dtype=np.float32)

    def decode(self, places: np.ndarray, rows: np.ndarray) -> Cells:
        """Return the value n times, or n missing ones."""
        is_missing = len(self.value) == 0
        values = np.zeros(len(rows), dtype=np.int64) if is_missing else np.repeat(self.value, len(rows))
        return Cells(values, np.full(len(rows), is_missing))


def fit_constant(cells: Cells, name: str, *, is_number: bool) -> ConstantCodec:
    """Return the codec of a column whose values are all one, or all missing."""
    return ConstantCodec(name, cells.present[:1], is_number)


def constant_state(codec: ConstantCodec) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return arrays and facts (of JSON) that ``restore_constant`` makes the codec of."""
    if codec.value.dtype == object:
        return {}, {"value": codec.value.tolist(), "is_number": codec.is_number}
    return {"value": codec.value}, {"is_number": codec.is_number}


def restore_constant(name: str, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> ConstantCodec:
    """Return the codec of what ``constant_state`` gave."""
    value = np.array(facts["value"], dtype=object) if "value" in facts else arrays["value"]
    return ConstantCodec(name, value, facts["is_number"])
