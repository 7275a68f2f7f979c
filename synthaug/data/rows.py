"""One codec for whatever rows came: images or a table, with their labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthaug.data.container import Container
from synthaug.data.images import ImageCodec, fit_image_codec
from synthaug.data.tables import TableCodec, fit_table_codec
from synthaug.errors import ConfigError


@dataclass(frozen=True)
class RowsOptions:
    """How rows are to be read, as the user said it: the parameters of the same names of ``SyntheticAugmenter``."""

    image_shape: tuple[int, ...] | None = None
    image_format: str = "auto"
    categorical_features: Any = "auto"


def fit_row_codec(rows: np.ndarray, container: Container, options: RowsOptions) -> ImageCodec | TableCodec:
    """Return the codec for an array: a table if it has two dimensions and no ``image_shape``, else images.

    Raises
    ------
    ShapeError
        If the shape or layout fits neither.
    ConfigError
        If categorical columns are named: no learner takes them yet.
    """
    named = options.categorical_features
    if not (named is None or (isinstance(named, str) and named == "auto") or len(named) == 0):
        raise ConfigError(
            f"categorical_features must be 'auto' or None: categories are not learned yet; got {named!r}. "
            "Encode these columns first, with OneHotEncoder for example."
        )
    if rows.ndim == 2 and options.image_shape is None:
        return fit_table_codec(rows, container)
    return fit_image_codec(rows, container, image_shape=options.image_shape, image_format=options.image_format)
