"""Which files are to be read, with what label, patient and split: from folders, or from the lines of a manifest.

A file is read only if it lies under the root, is no link and is a regular file: a manifest from elsewhere cannot make
anyone read ``/etc/passwd``, a link back up cannot make it endless, a pipe cannot make it wait.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthaug.data.readers.kinds import kind_of
from synthaug.data.readers.table_files import read_manifest
from synthaug.errors import ConfigError

PATH, PATIENT, SPLIT = "path", "patient", "split"
_LEFT_BY_SYSTEMS = {"thumbs.db", "desktop.ini", "dicomdir"}
_SPLITS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing", "holdout"}


@dataclass(frozen=True)
class Entry:
    """A file to read.

    Attributes
    ----------
    name
        Its path relative to the root, with ``/``.
    path
        Where it is.
    label, patient, split
        What its line in the manifest says, or the folder it is in (of the label); None for nothing.
    folder
        The folder inside that of the class, if it is in one: taken for the patient's where nothing else tells.
    """

    name: str
    path: Path
    label: Any = None
    patient: str | None = None
    split: str | None = None
    folder: str | None = None


@dataclass(frozen=True)
class Listing:
    """The files found, and those left out.

    Attributes
    ----------
    entries
        Files to read, in the order of the folder's names or of the manifest's lines.
    refused
        ``(name, reason)`` of files that should have been read and cannot be.
    passed_over
        ``(name, reason)`` of files that are none of the data: hidden files, what systems leave in folders.
    """

    entries: list[Entry] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)


def list_folder(root: Path, *, labelled: bool) -> Listing:
    """Return the files under a root; the first folder below it is the label, the next one the patient.

    Raises
    ------
    ConfigError
        If the folders are called like splits: their names would be learned as classes.
    """
    found = Listing()
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        parts = name.split("/")
        if _left_by_a_system(parts):
            found.passed_over.append((name, "is hidden or left by the operating system"))
            continue
        reason = _why_not(path, root) or _why_no_image(path)
        if reason is None and labelled and len(parts) == 1:
            reason = "has no label: put it into a folder called like its class, or give a manifest"
        if reason:
            found.refused.append((name, reason))
            continue
        inner = parts[1:-1] if labelled else parts[:-1]
        found.entries.append(Entry(name, path, parts[0] if labelled else None, folder=inner[0] if inner else None))
    if labelled:
        _check_classes(root, found.entries)
    return found


def _check_classes(root: Path, entries: list[Entry]) -> None:
    named = sorted({str(entry.label) for entry in entries})
    if named and {name.casefold() for name in named} <= _SPLITS:
        raise ConfigError(
            f"path must hold a folder for each class; '{root}' holds {' and '.join(named)}, which are splits. Read one "
            "of them by its own path, or all by a manifest with the columns path, label and split."
        )


def list_manifest(root: Path, manifest: Path, label: str | None) -> Listing:
    """Return the files that a manifest's lines name, and refuse those under the root that no line names.

    Raises
    ------
    FileError
        If the manifest cannot be read.
    ConfigError
        If a column is missing.
    """
    table = read_manifest(manifest, words=(PATH, PATIENT, SPLIT), label=label)
    _check_columns(table, manifest, label)
    found, seen = Listing(), set[str]()
    for line in table.to_dict("records"):
        entry = _entry(root, line, label)
        reason = _why_not_this_line(entry, root, seen, labelled=label is not None)
        seen.add(entry.name)
        if reason:
            found.refused.append((entry.name, reason))
        else:
            found.entries.append(entry)
    _refuse_unnamed(root, manifest, seen, found)
    return found


def labels_of(entries: list[Entry]) -> np.ndarray:
    """Return the labels of entries (n,), numbers as numbers and words as words."""
    labels = [entry.label.item() if isinstance(entry.label, np.generic) else entry.label for entry in entries]
    if len({type(label) for label in labels}) > 1:
        labels = [str(label) for label in labels]
    return np.asarray(labels)


def _walk(root: Path) -> Iterator[Path]:
    """Yield what is in a folder that is no folder itself, links included and not followed, in the order of names."""
    for folder, folders, files in os.walk(root, followlinks=False):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = sorted(set(folders) - set(links))
        for name in sorted([*files, *links]):
            yield Path(folder) / name


def is_hidden(parts: Sequence[str]) -> bool:
    """Return whether a path, by its parts below the root, is one that readers pass over."""
    return any(part.startswith(".") for part in parts)


def _left_by_a_system(parts: list[str]) -> bool:
    return is_hidden(parts) or parts[-1].lower() in _LEFT_BY_SYSTEMS


def _why_not(path: Path, root: Path) -> str | None:
    """Return why a path under a root may not be read; None if it may."""
    try:
        if _has_link(path, root):
            return "is a link, or in a folder that is one: put the file itself there"
        mode = path.lstat()
    except OSError as error:
        return f"is not there ({error.strerror})"
    if not stat.S_ISREG(mode.st_mode):
        return "is no file"
    if mode.st_size == 0:
        return "is empty (0 bytes)"
    return None if os.access(path, os.R_OK) else "may not be read: change its permissions"


def _has_link(path: Path, root: Path) -> bool:
    return any(part.is_symlink() for part in (path, *path.parents) if part != root and root in part.parents)


def _why_no_image(path: Path) -> str | None:
    kind = kind_of(path)
    if kind == "array_file":
        return "holds many images: read it by itself"
    return None if kind else f"is no image: {path.suffix} is not among the endings that are read"


def _check_columns(table: pd.DataFrame, manifest: Path, label: str | None) -> None:
    missing = [name for name in (PATH, *([label] if label else [])) if name not in table.columns]
    if missing:
        raise ConfigError(
            f"manifest must have the columns {PATH} and {label}; got '{manifest}' with "
            f"{', '.join(map(str, table.columns[:12]))}. Rename its columns, or say label='...'."
        )


def _entry(root: Path, line: dict[Any, Any], label: str | None) -> Entry:
    cells = {name: line.get(name) for name in (PATH, PATIENT, SPLIT, label)}
    said = {name: None if pd.isna(cell) or cell == "" else cell for name, cell in cells.items()}
    name = "" if said[PATH] is None else os.path.normpath(str(said[PATH]).replace("\\", "/"))
    path = root / name
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else name
    patient, split = (None if said[column] is None else str(said[column]) for column in (PATIENT, SPLIT))
    return Entry(name, path, said[label] if label else None, patient, split)


def _why_not_this_line(entry: Entry, root: Path, seen: set[str], *, labelled: bool) -> str | None:
    if not entry.name or entry.name == ".":
        return "has no path in the manifest"
    if entry.name.startswith("..") or not entry.path.is_relative_to(root):
        return "leaves the folder of the data: name files below it"
    if entry.name in seen:
        return "has two lines in the manifest: keep one"
    if labelled and entry.label is None:
        return "has no label in the manifest"
    return _why_not(entry.path, root) or _why_no_image(entry.path)


def _refuse_unnamed(root: Path, manifest: Path, named: set[str], found: Listing) -> None:
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if name in named or path == manifest:
            continue
        if _left_by_a_system(name.split("/")):
            found.passed_over.append((name, "is hidden or left by the operating system"))
        else:
            found.refused.append((name, "has no line in the manifest"))
