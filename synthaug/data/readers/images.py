"""From folders of image files to rows that can be learned from: checked, scaled alike, cached and mapped."""

import sys
import warnings
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthaug._check import check_choice
from synthaug.data.groups import check_named_split
from synthaug.data.headers import warn_of_identities, warn_of_synthetic
from synthaug.data.readers.array_file import read_labels
from synthaug.data.readers.cache import Decoded, content_key, default_folder, open_cache, write_skipped
from synthaug.data.readers.decoding import decode
from synthaug.data.readers.grouping import group_rows
from synthaug.data.readers.kinds import kind_of
from synthaug.data.readers.listing import Entry, Listing, is_hidden, labels_of, list_folder, list_manifest
from synthaug.data.readers.options import Reading, in_short, read_options
from synthaug.data.readers.planning import plan
from synthaug.data.readers.records import ImageOptions, ImageRows
from synthaug.errors import ConfigError, FileError, SkippedFilesWarning

ON_ERROR = ("raise", "skip")
TABLES = (".csv", ".parquet")


def read_images(
    path: str | Path,
    *,
    manifest: str | Path | None = None,
    label: str | None = "label",
    size: int | tuple[int, int] | None = None,
    aspect: str = "pad",
    channels: int | None = None,
    window: Any = "auto",
    spacing: Any = "same",
    axis: int | str = "axial",
    on_error: str = "raise",
    cache_dir: str | Path | None = None,
    max_pixels: int = 1 << 26,
    verbose: bool | None = None,
) -> ImageRows:
    """Return labelled images from files, decoded once into a cache on the disk and mapped from there.

    Parameters
    ----------
    path
        A folder with a folder for each class, in it files or a folder for each patient; with ``manifest``, the folder
        that its paths start from; or a manifest itself, or a ``.npz`` file of MedMNIST's arrays. Read are PNG, JPEG
        and TIFF of 8 and 16 bits (TIFF of 32 bits and floats too), turned upright as their tags say, DICOM (``pip
        install synthaug[medical]``; frames of one file become rows) and NIfTI (slices become rows).
    manifest
        A ``.csv`` or ``.parquet`` file with the columns ``path`` and ``label``, and, if known, ``patient`` and
        ``split``. Only an empty cell is missing: *None* and *NA* are words like others.
    label
        The manifest's column of labels, or the array of a ``.npz`` file; None to read without labels.
    size
        Height and width of the rows, one number for squares; None where all files are of one size.
    aspect
        How images get there: ``pad`` (whole, edges filled with the least value), ``crop`` (the middle), ``stretch``.
    channels
        1 for grey, 3 for colours; None as the files have it.
    window
        Which values become the least and the greatest pixel: ``none`` (pixels are the values), ``header`` (the median
        window of DICOM headers), ``(centre, width)``, or ``percentile`` (0.5 to 99.5 over a sample of the set).
        ``auto`` is ``header`` where every header has one, else ``none``. What was done is in ``intensity``.
    spacing
        ``same``: files must agree on the millimetres a pixel; ``any``: they need not; ``(row, column)``: images are
        resampled to these.
    axis
        Across which axis of the body a NIfTI volume is sliced: ``sagittal``, ``coronal``, ``axial``, or 0, 1, 2.
    on_error
        What a file that cannot be read does: ``raise``, or ``skip`` (it is left out, listed in ``skipped`` and in
        ``skipped_file``, and warned of). Blank slices of volumes and hidden files are left out and listed either way.
    cache_dir
        Where caches are kept; None for ``synthaug/images`` in the user's cache folder. Caches hold the images and are
        readable by their owner only.
    max_pixels
        The most pixels of one image; a file that says it holds more is not decoded.
    verbose
        Whether to show how far it is; None shows it where standard error is a terminal.

    Returns
    -------
    Images, labels and groups as ``SyntheticAugmenter.fit(rows.X, rows.y, groups=rows.groups)`` takes them, and where
    they come from. Rows are of one patient if the manifest says so, else if their DICOM headers do, else if they are
    in one folder inside their class's; slices of one file always are.

    Raises
    ------
    FileError
        If files cannot be read and ``on_error`` is ``raise``, no file can be read, or the disk has no room.
    ConfigError
        If a setting or the manifest's columns cannot be, folders are called like splits instead of classes, or
        ``synthaug[medical]`` is needed and missing.
    ShapeError
        If the manifest puts images of one patient into two splits.

    Warns
    -----
    SkippedFilesWarning
        If files were left out.
    IdentityWarning
        If headers hold names, birth dates or the like, or pixels may: the tags are named, never their values.
    SyntheticFilesWarning
        If files are marked as synthetic.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from synthaug import read_images
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("benign/1.png", "benign/2.png", "malignant/3.png"):
    ...     (folder / name).parent.mkdir(exist_ok=True)
    ...     Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20) % 251).save(folder / name)
    >>> rows = read_images(folder, size=16, cache_dir=tempfile.mkdtemp())
    >>> rows.X.shape, rows.y.tolist()
    ((3, 16, 16), ['benign', 'benign', 'malignant'])
    """
    check_choice("on_error", on_error, ON_ERROR)
    watch = partial(_watched, shown=sys.stderr.isatty() if verbose is None else verbose)
    reading = Reading(
        options=read_options(size, aspect, channels, window, spacing, axis, max_pixels),
        caches=default_folder() if cache_dir is None else Path(cache_dir),
        strict=on_error == "raise",
        watch=watch,
    )
    _check_caches_apart(Path(path), reading.caches)
    rows, decoded = _read(Path(path), manifest, label, reading)
    check_named_split(rows.groups, rows.split)
    n_files = len(set(rows.paths))
    warn_of_identities(decoded.identity, n_files=n_files, stacklevel=2)
    warn_of_synthetic(decoded.n_synthetic, n_files=n_files, stacklevel=2)
    if len(rows.skipped) and not reading.strict:
        _warn_of_skipped(rows)
    return rows


