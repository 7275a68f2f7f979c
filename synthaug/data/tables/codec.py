"""The codec of a table: each of its columns by a codec of its own, side by side.

A learner sees numbers (one place each, about N(0, 1)) and categories (a block of places, 1 at the row's own and 0
elsewhere) and nothing else. What a column of the user's becomes:

====================  ==================================================================================
numbers, dates        a number; a category too, of *regular*, *missing* and atoms such as 0, where it has any
booleans, categories  a category, with one more value where some are missing
words                 a category; nothing if they tell rows apart (see ``keys``): new ones are made
one value, or none    nothing: it is returned as it is
====================  ==================================================================================

What is kept of the training rows are statistics of single columns: quantiles (at most half as many as rows, where
values mostly differ), the names of categories and how often they came, ranges. No row is, and no key.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthaug._check import check_column_names
from synthaug._seed import numpy_stream
from synthaug.data.container import Container
from synthaug.data.schema import Column, TableSchema
from synthaug.data.tables.categories import CategoryCodec, fit_categories
from synthaug.data.tables.checks import check_has_cells
from synthaug.data.tables.column_types import Cells, ColumnType, numpy_type, read_type
from synthaug.data.tables.constants import ConstantCodec, fit_constant
from synthaug.data.tables.grid import DOUBLE
from synthaug.data.tables.keys import KeyCodec, fit_key, is_key, mostly_differ
from synthaug.data.tables.numbers import NumberCodec, fit_numbers
from synthaug.errors import ShapeError

ColumnCodec = NumberCodec | CategoryCodec | ConstantCodec | KeyCodec
_NUMBERS = ("real", "whole", "moment", "span")
_NOTHING = Column("nothing", "number")  # a learner needs a place, also where no column varies


@dataclass(frozen=True, eq=False)
class TableCodec:
    """The way between a user's table and the model's.

    Attributes
    ----------
    container
        What the table came in.
    types
        What each column was.
    codecs
        The way of each column.
    """

    container: Container
    types: tuple[ColumnType, ...]
    codecs: tuple[ColumnCodec, ...]

    def schema(self, n_classes: int) -> TableSchema:
        """Return what a learner is told."""
        columns = tuple(column for codec in self.codecs for column in codec.columns)
        return TableSchema(columns or (_NOTHING,), n_classes)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row as the user has it."""
        return (len(self.codecs),)

    @property
    def key_columns(self) -> list[Any]:
        """The names of the columns whose values are made anew."""
        pairs = zip(self.types, self.codecs, strict=True)
        return [kind.name for kind, codec in pairs if isinstance(codec, KeyCodec)]

    @property
    def telling_columns(self) -> list[int]:
        """The places of the columns of pandas' categories that tell rows apart, and are drawn again as they are."""
        pairs = enumerate(zip(self.types, self.codecs, strict=True))
        return [
            place
            for place, (kind, codec) in pairs
            if kind.content == "code" and isinstance(codec, CategoryCodec) and mostly_differ(codec.counts)
        ]

    def encode(self, table: Any, *, spread_seed: int | None = None) -> torch.Tensor:
        """Return a table of shape (n, d), an array or a DataFrame, as a tensor (n, width), float32.

        Parameters
        ----------
        table
            Rows with the columns that fit saw.
        spread_seed
            Spreads the rows that share a number over the step that it has among the scores, at random: what a learner
            of continuous numbers wants. Without it equal rows stay equal.

        Raises
        ------
        ShapeError
            If the columns differ from those of fit, or a cell holds what no training row did: an infinite number, an
            unknown category, a missing value where none was missing.
        """
        columns = self.read(table)
        for codec, cells in zip(self.codecs, columns, strict=True):
            codec.check(cells)
        return self._encoded(columns, None if spread_seed is None else numpy_stream(spread_seed, "ties"))

    def encode_strangers(self, table: Any) -> torch.Tensor:
        """Return a table (n, d) as a tensor (n, width), float32, in which what fit did not see is zeros.

        For rows to compare with: a category that the training rows lack is as far from each of theirs as they are from
        one another.

        Raises
        ------
        ShapeError
            If the columns differ from those of fit, or a number is infinite.
        """
        return self._encoded(self.read(table), None)

    def _encoded(self, columns: list[Cells], stream: np.random.Generator | None) -> torch.Tensor:
        parts = [codec.encode(cells, stream) for codec, cells in zip(self.codecs, columns, strict=True)]
        block = np.concatenate(parts, axis=1)
        return torch.from_numpy(block if block.shape[1] else np.zeros((len(block), 1), dtype=np.float32))

    def decode(self, values: torch.Tensor, *, first_row: int = 0) -> Any:
        """Return a tensor (n, width) as a table in the user's container and types.

        Parameters
        ----------
        values
            Rows; a category's block may hold any numbers, the largest decides.
        first_row
            The number of the first row, from 0 to 2^63. The numbers decide new keys, and which of the rarest of more
            than a thousand categories come: two samples of other numbers share none.
        """
        places = values.detach().cpu().numpy()
        rows = np.arange(len(places), dtype=np.uint64) + np.uint64(first_row)
        write = ColumnType.write if self.container.kind == "pandas" else ColumnType.write_array
        columns, start = [], 0
        for kind, codec in zip(self.types, self.codecs, strict=True):
            width = sum(column.width for column in codec.columns)
            columns.append(write(kind, codec.decode(places[:, start : start + width], rows)))
            start += width
        return self._assembled(columns)

    def read(self, table: Any) -> list[Cells]:
        """Return the cells of each column of a table (n, d).

        Raises
        ------
        ShapeError
            If the columns differ from those of fit in number, names or type.
        """
        if np.shape(table)[1:] != self.row_shape:
            raise ShapeError(
                f"the table must have the {len(self.codecs)} columns that fit saw; got {np.shape(table)[1:]}."
            )
        names = self.container.names
        if isinstance(table, pd.DataFrame) and names and tuple(table.columns) != names:
            raise ShapeError(
                f"the table must have the columns that fit saw, in their order; got {list(table.columns)[:8]}. "
                "Take them in that order: X[columns]."
            )
        columns = _series_of(table, self.container)
        return [kind.read(column) for kind, column in zip(self.types, columns, strict=True)]

    def _assembled(self, columns: list[Any]) -> Any:
        if self.container.kind != "pandas":
            return self.container.wrap(np.stack(columns, axis=1))
        frame = pd.DataFrame(dict(enumerate(columns)))
        frame.columns = pd.Index(self.container.names)
        return frame


