"""``write_images``: a folder of synthetic images, one file each, and the list of them."""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthaug._check import check_choice, check_same_length
from synthaug._files import make_folder, write_atomically
from synthaug.data.container import known, unwrap
from synthaug.data.headers import MARK
from synthaug.data.images import FORMATS as LAYOUTS
from synthaug.data.images import read_axes, unflatten
from synthaug.data.readers.intensity import Intensity
from synthaug.data.writers.levels import Levels, levels_of
from synthaug.data.writers.pictures import png, tiff
from synthaug.errors import ConfigError, FileError, LabelError, ShapeError

LIST, ARRAYS = "synthetic.csv", "synthetic.npz"
Encode = Callable[[np.ndarray, int, str], bytes]


@dataclass(frozen=True)
class Images:
    """Synthetic images to write.

    Attributes
    ----------
    values
        Images (n, h, w) or (n, h, w, 3), in the values of the files that were learned from.
    labels
        The label of each (n,); None without.
    intensity
        What a pixel was taken to mean when they were learned; None where nobody said.
    """

    values: np.ndarray
    labels: np.ndarray | None
    intensity: Intensity | None


def write_images(
    folder: str | Path,
    X: Any,
    y: Any = None,
    *,
    format: str = "png",
    intensity: Intensity | None = None,
    image_shape: tuple[int, ...] | None = None,
    image_format: str = "auto",
) -> Path:
    """Write synthetic images, each marked as one, and return the file that lists them.

    Parameters
    ----------
    folder
        A new or empty folder: synthetic files are not put among others. Each class gets a folder in it.
    X, y
        Images as ``SyntheticAugmenter.sample`` returns them, (n, h, w), (n, h, w, c) or (n, c, h, w) of one or three
        channels, or flat with ``image_shape``; and their labels (n,), or None.
    format
        ``png`` or ``tiff`` (8 or 16 bits, as the values need), ``dicom`` (secondary capture; needs pydicom) or ``npz``
        (one file, which is returned itself).
    intensity
        What ``read_images`` recorded of the images that were learned from: its scaling is undone, so that values are
        those of the scanner again.
    image_shape, image_format
        As in ``SyntheticAugmenter``.

    Returns
    -------
    ``synthetic.csv`` in the folder, with columns ``path``, ``label`` and ``synthetic``: a manifest for ``read_images``.

    Raises
    ------
    LabelError
        If a label is empty or missing.
    ShapeError
        If these are no images that the format can hold, or a pixel is not finite.
    ConfigError
        If the format is unknown, or needs a package that is not installed.
    FileError
        If the folder holds something, or cannot be written to.

    Examples
    --------
    >>> import tempfile, numpy as np, pandas as pd
    >>> from synthaug import write_images
    >>> path = write_images(tempfile.mkdtemp(), np.zeros((2, 8, 8), dtype=np.uint16), ["ill", "well"])
    >>> pd.read_csv(path).values.tolist()
    [['ill/synthetic-000001.png', 'ill', True], ['well/synthetic-000002.png', 'well', True]]
    """
    write = FORMATS[check_format(format)]
    pixels = _pictures(X, image_shape, check_choice("image_format", image_format, LAYOUTS))
    labels = None if y is None else _labels(pixels, y)
    values = pixels if intensity is None else intensity.undo(pixels)
    return write(_new_folder(folder), Images(values, labels, intensity))


def check_format(format: str) -> str:
    """Return the name of a format of images, or raise ConfigError if it is unknown or its package is not installed."""
    check_choice("format", format, list(FORMATS))
    if format == "dicom":
        _dicom()
    return format


def _new_folder(folder: str | Path) -> Path:
    path = Path(folder)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        what = f"holds {sum(1 for _ in path.iterdir())} files or folders" if path.is_dir() else "is a file"
        raise FileError(
            f"folder must be new or empty, so that synthetic images stand apart; '{path}' {what}. Choose another one."
        )
    return make_folder(path)


def _pictures(X: Any, image_shape: tuple[int, ...] | None, image_format: str) -> np.ndarray:
    """Return images as (n, h, w) or (n, h, w, 3)."""
    plain = unflatten(np.asarray(unwrap(known(X))[0]), image_shape)
    if plain.ndim not in (3, 4) or 0 in plain.shape:
        raise ShapeError(
            f"images must have shape (n, h, w), (n, h, w, c) or (n, c, h, w), at least one; got {plain.shape}. Flat "
            "rows need image_shape; tables go into a .csv or .parquet file."
        )
    ordered = plain.transpose(0, 2, 3, 1) if read_axes(plain.shape[1:], image_format) == "chw" else plain
    grey = ordered[..., 0] if ordered.ndim == 4 and ordered.shape[-1] == 1 else ordered
    if grey.ndim == 4 and grey.shape[-1] != 3:
        raise ShapeError(
            f"images must have one or three channels to be written; got {grey.shape[-1]}. Write some apart."
        )
    return grey


