"""Images in one ``.npz`` file, MedMNIST's or others', unpacked image by image.

Pairs of arrays that are known: ``x`` and ``y``, and for splits ``x_train`` and ``y_train`` or MedMNIST's
``train_images`` and ``train_labels``, with ``val`` and ``test`` beside ``train``; ``groups``, ``groups_train`` or
``train_groups`` go with them.
"""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from synthaug.data.headers import MARK
from synthaug.data.readers.records import Header, ImageOptions
from synthaug.errors import FileError

DAMAGED = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, MemoryError)
_SPLITS = ("train", "val", "test")
_FORMS = (("{}_images", "{}_labels", "{}_groups"), ("x_{}", "y_{}", "groups_{}"), ("X_{}", "y_{}", "groups_{}"))
_WHOLE = (("x", "y", "groups"), ("X", "y", "groups"), ("images", "labels", "groups"))
_CHANNELS = (1, 3)
_NOTICE = 4096  # bytes


@dataclass(frozen=True)
class Part:
    """The arrays of one split: the names of images, labels and groups, and the split ("" where there is but one)."""

    images: str
    labels: str
    groups: str
    split: str


def look(path: Path, options: ImageOptions) -> Header:
    """Return what the arrays' headers say; no image is unpacked.

    Raises
    ------
    FileError
        If the arrays hold no images, or unlike ones.
    DAMAGED
        If it is no such file.
    """
    with zipfile.ZipFile(path) as file:
        found = [_form(file, part.images) for part in parts_of(path)]
        synthetic = _is_marked(file)
    if len({(shape[1:], dtype) for shape, dtype in found}) > 1:
        raise FileError(f"its arrays of images must be alike; they are {found}")
    shape, dtype = found[0]
    n_images = sum(int(shape[0]) for shape, _ in found)
    return Header(
        size=(int(shape[1]), int(shape[2])),
        channels=int(shape[3]) if len(shape) == 4 else 1,
        n_frames=n_images,
        value_dtype=dtype.name if dtype.name in ("uint8", "uint16", "int16", "int32") else "float32",
        source="array",
        synthetic=synthetic,
    )


def frames(path: Path, header: Header, options: ImageOptions) -> Iterator[np.ndarray]:
    """Yield the images (h, w) or (h, w, 3) of all splits, one after the other."""
    with zipfile.ZipFile(path) as file:
        for part in parts_of(path):
            with file.open(f"{part.images}.npy") as stream:
                (n, *shape), dtype = _array_header(stream)
                for _ in range(n):
                    image = np.frombuffer(_whole(stream, int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape)
                    yield image[..., 0] if shape[2:] == [1] else image


def parts_of(path: Path) -> list[Part]:
    """Return the splits that a file holds.

    Raises
    ------
    FileError
        If it holds no images under a known name.
    """
    with zipfile.ZipFile(path) as file:
        held = {name.removesuffix(".npy") for name in file.namelist()}
    for form in _FORMS:
        found = [_part(form, split) for split in _SPLITS]
        if any(part.images in held for part in found):
            return [part for part in found if part.images in held]
    whole = next((words for words in _WHOLE if words[0] in held), None)
    if whole is None:
        raise FileError(f"it must hold the arrays x and y, or train_images and train_labels; it holds {sorted(held)}")
    return [_part(whole, "")]


def _part(form: tuple[str, str, str], split: str) -> Part:
    images, labels, groups = (word.format(split) for word in form)
    return Part(images, labels, groups, split)


def read_labels(path: Path, label: str | None) -> dict[str, np.ndarray | None]:
    """Return ``label``, ``groups`` and ``split`` of all images of a file, each (n,), None where there are none.

    Parameters
    ----------
    path
        The file.
    label
        The array of labels, ``label`` for the usual ones, None for none.

    Raises
    ------
    FileError
        If the labels are missing or not one an image.
    """
    parts = parts_of(path)
    with np.load(path, allow_pickle=False) as file, zipfile.ZipFile(path) as archive:
        n_images = [int(_form(archive, part.images)[0][0]) for part in parts]
        names = [part.labels if label in (None, "label") else str(label) for part in parts]
        return {
            "label": None if label is None else _joined(path, file, names, n_images),
            "groups": _joined(path, file, [part.groups for part in parts], n_images)
            if all(part.groups in file.files for part in parts)
            else None,
            "split": np.repeat([part.split for part in parts], n_images) if parts[0].split else None,
        }


def _joined(path: Path, file: Any, names: list[str], n_images: list[int]) -> np.ndarray:
    arrays = []
    for name, n in zip(names, n_images, strict=True):
        if name not in file.files:
            raise FileError(
                f"'{path}' must hold the array {name}; it holds {', '.join(file.files)}. Name it: label=..."
            )
        try:
            array = file[name]
        except DAMAGED as error:
            raise FileError(
                f"array {name} of '{path}' must hold plain numbers or words; it cannot be read ({error}). Save it "
                "anew: y.astype(str)."
            ) from error
        flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
        if flat.shape != (n,):
            raise FileError(f"array {name} of '{path}' must hold one entry an image, ({n},); got shape {array.shape}.")
        arrays.append(flat)
    return np.concatenate(arrays)


def _form(file: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype]:
    with file.open(f"{name}.npy") as stream:
        shape, dtype = _array_header(stream)
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in _CHANNELS) or dtype.kind not in "uif":
        raise FileError(f"array {name} must hold images (n, h, w) or (n, h, w, 3); it is {shape} of {dtype}")
    return shape, dtype


def _is_marked(file: zipfile.ZipFile) -> bool:
    """Return whether a file carries the words that ``write_images`` puts into it."""
    if "notice.npy" not in file.namelist():
        return False
    with file.open("notice.npy") as stream:
        return MARK.encode("utf-32-le") in stream.read(_NOTICE)


def _array_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    major, _ = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(stream)
    if by_columns and len(shape) > 1:
        raise FileError("its arrays run column by column. Save them anew: np.ascontiguousarray(x)")
    return shape, dtype


def _whole(stream: IO[bytes], n_bytes: int) -> bytes:
    content = stream.read(n_bytes)
    if len(content) < n_bytes:
        raise FileError("it ends before its images do")
    return content
