"""What reading images gives, and what it is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthaug.data.readers.intensity import Intensity


@dataclass(frozen=True)
class Resizing:
    """How images were brought to one size.

    Attributes
    ----------
    size
        ``(h, w)`` in pixels; None where images keep theirs.
    aspect
        ``pad`` (the whole image, edges filled with its least value), ``crop`` (its middle) or ``stretch``.
    spacing
        Millimetres ``(row, column)`` a pixel that images were first resampled to; None where they were not.
    """

    size: tuple[int, int] | None = None
    aspect: str = "pad"
    spacing: tuple[float, float] | None = None


@dataclass(frozen=True)
class ImageOptions:
    """How images are read, as the user said it: the parameters of the same names of ``read_images``."""

    resizing: Resizing
    window: Any
    channels: int | None
    axis: int
    any_spacing: bool
    max_pixels: int


@dataclass(frozen=True)
class Header:
    """What a file says about its images before any is decoded.

    Attributes
    ----------
    size
        ``(h, w)`` of each image.
    channels, n_frames
        1 or 3, and how many images the file holds.
    value_dtype
        The type that holds its values: ``uint8``, ``uint16``, ``uint32``, ``int16``, ``int32`` or ``float32``.
    source
        ``picture``, ``dicom`` or ``nifti``: values of one source mean the same.
    spacing
        Millimetres ``(row, column)`` a pixel; None where the file does not say.
    volume
        Whether its images are slices of one body or moments of one film.
    patient
        A keyless hash that tells patients apart; None where the file names none.
    of_study
        Whether that hash tells studies apart only, for the patient's number was taken out.
    window
        The values ``(low, high)`` that its header wants shown; None without.
    unit
        What its values are measured in; "" where the file does not say.
    identity
        Names of header tags that may tell who the patient is, never their values.
    synthetic
        Whether it is marked as made, not taken.
    """

    size: tuple[int, int]
    channels: int
    n_frames: int
    value_dtype: str
    source: str
    spacing: tuple[float, float] | None = None
    volume: bool = False
    patient: str | None = None
    of_study: bool = False
    window: tuple[float, float] | None = None
    unit: str = ""
    identity: tuple[str, ...] = ()
    synthetic: bool = False


@dataclass(frozen=True, eq=False)
class ImageRows:
    """Labelled images, read from files.

    Attributes
    ----------
    X
        Images (n, h, w) or (n, h, w, c), uint8, uint16 or float32, mapped read-only from a file: a row is read from
        the disk when it is asked for.
    y
        Labels (n,); None where images were read without.
    groups
        A number (n,), int64, the same for rows of one patient; None where no two rows are known to belong together.
    paths
        The file of each row (n,), str, relative to the root.
    frames
        Which image of its file each row is (n,), int64; for a volume the number of the slice.
    split
        The split that a manifest or MedMNIST's file puts each row in (n,), str; None without.
    spacing
        Millimetres (row, column) a pixel of each row (n, 2), float64; NaN where unknown.
    original_size
        Height and width of each row in its file (n, 2), int64.
    intensity
        What a pixel means; ``intensity.undo`` gives values of the files.
    resizing
        How images were brought to one size.
    skipped
        A row a file or slice that was left out: ``path``, ``reason``.
    skipped_file
        The same as a ``.csv`` file.
    """

    X: np.ndarray
    y: np.ndarray | None
    groups: np.ndarray | None
    paths: np.ndarray
    frames: np.ndarray
    split: np.ndarray | None
    spacing: np.ndarray
    original_size: np.ndarray
    intensity: Intensity
    resizing: Resizing
    skipped: pd.DataFrame
    skipped_file: Path

    def __len__(self) -> int:
        return len(self.X)
