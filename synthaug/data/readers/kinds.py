"""Which reader a file's ending asks for; the readers of DICOM and NIfTI are imported when the first such file comes."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from synthaug.data.readers.records import Header, ImageOptions
from synthaug.errors import ConfigError


class Reader(Protocol):
    """What a module that reads one kind of file offers."""

    DAMAGED: tuple[type[BaseException], ...]

    def look(self, path: Path, options: ImageOptions) -> Header:
        """Return what the file's header says."""
        ...

    def frames(self, path: Path, header: Header, options: ImageOptions) -> Iterator[np.ndarray]:
        """Yield its images, one after the other, in the values of the file."""
        ...


def kind_of(path: Path) -> str | None:
    """Return the module that reads files of this ending; None if none does. Files without one are tried as DICOM."""
    name = path.name.lower()
    found = next((kind for ending, kind in ENDINGS.items() if name.endswith(ending)), None)
    nameless = not path.suffix or path.suffix[1:].isdigit()  # scanners number their files: 1.2.840.113619
    return "dicom" if found is None and nameless else found


def reader_of(path: Path) -> Reader:
    """Return the module that reads a file.

    Raises
    ------
    ConfigError
        If it needs a package that is not installed.
    """
    kind = kind_of(path)
    assert kind is not None
    try:
        module: Any = import_module(f"synthaug.data.readers.{kind}")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"files like '{path.name}' need the package {error.name}. Install it: pip install synthaug[medical]."
        ) from error
    return module


ENDINGS = {
    ".npz": "array_file",
    ".png": "pictures",
    ".jpg": "pictures",
    ".jpeg": "pictures",
    ".tif": "pictures",
    ".tiff": "pictures",
    ".nii": "nifti",
    ".nii.gz": "nifti",
    ".dcm": "dicom",
    ".dicom": "dicom",
    ".ima": "dicom",
}
