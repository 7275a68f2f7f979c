"""Decoded images on the disk: written once, one after the other, and mapped into memory from then on.

A cache is a folder of its own, called by a hash of the files' contents, names and the way they are read. It holds the
pixels as they are (``rows.bin``), what is known of each row (``rows.npz``), the rest (``rows.json``) and the list of
what was left out (``skipped.csv``). It appears under its name when it is whole. Only its owner may read it: it holds
patients' images.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from synthaug._files import make_folder, write_atomically
from synthaug.data.readers.intensity import Intensity
from synthaug.data.readers.listing import Entry
from synthaug.data.readers.records import ImageOptions
from synthaug.errors import FileError

_VERSION = 4
_PIXELS, _ROWS, _FACTS, SKIPPED = "rows.bin", "rows.npz", "rows.json", "skipped.csv"
_SPARE = 64 << 20  # bytes of the disk that stay free


@dataclass(frozen=True, eq=False)
class Decoded:
    """What became of the files that were to be read.

    Attributes
    ----------
    pixels
        Images (n, h, w) or (n, h, w, c), mapped read-only.
    entry, frame
        The number of each row's file among the entries, and which of its images it is (n,), int64.
    spacing, original_size
        Of each row (n, 2).
    patient
        A number for each row's patient (n,), int64; below -1 where its header names a study only, -1 for nothing.
    volume
        Whether each row is one of a volume or film (n,), bool.
    intensity
        What a pixel means.
    refused, passed_over
        ``(name, reason)`` of files that could not be read, and of blank slices.
    identity
        How many files hold each of the header tags that may tell who a patient is.
    n_synthetic
        How many files are marked as synthetic.
    """

    pixels: np.ndarray
    entry: np.ndarray
    frame: np.ndarray
    spacing: np.ndarray
    original_size: np.ndarray
    patient: np.ndarray
    volume: np.ndarray
    intensity: Intensity
    refused: list[tuple[str, str]]
    passed_over: list[tuple[str, str]]
    identity: dict[str, int]
    n_synthetic: int


def default_folder() -> Path:
    """Return the folder of the user's caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "synthaug" / "images"


def content_key(entries: Iterable[Entry], options: ImageOptions) -> str:
    """Return a hash of files' names and contents and of how they are read, 32 hexadecimal digits."""
    key = hashlib.blake2b(repr((_VERSION, asdict(options))).encode(), digest_size=16)
    for entry in entries:
        with entry.path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        key.update(repr((entry.name, content)).encode())
    return key.hexdigest()


class CacheWriter:
    """Rows going into a new cache; ``with`` it, and it is there when the block ends well, and gone when it does not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_rows = 0
        self._part = folder
        self._pixels: BinaryIO
        self._form: tuple[str, tuple[int, ...]] | None = None

    def __enter__(self) -> "CacheWriter":
        make_folder(self.folder.parent)
        self._part = Path(tempfile.mkdtemp(prefix=f".{self.folder.name}.", dir=self.folder.parent))
        self._pixels = (self._part / _PIXELS).open("wb")
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._pixels.close()
        if kind is not None:
            shutil.rmtree(self._part, ignore_errors=True)

    def add(self, image: np.ndarray) -> None:
        """Write one more image (h, w) or (h, w, c)."""
        self._form = (str(image.dtype), image.shape)
        with _writing(self.folder.parent):
            self._pixels.write(np.ascontiguousarray(image).tobytes())
        self.n_rows += 1

    def forget_after(self, n_rows: int) -> None:
        """Take back all rows but the first ``n_rows``."""
        if self._form is not None:
            dtype, shape = self._form
            self._pixels.seek(n_rows * int(np.prod(shape)) * np.dtype(dtype).itemsize)
            self._pixels.truncate()
        self.n_rows = n_rows

    def finish(self, columns: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        """Write what is known of each row (columns of length ``n_rows``) and of all, and put the cache in its place."""
        dtype, shape = self._form or ("uint8", (0, 0))
        whole = {"version": _VERSION, "dtype": dtype, "shape": [self.n_rows, *shape], **facts}
        with _writing(self.folder.parent):
            self._pixels.close()
            np.savez(self._part / _ROWS, allow_pickle=False, **columns)
            (self._part / _FACTS).write_text(json.dumps(whole))
        _put_in_place(self._part, self.folder)


@contextmanager
def _writing(caches: Path) -> Iterator[None]:
    """Turn an error of the disk into one that says what to do."""
    try:
        yield
    except OSError as error:
        raise FileError(
            f"cache_dir must have room for the decoded images; got '{caches}' ({error.strerror}). Choose a smaller "
            "size, or another folder: cache_dir='...'."
        ) from error


def open_cache(folder: Path) -> Decoded | None:
    """Return a cache; None if it is not there or not whole."""
    try:
        facts = json.loads((folder / _FACTS).read_text())
        with np.load(folder / _ROWS, allow_pickle=False) as held:
            columns = {name: held[name] for name in held.files}
        pixels = _mapped(folder / _PIXELS, facts["dtype"], tuple(facts["shape"]))
        refused, passed_over = (
            [(str(name), str(why)) for name, why in facts[kind]] for kind in ("refused", "passed_over")
        )
        return Decoded(
            pixels=pixels,
            intensity=Intensity.from_dict(facts["intensity"]),
            refused=refused,
            passed_over=passed_over,
            identity=dict(facts["identity"]),
            n_synthetic=int(facts["n_synthetic"]),
            **columns,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_skipped(folder: Path, left_out: list[tuple[str, str]]) -> Path:
    """Write the list of what was left out into a cache and return its path."""
    content = pd.DataFrame(left_out, columns=["path", "reason"]).to_csv(index=False).encode()
    write_atomically(folder / SKIPPED, content)
    return folder / SKIPPED


def check_room(folder: Path, n_bytes: int) -> None:
    """Raise FileError unless the disk of a folder has room for as many bytes."""
    free = shutil.disk_usage(make_folder(folder)).free
    if n_bytes + _SPARE > free:
        raise FileError(
            f"cache_dir must have room for the decoded images, {n_bytes / 2**20:,.0f} MiB; got '{folder}' with "
            f"{free / 2**20:,.0f} MiB free. Choose a smaller size, or another folder: cache_dir='...'."
        )


def _mapped(path: Path, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if shape[0] == 0:
        return np.empty(shape, dtype=dtype)
    if path.stat().st_size != int(np.prod(shape)) * np.dtype(dtype).itemsize:
        raise ValueError("cut off")
    return np.memmap(path, dtype=dtype, mode="r", shape=shape)


def _put_in_place(part: Path, folder: Path) -> None:
    """Rename a finished cache, unless another process was faster; a broken one in its place goes."""
    if folder.exists() and open_cache(folder) is None:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        part.rename(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        if open_cache(folder) is None:
            raise FileError(f"'{folder}' cannot be written ({error.strerror}). Choose another cache_dir.") from error
