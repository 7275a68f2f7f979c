"""One codec for whatever rows came: images or a table, with their labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthaug.data.container import Container
from synthaug.data.images import ImageCodec, fit_image_codec
from synthaug.data.tables import TableCodec, fit_table_codec
from synthaug.errors import ConfigError, unknown_word


@dataclass(frozen=True)
class RowsOptions:
    """How rows are to be read, as the user said it: the parameters of the same names of ``SyntheticAugmenter``."""

    image_shape: tuple[int, ...] | None = None
    image_format: str = "auto"
    categorical_features: Any = "auto"


def fit_row_codec(rows: Any, container: Container, options: RowsOptions) -> ImageCodec | TableCodec:
    """Return the codec for an array or a DataFrame: a table if it has two dimensions and no ``image_shape``, else
    images.

    Raises
    ------
    ShapeError
        If the shape or layout fits neither, or a column cannot be learned.
    ConfigError
        If a categorical column is named that is not there.
    """
    if rows.ndim == 2 and options.image_shape is None:
        named = category_columns(options.categorical_features, container.names, rows.shape[1])
        return fit_table_codec(rows, container, categorical=named)
    if isinstance(options.categorical_features, str | None) or len(options.categorical_features) == 0:
        images = np.asarray(rows)
        return fit_image_codec(images, container, image_shape=options.image_shape, image_format=options.image_format)
    raise ConfigError(
        f"categorical_features must be 'auto' or None for images; got {options.categorical_features!r}. Leave it out."
    )


def encode_to_learn(codec: ImageCodec | TableCodec, rows: Any, *, seed: int) -> torch.Tensor:
    """Return rows as a learner takes them, float32: of a table, rows that share a number are spread over its step."""
    return codec.encode(rows, spread_seed=seed) if isinstance(codec, TableCodec) else codec.encode(rows)


def encode_to_compare(codec: ImageCodec | TableCodec, rows: Any) -> torch.Tensor:
    """Return rows to compare with the training rows, float32: of a table, what those lack is zeros."""
    return codec.encode_strangers(rows) if isinstance(codec, TableCodec) else codec.encode(rows)


def category_columns(named: Any, names: tuple[Any, ...], n_columns: int) -> frozenset[int]:
    """Return the numbers of the columns that are named as categories.

    Parameters
    ----------
    named
        ``auto`` or None for none beside those whose type says so; names, numbers from 0, or a bool for each column.
    names
        The columns' names; empty where they have none.
    n_columns
        How many there are.

    Raises
    ------
    ConfigError
        If there is no such column.
    """
    if named is None or isinstance(named, str):
        if named not in (None, "auto"):
            raise unknown_word("categorical_features", named, ["auto", f"[{named!r}]"])
        return frozenset()
    wanted = list(named.tolist() if isinstance(named, np.ndarray | pd.Index) else named)
    if len(wanted) == n_columns and all(isinstance(flag, bool | np.bool_) for flag in wanted):
        return frozenset(np.flatnonzero(wanted).tolist())
    return frozenset(_number(name, names, n_columns) for name in wanted)


def _number(name: Any, names: tuple[Any, ...], n_columns: int) -> int:
    if name in names:
        return names.index(name)
    if isinstance(name, int | np.integer) and not isinstance(name, bool) and 0 <= name < n_columns:
        return int(name)
    raise unknown_word("categorical_features", name, map(str, names or range(n_columns)))
