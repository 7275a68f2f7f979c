"""Pixels as whole numbers of 8 or 16 bits: value = slope * stored + intercept, as DICOM has it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthaug._check import check_finite_images
from synthaug.errors import ShapeError

_STEPS = 65535
_DIGITS = 10  # a decimal string of DICOM holds sixteen characters


@dataclass(frozen=True)
class Levels:
    """How values stand in a file.

    Attributes
    ----------
    dtype
        ``uint8``, ``uint16`` or ``int16``.
    slope, intercept
        A value is ``slope * stored + intercept``.
    """

    dtype: str
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def is_plain(self) -> bool:
        """Whether stored numbers are the values."""
        return self.slope == 1 and self.intercept == 0

    def store(self, values: np.ndarray) -> np.ndarray:
        """Return values, any shape, as stored numbers, to the nearest."""
        limits = np.iinfo(self.dtype)
        stored = (np.asarray(values, dtype=np.float64) - self.intercept) / self.slope
        return np.clip(np.rint(stored), limits.min, limits.max).astype(self.dtype)


def levels_of(values: Any, *, signed: bool) -> Levels:
    """Return how values are best stored: as they are if they are whole and fit, else on 65,536 even steps.

    Parameters
    ----------
    values
        Images (n, ...), of any numbers.
    signed
        Whether the format has negative numbers; where it has none, whole numbers below 0 are stored 32,768 higher.

    Raises
    ------
    ShapeError
        If a pixel is not finite, or there are no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> levels_of(np.array([-1024.0, 3071.0]), signed=True)
    Levels(dtype='int16', slope=1.0, intercept=0.0)
    >>> levels_of(np.array([0.25, 0.5]), signed=True)
    Levels(dtype='uint16', slope=1.52590219e-05, intercept=0.0)
    """
    if values.dtype.kind not in "fiub":
        raise ShapeError(f"images must hold numbers; got dtype {values.dtype}. Convert them.")
    check_finite_images(values)
    low, high = float(values.min()), float(values.max())
    if values.dtype in (np.uint8, np.bool_) or (
        values.dtype != np.uint16 and _whole(values) and 0 <= low <= high <= 255
    ):
        return Levels("uint8")
    if values.dtype == np.uint16 or (_whole(values) and 0 <= low <= high <= _STEPS):
        return Levels("uint16")
    if _whole(values) and -(2**15) <= low <= high < 2**15:
        return Levels("int16") if signed else Levels("uint16", 1.0, -float(2**15))
    return _even_steps(low, high)


def _whole(values: np.ndarray) -> bool:
    return values.dtype.kind in "iub" or bool((values == np.rint(values)).all())


def _even_steps(low: float, high: float) -> Levels:
    if 0 <= low <= high <= 1:
        low, high = 0.0, 1.0
    intercept = float(f"{low:.{_DIGITS - 1}g}")
    slope = float(f"{max(high - intercept, abs(low) * 1e-6, 1e-30) / _STEPS:.{_DIGITS}g}")
    return Levels("uint16", slope, intercept)
