"""NIfTI volumes (nibabel): turned to RAS, cut into slices, with their spacing.

A volume's first axis is brought to run from left to Right, its second to Anterior, its third to Superior. A slice
across one of them shows the later of the two others upwards and the earlier to the right, so that axial and coronal
slices have the patient's right on the right side (neurological convention).
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from nibabel.spatialimages import HeaderDataError

from synthaug.data.headers import nifti_warnings
from synthaug.data.readers.records import Header, ImageOptions
from synthaug.errors import FileError

DAMAGED = (
    OSError, ValueError, EOFError, KeyError, TypeError, IndexError, OverflowError, AttributeError, MemoryError,
    zlib.error, gzip.BadGzipFile, HeaderDataError, nibabel.filebasedimages.ImageFileError,
)  # fmt: skip
_SLICES_AT_MOST = 16  # of the largest size allowed: what a compressed volume may unpack to
_DEFLATED_AT_MOST = 1032  # times: the most that zlib compresses


def look(path: Path, options: ImageOptions) -> Header:
    """Return what a volume's header says; no voxel is read.

    Raises
    ------
    FileError
        If it is no volume of numbers, or larger than allowed.
    DAMAGED
        If it is no such file.
    """
    image = _opened(path)
    _check_volume(image, options)
    _check_length(path, image)
    axes, _ = _turned(image)
    shape = [image.shape[axis] for axis in axes]
    zooms = [float(image.header.get_zooms()[axis]) for axis in axes]
    column, row = (axis for axis in range(3) if axis != options.axis)
    sized = np.isfinite(zooms).all() and min(zooms) > 0
    return Header(
        size=(shape[row], shape[column]),
        channels=1,
        n_frames=shape[options.axis],
        value_dtype=_value_dtype(image),
        source="nifti",
        spacing=(zooms[row], zooms[column]) if sized else None,
        volume=True,
        identity=tuple(nifti_warnings(image.header)),
    )


def frames(path: Path, header: Header, options: ImageOptions) -> Iterator[np.ndarray]:
    """Yield the slices (h, w) of a volume across an axis of the body, float32 (integers as they are)."""
    image = _opened(path)
    axes, flips = _turned(image)
    values = np.asanyarray(image.dataobj.get_unscaled())  # a map of the file, where it is not compressed
    volume = values.reshape(values.shape[:3]).transpose(axes)[tuple(slice(None, None, flip) for flip in flips)]
    slope, intercept = (1.0 if image.dataobj.slope is None else image.dataobj.slope), image.dataobj.inter or 0.0
    for number in range(header.n_frames):
        plane = np.take(volume, number, axis=options.axis).T[::-1]
        yield plane if (slope, intercept) == (1.0, 0.0) else (plane * slope + intercept).astype(np.float32)


def _opened(path: Path) -> Any:
    image: Any = nibabel.load(path, mmap="r") if path.suffix == ".nii" else nibabel.load(path)
    if not isinstance(image, nibabel.Nifti1Pair):
        raise FileError("it is no NIfTI volume")
    return image


def _check_volume(image: Any, options: ImageOptions) -> None:
    shape = tuple(image.shape)
    if len(shape) < 3 or np.prod(shape[3:], dtype=int) != 1 or min(shape) < 1:
        raise FileError(f"it must hold one volume, (x, y, z); its shape is {shape}. Save a file a volume")
    if image.get_data_dtype().kind not in "iuf":
        raise FileError(f"its voxels must be numbers; they are {image.get_data_dtype()}")
    if np.prod([float(side) for side in shape]) > _SLICES_AT_MOST * options.max_pixels:
        raise FileError(f"its shape {shape} is larger than allowed: raise max_pixels if it is meant to be")


def _check_length(path: Path, image: Any) -> None:
    """Raise FileError if the header says more voxels than the file can hold."""
    needed = np.prod([float(side) for side in image.shape]) * image.get_data_dtype().itemsize
    if needed > path.stat().st_size * (1 if path.suffix == ".nii" else _DEFLATED_AT_MOST):
        raise FileError(f"it is damaged or cut off: too short for the {image.shape} voxels that its header says")


def _turned(image: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return which axis of the file runs along each axis of the body, and 1 or -1 where it has to be turned round."""
    to_ras = ornt_transform(io_orientation(image.affine), axcodes2ornt("RAS"))
    order = np.argsort(to_ras[:, 0])
    return tuple(int(axis) for axis in order), tuple(int(to_ras[axis, 1]) for axis in order)


def _value_dtype(image: Any) -> str:
    scaled = (image.dataobj.slope, image.dataobj.inter) not in ((1.0, 0.0), (None, None))
    dtype = image.get_data_dtype().newbyteorder("=")
    return "float32" if scaled or dtype.name not in ("uint8", "uint16", "int16", "int32") else dtype.name