def _labels(pixels: np.ndarray, y: Any) -> np.ndarray:
    check_same_length(pixels, y)
    labels = np.array(y, dtype=object) if isinstance(y, list | tuple) else np.asarray(unwrap(known(y))[0])
    _check_named(labels)
    return np.asarray(labels.tolist()) if labels.dtype == object else labels


def _check_named(labels: np.ndarray) -> None:
    empty = np.flatnonzero(pd.isna(labels) | (labels.astype(str) == ""))
    if len(empty):
        raise LabelError(
            f"labels must not be empty; got {len(empty)} that are, the first of image {empty[0]}. Name the class, or "
            "leave y out."
        )


def _write_each(folder: Path, images: Images, *, ending: str, encoder: Callable[[Images], Encode]) -> Path:
    """Write a file an image, each class in a folder of its own, and list them."""
    encode, paths = encoder(images), _paths(images, ending)
    for number, (path, values) in enumerate(zip(paths, images.values, strict=True)):
        content = encode(values, number + 1, _words(images, number))
        make_folder((folder / path).parent)
        write_atomically(folder / path, content)
    listed = pd.DataFrame({"path": paths, "label": "" if images.labels is None else images.labels, "synthetic": True})
    write_atomically(folder / LIST, listed.to_csv(index=False).encode())
    return folder / LIST


def _write_arrays(folder: Path, images: Images) -> Path:
    """Write one file of arrays: x, y, and the mark."""
    labels = {} if images.labels is None else {"y": images.labels}
    buffer, marks = io.BytesIO(), np.ones(len(images.values), dtype=bool)
    np.savez_compressed(buffer, allow_pickle=False, x=images.values, **labels, synthetic=marks, notice=np.array(MARK))
    write_atomically(folder / ARRAYS, buffer.getvalue())
    return folder / ARRAYS


def _picture_encoder(images: Images, *, encode: Callable[[np.ndarray, Levels, str], bytes]) -> Encode:
    levels = levels_of(images.values, signed=False)
    return lambda values, number, words: encode(levels.store(values), levels, words)


def _dicom_encoder(images: Images) -> Encode:
    levels, module = levels_of(images.values, signed=True), _dicom()
    told = images.intensity
    window = None if told is None or told.kind == "none" else (told.low, told.high)
    series = module.Series(levels, window, "" if told is None else told.unit)
    return lambda values, number, words: module.secondary_capture(
        levels.store(values), series, number=number, words=words
    )


def _dicom() -> Any:
    try:
        return import_module("synthaug.data.writers.secondary_capture")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"format='dicom' needs the package {error.name}. Install it: pip install synthaug[medical]."
        ) from error


def _paths(images: Images, ending: str) -> list[str]:
    names = [f"synthetic-{number + 1:06d}{ending}" for number in range(len(images.values))]
    if images.labels is None:
        return names
    folders = _class_folders(dict.fromkeys(images.labels.tolist()))
    return [f"{folders[label]}/{name}" for label, name in zip(images.labels.tolist(), names, strict=True)]


def _class_folders(labels: Iterable[Any]) -> dict[Any, str]:
    """Return a folder's name for each label: the label, if it can be one and no other's looks the same."""
    safe = {label: re.sub(r"[^\w.-]+", "_", str(label)).strip("._") for label in labels}
    clear = len({name.casefold() for name in safe.values()} - {""}) == len(safe)
    return safe if clear else {label: f"class-{number}" for number, label in enumerate(safe)}


def _words(images: Images, number: int) -> str:
    return "class not said" if images.labels is None else f"class {images.labels[number]}"


FORMATS: dict[str, Callable[[Path, Images], Path]] = {
    "png": partial(_write_each, ending=".png", encoder=partial(_picture_encoder, encode=png)),
    "tiff": partial(_write_each, ending=".tif", encoder=partial(_picture_encoder, encode=tiff)),
    "npz": _write_arrays,
    "dicom": partial(_write_each, ending=".dcm", encoder=_dicom_encoder),
}
