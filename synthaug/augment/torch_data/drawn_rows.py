"""Synthetic rows by index: pre-drawn into a memory-mapped file, or drawn when they are asked for."""

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from synthaug._files import make_folder, write_atomically
from synthaug._seed import derive
from synthaug._version import __version__
from synthaug.augment.drawing import CHUNK
from synthaug.data.constraints import constraint_facts
from synthaug.errors import FileError, ShapeError

Counts = Mapping[Any, int]
_BLOCKS_KEPT = 64


class DrawnRows(Protocol):
    """Rows by index, the same whoever asks and in whatever order."""

    def take(self, indices: Sequence[int]) -> np.ndarray:
        """Return these rows as a new array of shape (len(indices), ...)."""


class CachedRows:
    """Rows drawn once into a ``.npy`` file that worker processes map into memory rather than copy.

    Parameters
    ----------
    augmenter
        Where rows come from; it is not kept.
    counts
        How many rows of each class; rows lie in this order.
    seed
        Seed of the draw.
    cache_dir
        Folder that keeps the rows for the next time: their file is named by the learned weights, the counts and
        the seed, so that another learner, count or seed never meets them, and a damaged file is drawn anew. None: a
        temporary folder that goes when this object goes.

    Raises
    ------
    FileError
        If the folder cannot be written to, or the disk is full.
    """

    def __init__(self, augmenter: Any, counts: Counts, seed: int, cache_dir: str | Path | None = None) -> None:
        folder = Path(tempfile.mkdtemp(prefix="synthaug-")) if cache_dir is None else make_folder(cache_dir)
        if cache_dir is None:
            weakref.finalize(self, _remove, folder, os.getpid())
        self.path = folder / f"rows-{row_key(augmenter, counts, seed)}.npy"
        if not _is_whole(self.path):
            _write(self.path, draw(augmenter, counts, seed))
        self._rows = _open(self.path)

    def take(self, indices: Sequence[int]) -> np.ndarray:
        """Return these rows as a new array of shape (len(indices), ...)."""
        return self._rows[list(indices)]

    def __getstate__(self) -> dict[str, Any]:
        """Return the path alone: the receiving process maps the same file."""
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Map the file.

        Raises
        ------
        FileError
            If it is gone, as a temporary one is once the object that drew it is.
        """
        self.path = state["path"]
        self._rows = _open(self.path)


class LazyRows:
    """Rows drawn when they are asked for: in blocks of one class, each block under a seed of its own.

    The latest blocks stay in memory, nothing goes to disk. A learner on a GPU needs worker processes that are started
    with ``spawn``.

    Parameters
    ----------
    augmenter
        Where rows come from.
    counts
        How many rows of each class; rows lie in this order.
    seed
        With a block's class and number, the seed of its draw.
    """

    def __init__(self, augmenter: Any, counts: Counts, seed: int) -> None:
        self.augmenter = augmenter
        self.seed = seed
        self._labels = list(counts)
        self._ends = np.cumsum(list(counts.values()), dtype=np.int64)
        self._blocks: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()

    def take(self, indices: Sequence[int]) -> np.ndarray:
        """Return these rows as a new array of shape (len(indices), ...)."""
        return np.stack([self._row(index) for index in indices])

    def _row(self, index: int) -> np.ndarray:
        place = int(np.searchsorted(self._ends, index, side="right"))
        first = int(self._ends[place - 1]) if place else 0
        number, offset = divmod(index - first, CHUNK)
        return self._block(place, number)[offset]

    def _block(self, place: int, number: int) -> np.ndarray:
        if (place, number) not in self._blocks:
            seed = derive(self.seed, "block", place, number)
            self._blocks[place, number] = draw(self.augmenter, {self._labels[place]: CHUNK}, seed)
        self._blocks.move_to_end((place, number))
        if len(self._blocks) > _BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return self._blocks[place, number]

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the blocks in memory, which another process draws for itself."""
        return {**self.__dict__, "_blocks": OrderedDict()}


def draw(augmenter: Any, counts: Counts, seed: int) -> np.ndarray:
    """Return drawn rows as an array of shape (n, ...), class by class in the order of ``counts``.

    Raises
    ------
    ShapeError
        If the augmenter learned a table with columns that are not numbers.
    """
    X, y = augmenter.sample(dict(counts), random_state=seed)
    rows, labels = _as_array(X), np.asarray(y)
    if rows.dtype == object:
        raise ShapeError(
            "a torch Dataset must hold rows of numbers; got a table with other columns. Encode its categories first."
        )
    parts = [rows[labels == label] for label in counts]
    return np.concatenate(parts) if parts else rows


def row_key(augmenter: Any, counts: Counts, seed: int) -> str:
    """Return the name of what would be drawn: a hash of the learned state, the formats, the counts and the seed."""
    labels = [(str(label), int(n)) for label, n in counts.items()]
    facts = [__version__, torch.__version__, repr(augmenter.codec_), repr(augmenter.labels_), labels, seed]
    facts += _rules(augmenter)
    digest = hashlib.sha256(repr(facts).encode())
    for part in (augmenter.generator_, augmenter.selector_) if any(counts.values()) else ():
        _add_state(digest, part)
    return digest.hexdigest()[:24]


def _rules(augmenter: Any) -> list[Any]:
    """Return what tells constraints apart; a function's inside is not known, so it is always another one."""
    found = constraint_facts(augmenter.constraints)
    return found + [secrets.token_hex() for fact in found if "function" in fact]


def _add_state(digest: Any, part: Any) -> None:
    tensors, facts = part.state()
    digest.update(repr((sorted(tensors), facts)).encode())
    for name in sorted(tensors):
        flat = tensors[name].detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy())


def _as_array(X: Any) -> np.ndarray:
    if isinstance(X, torch.Tensor):
        return X.detach().cpu().numpy()
    return X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)


def _write(path: Path, rows: np.ndarray) -> None:
    content = BytesIO()
    np.save(content, rows, allow_pickle=False)
    write_atomically(path, content.getvalue())
    seal = {"bytes": len(content.getvalue()), "crc32": zlib.crc32(content.getvalue())}
    write_atomically(path.with_suffix(".json"), json.dumps(seal).encode())


def _is_whole(path: Path) -> bool:
    try:
        seal = json.loads(path.with_suffix(".json").read_bytes())
        content = path.read_bytes()
    except (OSError, ValueError):
        return False
    return bool(seal == {"bytes": len(content), "crc32": zlib.crc32(content)})


def _open(path: Path) -> np.ndarray:
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError) as error:
        raise FileError(
            f"synthetic rows must lie in '{path}'; it cannot be read ({error}). A temporary cache goes with the "
            "dataset that drew it: give SyntheticDataset a cache_dir to keep the rows."
        ) from error


def _remove(folder: Path, owner: int) -> None:
    # A forked worker inherits this call; only the process that made the folder may remove it.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
