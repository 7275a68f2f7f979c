"""A table taken apart, into numbers and categories, as SMOTE, noise and mixup need it, and put together again.

What is put together lies where the training rows do: whole numbers stay whole, ranges hold, keys are made anew.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.mix import codec_of
from synthaug.data.container import known, unwrap
from synthaug.data.tables import TableCodec
from synthaug.data.tables.categories import CategoryCodec
from synthaug.data.tables.column_types import Cells
from synthaug.data.tables.numbers import NumberCodec

_MISSING = -1


@dataclass(frozen=True, eq=False)
class Parts:
    """The numbers and the categories of a table.

    Attributes
    ----------
    codec
        What puts rows together.
    numbers
        Shape (n, p), float64; NaN where missing.
    choices
        Which of its column's values each cell holds, shape (n, q), int64; -1 where missing.
    values
        The values of each of the q columns of categories, ascending.
    """

    codec: TableCodec
    numbers: np.ndarray
    choices: np.ndarray
    values: tuple[np.ndarray, ...]

    def together(self, numbers: np.ndarray, choices: np.ndarray) -> Any:
        """Return rows in the user's container and types, of numbers (m, p) and choices (m, q)."""
        n_rows, of_numbers, of_choices = len(numbers), iter(numbers.T), iter(zip(choices.T, self.values, strict=True))
        places = []
        for codec in self.codec.codecs:
            cells = Cells(np.zeros(n_rows, dtype=np.int64), np.zeros(n_rows, dtype=bool))
            if isinstance(codec, NumberCodec):
                cells = _number_cells(next(of_numbers))
            if isinstance(codec, CategoryCodec):
                cells = _choice_cells(*next(of_choices))
            places.append(codec.encode(cells))
        return self.codec.decode(torch.from_numpy(np.concatenate(places, axis=1)))


def take_apart(X: Any, augmenter: SyntheticAugmenter) -> Parts:
    """Return the numbers and the categories of a table's rows, as an augmenter reads them; keys are in neither."""
    codec = codec_of(X, augmenter)
    assert isinstance(codec, TableCodec)
    table, numbers, choices, values = unwrap(known(X))[0], [], [], []
    for place, (kind, column) in enumerate(zip(codec.types, codec.codecs, strict=True)):
        cells = kind.read(table.iloc[:, place] if isinstance(table, pd.DataFrame) else pd.Series(table[:, place]))
        if isinstance(column, NumberCodec):
            numbers.append(np.where(cells.missing, np.nan, cells.values.astype(np.float64)))
        if isinstance(column, CategoryCodec):
            chosen, ascending = pd.factorize(np.where(cells.missing, np.array(None), cells.values), sort=True)
            choices.append(chosen)
            values.append(np.asarray(ascending, dtype=cells.values.dtype))
    return Parts(codec, _side_by_side(numbers, len(table), float), _side_by_side(choices, len(table), int), (*values,))


def _side_by_side(columns: list[np.ndarray], n_rows: int, kind: type) -> np.ndarray:
    return np.stack(columns, axis=1).astype(kind) if columns else np.empty((n_rows, 0), dtype=kind)


def _number_cells(numbers: np.ndarray) -> Cells:
    missing = np.isnan(numbers)
    filled = np.nanmedian(numbers) if not missing.all() else 0.0
    return Cells(np.where(missing, filled, numbers), missing)


def _choice_cells(choices: np.ndarray, values: np.ndarray) -> Cells:
    return Cells(values[np.maximum(choices, 0)], choices == _MISSING)
