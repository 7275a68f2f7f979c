"""Tables of numbers: the user's columns <-> tensors (n, d), float32, each column with mean 0 and variance 1.

Decoding clips to the range seen and rounds the columns that held whole numbers only. Categories have their place in the
schema (``Column.kind``, ``Column.width``); a codec that fills it does not exist yet, so such columns are refused.
"""

from dataclasses import dataclass

import numpy as np
import torch

from synthaug.data.container import Container
from synthaug.data.schema import Column, TableSchema
from synthaug.errors import ShapeError


@dataclass(frozen=True)
class TableCodec:
    """The way between a user's table and the model's.

    Attributes
    ----------
    container
        What the table came in.
    columns
        The columns, as the schema names them.
    mean, scale, low, high
        Of each column in the training rows, length d; the scale of a constant column is 1.
    """

    container: Container
    columns: tuple[Column, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def schema(self, n_classes: int) -> TableSchema:
        """Return what a learner is told."""
        return TableSchema(self.columns, n_classes)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row as the user has it."""
        return (len(self.columns),)

    def encode(self, table: np.ndarray) -> torch.Tensor:
        """Return a table of shape (n, d) as a tensor (n, d), float32.

        Raises
        ------
        ShapeError
            If the number of columns differs from the one seen by ``fit``.
        """
        values = np.asarray(table, dtype=np.float64)
        if values.shape[1:] != self.row_shape:
            raise ShapeError(
                f"the table must have the {len(self.columns)} columns that fit saw; got {values.shape[1:]}."
            )
        return torch.from_numpy(((values - self.mean) / self.scale).astype(np.float32))

    def decode(self, values: torch.Tensor) -> object:
        """Return a tensor (n, d) as a table in the user's container and types."""
        table = values.detach().cpu().numpy().astype(np.float64) * np.array(self.scale) + np.array(self.mean)
        table = np.clip(table, self.low, self.high)
        whole = np.array([column.kind == "integer" for column in self.columns])
        table[:, whole] = np.rint(table[:, whole])
        return self.container.wrap(table)


def fit_table_codec(table: np.ndarray, container: Container) -> TableCodec:
    """Return the codec for a table of shape (n, d), n at least 1."""
    values = np.asarray(table, dtype=np.float64)
    names = container.names or tuple(range(values.shape[1]))
    whole = (values == np.rint(values)).all(axis=0)
    columns = tuple(Column(str(name), "integer" if flag else "number") for name, flag in zip(names, whole, strict=True))
    spread = values.std(axis=0)
    scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(values).max(axis=0)), spread, 1.0)
    statistics = (values.mean(axis=0), scale, values.min(axis=0), values.max(axis=0))
    return TableCodec(container, columns, *(tuple(map(float, numbers)) for numbers in statistics))
