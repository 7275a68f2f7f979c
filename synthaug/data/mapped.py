"""Training rows that lie in a file instead of in memory: for images that came memory-mapped and are many.

The system keeps of them what fits, and reads the rest when it is asked for. The file has no name from the moment it is
mapped, so that it goes with its tensor, whatever happens to the process.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthaug.errors import FileError

FEWEST_BYTES = 128 << 20  # of float32 rows: fewer are held in memory
_AT_ONCE = 4 << 20  # bytes that are copied at a time


def file_of(rows: Any) -> Path | None:
    """Return the file that an array's numbers lie in; None where they lie in memory."""
    while rows is not None and not isinstance(rows, np.memmap):
        rows = getattr(rows, "base", None)
    return None if rows is None or rows.filename is None else Path(str(rows.filename))


def is_mapped(x: Tensor) -> bool:
    """Return whether a tensor's numbers lie in a file."""
    return x.untyped_storage().filename is not None


def encode_mapped(codec: Any, rows: np.ndarray, numbers: np.ndarray) -> Tensor | None:
    """Return the rows of these numbers as a learner takes them, in a file; None where they are few or not in one.

    Parameters
    ----------
    codec
        An ``ImageCodec``.
    rows
        Images (n, ...).
    numbers
        Which of them, shape (m,).

    Returns
    -------
    Samples (m, c, h, w), float32; the same numbers as ``codec.encode`` gives.

    Raises
    ------
    FileError
        If the disk has no room.
    """
    source, shape = file_of(rows), (len(numbers), *codec.shape)
    if source is None or 4 * int(np.prod(shape)) < FEWEST_BYTES:
        return None
    encoded = _empty(shape, source.parent)
    for part in _parts(encoded):
        encoded[part] = codec.encode(rows[numbers[part]])
    return encoded


def take_rows(x: Tensor, numbers: Tensor) -> Tensor:
    """Return the rows of these numbers (m,), in a file if ``x`` lies in one, else in memory."""
    if not is_mapped(x):
        return x[numbers]
    taken = _empty((len(numbers), *x.shape[1:]), Path(str(x.untyped_storage().filename)).parent)
    for part in _parts(taken):
        taken[part] = x[numbers[part]]
    return taken


def _empty(shape: tuple[int, ...], folder: Path) -> Tensor:
    """Return a tensor, float32, in a file without a name in a folder, or in the system's if that is not writable."""
    n_bytes = 4 * int(np.prod(shape))
    place = folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    try:
        with tempfile.NamedTemporaryFile(prefix=".synthaug-", dir=place) as file:
            _reserve(file.fileno(), n_bytes)
            flat = torch.from_file(file.name, shared=True, size=n_bytes // 4, dtype=torch.float32)
    except OSError as error:
        raise FileError(
            f"training rows larger than memory must have {n_bytes / 2**20:,.0f} MiB of room on a disk; got '{place}' "
            f"({error.strerror}). Free room, or learn from fewer or smaller images."
        ) from error
    return flat.reshape(shape)


def _reserve(file: int, n_bytes: int) -> None:
    """Take room on the disk now: of a map without it, a write would kill the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, n_bytes)
    else:
        os.truncate(file, n_bytes)


def _parts(x: Tensor) -> list[slice]:
    size = max(1, _AT_ONCE // (4 * max(1, x[0].numel())))
    return [slice(start, start + size) for start in range(0, len(x), size)]