def fit_table_codec(table: Any, container: Container, *, categorical: frozenset[int] = frozenset()) -> TableCodec:
    """Return the codec for a table.

    Parameters
    ----------
    table
        Rows (n, d), an array or a DataFrame, n and d at least 1.
    container
        What they came in; the types of a DataFrame's columns are the container's, where the table is an array.
    categorical
        The numbers of the columns whose numbers are names of categories.

    Raises
    ------
    ShapeError
        If two columns have one name, or a column's type or cells are none that can be learned.
    """
    check_has_cells(table)
    if isinstance(table, pd.DataFrame):
        check_column_names(table)
    columns = _series_of(table, container)
    names = container.names or tuple(range(len(columns)))
    types = [read_type(column, name) for column, name in zip(columns, names, strict=True)]
    pairs = enumerate(zip(columns, types, strict=True))
    codecs = [_fit_column(kind.read(column), kind, named=i in categorical) for i, (column, kind) in pairs]
    return TableCodec(container, tuple(types), tuple(codecs))


def _fit_column(cells: Cells, kind: ColumnType, *, named: bool) -> ColumnCodec:
    """Return the codec of a training column; ``named`` says that its numbers are names of categories."""
    name, is_number = str(kind.name), kind.content in _NUMBERS
    n_values = len(pd.unique(cells.present))
    if n_values == 0 or (n_values == 1 and not cells.missing.any()):
        return fit_constant(cells, name, is_number=is_number and not named)
    if is_key(cells, kind) and not named:
        return fit_key(cells, kind)
    if is_number and not named:
        return fit_numbers(cells, name, dtype=_float_type(kind.dtype))
    return fit_categories(cells, name)


def _float_type(dtype: Any) -> np.dtype:
    """Return NumPy's float of a column's type; a double where it is none."""
    dtype = numpy_type(dtype)
    return dtype if isinstance(dtype, np.dtype) and dtype.kind == "f" else DOUBLE


def _series_of(table: Any, container: Container) -> list[pd.Series]:
    """Return the columns of an array or a DataFrame; those of an array in the types of its container's columns."""
    if isinstance(table, pd.DataFrame):
        return [table.iloc[:, i] for i in range(table.shape[1])]
    dtype = object if table.dtype == object else None
    columns = [pd.Series(table[:, i], dtype=dtype) for i in range(table.shape[1])]
    if table.shape[1] != len(container.dtypes):
        return columns
    return [
        column if word == "category" else column.astype(pd.api.types.pandas_dtype(word))
        for column, word in zip(columns, container.dtypes, strict=True)
    ]
