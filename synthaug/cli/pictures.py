"""Folders of images: read for ``fit``, written by ``sample``, with what their pixels mean kept beside the learner."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthaug.errors import ConfigError, FileError

if TYPE_CHECKING:
    from synthaug.augment.augmenter import SyntheticAugmenter
    from synthaug.data.readers import ImageRows
    from synthaug.data.readers.intensity import Intensity

INTENSITY = "intensity.json"
Format = Annotated[
    str | None,
    typer.Option("--format", help="Write images, a file each, into the folder --out: png, tiff or dicom; or npz."),
]
Size = Annotated[int | None, typer.Option("--size", help="Resize the images of a folder to this many pixels.", min=8)]
OnError = Annotated[
    str,
    typer.Option("--on-error", help="What an unreadable image of a folder does: raise, or skip (left out and told)."),
]


def read_folder(folder: str, size: int | None, on_error: str) -> "ImageRows":
    """Return the images of a folder with a folder for each class.

    Raises
    ------
    FileError, ShapeError, ConfigError
        If they cannot be read.
    """
    from synthaug.data.readers import read_images

    return read_images(folder, size=size, on_error=on_error)


def keep_intensity(model: Path, intensity: "Intensity | None") -> None:
    """Write beside a learner what the pixels it learned mean; what an earlier one left is removed."""
    from synthaug._files import write_atomically

    (model / INTENSITY).unlink(missing_ok=True)
    if intensity is not None:
        write_atomically(model / INTENSITY, json.dumps(intensity.to_dict()).encode())


def write_drawn(out: Path, X: Any, y: Any, *, augmenter: "SyntheticAugmenter", model: Path, format: str) -> Path:
    """Write drawn images into a folder and return the file that lists them.

    Raises
    ------
    ConfigError
        If the learner draws no images.
    FileError
        If the folder holds something, cannot be written to, or what is kept beside the learner is damaged.
    """
    from synthaug.data.images import ImageCodec
    from synthaug.data.writers import write_images

    codec = augmenter.codec_
    if not isinstance(codec, ImageCodec):
        raise ConfigError(f"--format is for images; '{model}' draws rows of a table. Leave it out: --out rows.csv.")
    layout = "auto" if codec.axes == "hw" else "channels_first" if codec.axes == "chw" else "channels_last"
    shape = codec.image_row_shape if codec.flat else None
    intensity = _intensity(model)
    return write_images(out, X, y, format=format, intensity=intensity, image_shape=shape, image_format=layout)


def _intensity(model: Path) -> "Intensity | None":
    from synthaug.data.readers.intensity import Intensity

    path = model / INTENSITY
    if not path.exists():
        return None
    try:
        return Intensity.from_dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise FileError(f"'{path}' must be what fit wrote; it is damaged ({error}). Fit again.") from error
