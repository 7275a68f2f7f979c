"""What a pixel means: the line between the pixels of the rows and the values in the files, recorded so that it can be
undone.

Windowing is value -> clip((value - low) / (high - low), 0, 1) * top, undone but for the clipping and for rounding to
one of ``top`` steps.

References
----------
NEMA, "DICOM PS3.3, C.11.2 VOI LUT Module": a window of centre c and width w spans c - 0.5 -/+ (w - 1) / 2, and
exactly c -/+ w / 2 under the function LINEAR_EXACT.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

_TOPS = {"uint8": 255.0, "uint16": 65535.0}


@dataclass(frozen=True)
class Intensity:
    """How the pixels of rows stand for the values in the files they came from.

    Attributes
    ----------
    kind
        ``none`` (pixels are the values), ``header`` or ``window`` (a display window), or ``percentile``.
    low, high
        The values that became the least and the greatest pixel; of no meaning where ``kind`` is ``none``.
    dtype
        The type of the pixels: ``uint8``, ``uint16`` or ``float32``.
    file_dtype
        The type that holds the files' values: ``uint8``, ``uint16``, ``uint32``, ``int16``, ``int32`` or ``float32``.
    unit
        What the files' values are measured in, such as ``HU``; "" where the files do not say.
    """

    kind: str = "none"
    low: float = 0.0
    high: float = 1.0
    dtype: str = "uint8"
    file_dtype: str = "uint8"
    unit: str = ""

    @property
    def top(self) -> float:
        """The greatest pixel: 255, 65535, or 1 for pixels that are not whole numbers."""
        return _TOPS.get(self.dtype, 1.0)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return values of files, any shape, as pixels of the type ``dtype``; outside the window they are clipped.

        Examples
        --------
        >>> Intensity("window", low=-160.0, high=240.0, dtype="uint8", file_dtype="int16").apply(np.array([-1000, 40]))
        array([  0, 128], dtype=uint8)
        """
        if self.kind == "none":
            return _typed(values, self.dtype)
        fractions = (np.asarray(values, dtype=np.float64) - self.low) / (self.high - self.low)
        return _typed(np.clip(fractions, 0.0, 1.0) * self.top, self.dtype)

    def undo(self, pixels: np.ndarray) -> np.ndarray:
        """Return pixels, any shape, as values of the files, of the type ``file_dtype``.

        Examples
        --------
        >>> window = Intensity("window", low=-160.0, high=240.0, dtype="uint8", file_dtype="int16")
        >>> window.undo(np.array([0, 255], dtype=np.uint8))
        array([-160,  240], dtype=int16)
        """
        if self.kind == "none":
            return _typed(pixels, self.file_dtype)
        values = np.asarray(pixels, dtype=np.float64) / self.top * (self.high - self.low) + self.low
        return _typed(values, self.file_dtype)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain numbers and words, for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Self:
        """Return the record that ``to_dict`` wrote."""
        return cls(**record)


def _typed(values: np.ndarray, dtype: str) -> np.ndarray:
    wanted = np.dtype(dtype)
    if wanted.kind == "f" or values.dtype == wanted:
        return np.asarray(values, dtype=wanted)
    limits = np.iinfo(wanted)
    whole = np.rint(np.asarray(values, dtype=np.float64))
    return np.clip(whole, limits.min, limits.max).astype(wanted)
