"""Rows that are images, and their weights, as scikit-learn hands them over: checked, remembered, read."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from synthaug.data.container import known, unwrap
from synthaug.data.images import ImageCodec, fit_image_codec
from synthaug.errors import ConfigError, ShapeError


def read_rows(estimator: Any, X: Any, *, reset: bool) -> np.ndarray:
    """Return rows as an array; the estimator remembers (``reset``) or compares what they look like."""
    X = known(X)
    if isinstance(X, pd.DataFrame) or np.ndim(X) <= 2:
        return validate_data(estimator, X, reset=reset, dtype="numeric")
    array = np.asarray(unwrap(X)[0])
    if len(array) == 0:
        raise ShapeError(f"images must be at least one; got {array.shape} (no row).")
    if reset:
        estimator.n_features_in_ = int(np.prod(array.shape[1:]))
    return array


def fit_codec(X: np.ndarray, *, image_shape: tuple[int, ...] | None, image_format: str) -> ImageCodec:
    """Return how rows (n, ...) are read as images; the range of pixels is that of these rows.

    Raises
    ------
    ShapeError
        If they are no images, or flat and nothing says their shape.
    """
    if X.ndim == 2 and image_shape is None:
        raise ShapeError(
            f"rows must be images; got {X.shape} (flat rows). Say what they are: image_shape=(h, w) or (h, w, c)."
        )
    return fit_image_codec(X, unwrap(X)[1], image_shape=image_shape, image_format=image_format)


def checked_weight(sample_weight: Any, n: int) -> np.ndarray:
    """Return a weight for each of n rows, or raise ConfigError."""
    weight = np.ones(n) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n,):
        raise ConfigError(f"sample_weight must hold a weight for each row; got shape {weight.shape} for {n} rows.")
    if not np.isfinite(weight).all() or weight.min() < 0 or not weight.any():
        raise ConfigError(
            "sample_weight must be finite, nowhere negative and not zero everywhere; "
            f"got {weight.min()} to {weight.max()}. Leave it out."
        )
    return weight