def _read(path: Path, manifest: str | Path | None, label: str | None, reading: Reading) -> tuple[ImageRows, Decoded]:
    listing = _listed(path, manifest, label)
    reading.refuse(listing.refused, len(listing.entries) + len(listing.refused))
    if not listing.entries:
        raise FileError(f"path must hold images that are read; got '{path}' with {_none_why(listing)}. Check the path.")
    decoded, folder = _cached(listing.entries, reading)
    rows = _rows(listing, decoded, folder, reading.options, labelled=label is not None)
    return _with_labels_of_arrays(rows, path, label) if _holds_arrays(path) else rows, decoded


def _check_caches_apart(path: Path, caches: Path) -> None:
    root = (path.parent if path.suffix.lower() in TABLES else path).resolve()
    inner = caches.resolve()
    if root.is_dir() and inner.is_relative_to(root) and not is_hidden(inner.relative_to(root).parts):
        raise ConfigError(
            f"cache_dir must be outside the folder of the images, or it is read with them; got '{caches}' in '{root}'. "
            "Choose another folder."
        )


def _holds_arrays(path: Path) -> bool:
    return path.suffix.lower() == ".npz"


def _with_labels_of_arrays(rows: ImageRows, path: Path, label: str | None) -> ImageRows:
    said = read_labels(path, label)
    labels, groups, split = (None if each is None else each[rows.frames] for each in said.values())
    return replace(rows, y=labels, groups=None if groups is None else pd.factorize(groups)[0], split=split)


def _listed(path: Path, manifest: str | Path | None, label: str | None) -> Listing:
    if path.suffix.lower() in TABLES and manifest is None:
        path, manifest = path.parent, path
    if path.is_file() and _holds_arrays(path):
        return Listing([Entry(path.name, path.resolve())])
    if path.is_file() and kind_of(path):
        return _one_file(path, label)
    if not path.is_dir():
        raise FileError(f"path must be a folder of images, a manifest or a .npz file; got '{path}'. Check the path.")
    root = path.resolve()
    if manifest is None:
        return list_folder(root, labelled=label is not None)
    if not Path(manifest).is_file():
        raise FileError(f"manifest must be a file that is there; got '{manifest}'. Check the path.")
    return list_manifest(root, Path(manifest).resolve(), label)


def _one_file(path: Path, label: str | None) -> Listing:
    if label is not None:
        raise ConfigError(
            f"path must be a folder with a folder for each class; got the file '{path}', which has no label. "
            "Pass label=None to read it without."
        )
    return Listing([Entry(path.name, path.resolve())])


def _none_why(listing: Listing) -> str:
    left_out = listing.refused + listing.passed_over
    return f"none ({left_out[0][0]} {left_out[0][1]})" if left_out else "no file"


def _cached(entries: list[Entry], reading: Reading) -> tuple[Decoded, Path]:
    """Return the decoded files, from their cache if it is there, and the cache's folder."""
    folder = reading.caches / content_key(reading.watch(entries, "hashing"), reading.options)
    decoded = open_cache(folder)
    if decoded is None:
        planned = plan(entries, reading.options, reading.watch)
        reading.refuse(planned.refused, len(entries))
        decode(planned, reading.options, folder, reading.watch)
        decoded = open_cache(folder)
    if decoded is None:
        raise FileError(f"'{folder}' must hold the cache just written; it cannot be read. Choose another cache_dir.")
    reading.refuse(decoded.refused, len(entries))
    if len(decoded.pixels) == 0:
        raise FileError(f"at least one file must be readable; got none of {len(entries)}: {in_short(decoded.refused)}.")
    return decoded, folder


def _rows(listing: Listing, decoded: Decoded, folder: Path, options: ImageOptions, *, labelled: bool) -> ImageRows:
    entries = [listing.entries[number] for number in decoded.entry]
    left_out = [*listing.refused, *decoded.refused, *listing.passed_over, *decoded.passed_over]
    splits = [entry.split for entry in entries]
    return ImageRows(
        X=decoded.pixels,
        y=labels_of(entries) if labelled else None,
        groups=group_rows(entries, decoded),
        paths=np.array([entry.name for entry in entries]),
        frames=decoded.frame,
        split=np.array([split or "" for split in splits]) if any(splits) else None,
        spacing=decoded.spacing,
        original_size=decoded.original_size,
        intensity=decoded.intensity,
        resizing=options.resizing,
        skipped=pd.DataFrame(left_out, columns=["path", "reason"]),
        skipped_file=write_skipped(folder, left_out),
    )


def _warn_of_skipped(rows: ImageRows) -> None:
    warnings.warn(
        f"{len(rows.skipped)} files or slices were left out: "
        f"{in_short(list(rows.skipped.itertuples(index=False, name=None)))}. All are listed in '{rows.skipped_file}'.",
        SkippedFilesWarning,
        stacklevel=3,
    )


def _watched(items: Iterable[Any], words: str, *, shown: bool) -> Iterable[Any]:
    if not shown:
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, description=words, console=Console(stderr=True))
