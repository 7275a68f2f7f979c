"""What ``read_images`` was told, checked, and its policy towards files that cannot be read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthaug._check import check_choice, check_positive
from synthaug.data.readers.records import ImageOptions, Resizing
from synthaug.data.readers.scaling import WINDOWS
from synthaug.data.readers.sizes import ASPECTS
from synthaug.errors import ConfigError, FileError

Refused = list[tuple[str, str]]
Watch = Callable[[Iterable[Any], str], Iterable[Any]]
_BODY_AXES = {"sagittal": 0, "coronal": 1, "axial": 2, 0: 0, 1: 1, 2: 2}
_NAMED = 3


@dataclass(frozen=True)
class Reading:
    """How files are read.

    Attributes
    ----------
    options
        What becomes of their images.
    caches
        The folder of all caches.
    strict
        Whether a file that cannot be read is an error.
    watch
        Passes files through and shows how far it is.
    """

    options: ImageOptions
    caches: Path
    strict: bool
    watch: Watch

    def refuse(self, refused: Refused, n_files: int) -> None:
        """Raise FileError if files cannot be read and none may be left out."""
        if refused and self.strict:
            raise FileError(
                f"all files must be readable; got {len(refused)} of {n_files} that are not: {in_short(refused)}. "
                "Mend or remove them, or pass on_error='skip' (--on-error skip) to leave them out and get a list."
            )


def in_short(left_out: Refused) -> str:
    """Return the first files left out, with the reasons."""
    words = "; ".join(f"'{name}' {reason}" for name, reason in left_out[:_NAMED])
    return words + ("; ..." if len(left_out) > _NAMED else "")


def read_options(
    size: Any, aspect: str, channels: Any, window: Any, spacing: Any, axis: Any, max_pixels: Any
) -> ImageOptions:
    """Return how images are to be read, as ``read_images`` was told.

    Raises
    ------
    ConfigError
        If a setting cannot be; the message names it.
    """
    check_choice("aspect", aspect, ASPECTS)
    if channels not in (None, 1, 3):
        raise ConfigError(f"channels must be 1 (grey), 3 (colours) or None (as in the files); got {channels!r}.")
    words = isinstance(spacing, str)
    if words:
        check_choice("spacing", spacing, ("same", "any"))
    return ImageOptions(
        resizing=Resizing(_size(size), aspect, None if words else _pair("spacing", spacing)),
        window=_window(window),
        channels=channels,
        axis=_axis(axis),
        any_spacing=spacing == "any",
        max_pixels=check_positive("max_pixels", max_pixels, integer=True),
    )


def _size(size: Any) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise ConfigError(f"size must be one number, (h, w) or None; got {size!r}.")
    height, width = (int(check_positive("size", side, integer=True)) for side in sides)
    return height, width


def _pair(name: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ConfigError(f"{name} must be 'same', 'any' or (row, column) in millimetres a pixel; got {value!r}.")
    row, column = (float(check_positive(name, side)) for side in value)
    return row, column


def _window(window: Any) -> Any:
    if isinstance(window, str):
        return check_choice("window", window, WINDOWS) and window
    if not isinstance(window, tuple | list) or len(window) != 2:
        raise ConfigError(f"window must be one of {', '.join(WINDOWS)}, or (centre, width); got {window!r}.")
    if isinstance(window[0], bool) or not isinstance(window[0], int | float):
        raise ConfigError(f"window must have a number as its centre; got {window[0]!r}.")
    return float(window[0]), float(check_positive("window's width", window[1]))


def _axis(axis: Any) -> int:
    if axis is None:
        raise ConfigError(
            "axis must say across which axis volumes are sliced; got None. 3-D generation is out of scope: images are "
            "learned and drawn slice by slice. Say axis='axial', 'coronal' or 'sagittal'."
        )
    if axis not in _BODY_AXES:
        raise ConfigError(f"axis must be sagittal, coronal, axial, or 0, 1, 2; got {axis!r}.")
    return _BODY_AXES[axis]
