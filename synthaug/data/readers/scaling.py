"""The choice of one scaling for all images of a set, from their headers or from a sample of their values."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from synthaug.data.readers.intensity import Intensity
from synthaug.data.readers.records import Header
from synthaug.errors import ConfigError

WINDOWS = ("auto", "none", "header", "percentile")
PERCENTILES = (0.5, 99.5)
_SAMPLED = 4096  # pixels of an image


def fit_intensity(headers: list[Header], sample: Callable[[], Iterable[np.ndarray]], window: Any) -> Intensity:
    """Return how the values of a set's files become pixels.

    Parameters
    ----------
    headers
        What the files say.
    sample
        Gives values of some of the files, image by image.
    window
        ``auto``, ``none``, ``header``, ``percentile``, or ``(centre, width)``.

    Raises
    ------
    ConfigError
        If the headers hold no window and one is asked for.
    """
    file_dtype, unit = _file_dtype(headers), next((header.unit for header in headers), "")
    if window == "auto":
        window = "header" if headers and all(header.window for header in headers) else "none"
    if window == "none":
        dtype = file_dtype if file_dtype in ("uint8", "uint16") else "float32"
        return Intensity("none", dtype=dtype, file_dtype=file_dtype, unit=unit)
    kind = window if isinstance(window, str) else "window"
    low, high = _ends(kind, headers, sample, window)
    return Intensity(kind, low, high, "uint8" if file_dtype == "uint8" else "uint16", file_dtype, unit)


def _file_dtype(headers: list[Header]) -> str:
    """Return the least type that holds the values of all files."""
    types = {np.dtype(header.value_dtype) for header in headers} or {np.dtype("uint8")}
    together = np.result_type(*types)
    return together.name if together.kind in "iu" else "float32"


def _ends(
    kind: str, headers: list[Header], sample: Callable[[], Iterable[np.ndarray]], window: Any
) -> tuple[float, float]:
    if kind == "window":
        return float(window[0]) - float(window[1]) / 2, float(window[0]) + float(window[1]) / 2
    if kind == "percentile":
        return _percentiles(sample())
    windows = [header.window for header in headers if header.window]
    if not windows:
        raise ConfigError(
            "window='header' needs files whose headers name one; got none. Pass window=(centre, width) or 'percentile'."
        )
    low, high = np.median(np.array(windows), axis=0)
    return float(low), float(high)


def _percentiles(images: Iterable[np.ndarray]) -> tuple[float, float]:
    some = [image.ravel()[:: max(1, image.size // _SAMPLED)] for image in images]
    values = np.concatenate([each[np.isfinite(each)] for each in some] or [np.zeros(1)])
    low, high = np.percentile(values, PERCENTILES)
    return float(low), float(high if high > low else low + 1.0)
