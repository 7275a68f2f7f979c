"""From files to rows: one image after the other, scaled alike and of one size, into the cache."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from synthaug.data.readers.cache import CacheWriter, check_room
from synthaug.data.readers.intensity import Intensity
from synthaug.data.readers.kinds import reader_of
from synthaug.data.readers.listing import Entry
from synthaug.data.readers.options import Refused, Watch
from synthaug.data.readers.planning import Plan, in_words
from synthaug.data.readers.records import Header, ImageOptions
from synthaug.data.readers.scaling import fit_intensity
from synthaug.data.readers.sizes import fitted, size_after, spacing_after
from synthaug.errors import FileError

_BLANK = "is blank: all its pixels are the same"
_NOT_FINITE = "holds NaN or infinite pixels: fill them"
_GREY_WEIGHTS = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def decode(planned: Plan, options: ImageOptions, folder: Path, watch: Watch) -> None:
    """Decode the planned files into a cache.

    Raises
    ------
    FileError
        If the disk has no room.
    """
    intensity = fit_intensity(_headers(planned), lambda: _sample(planned, options), options.window)
    check_room(folder.parent, _n_bytes(planned, options, intensity))
    rows, refused, passed_over = _Rows(), list(planned.refused), Refused()
    with CacheWriter(folder) as cache:
        for number, entry, header in watch(planned.files, "decoding"):
            images = _add(cache, entry, header, options, intensity)
            rows.add(number, header, options, np.array(images.added, dtype=np.int64))
            _list_left_out(entry, header, images, refused, passed_over)
        named = Counter(name for header in _headers(planned) for name in header.identity)
        facts = {
            "refused": refused,
            "passed_over": passed_over,
            "intensity": intensity.to_dict(),
            "identity": named,
            "n_synthetic": sum(header.synthetic for header in _headers(planned)),
        }
        cache.finish(rows.columns(), facts)


@dataclass(frozen=True)
class _Images:
    """The numbers of a file's images that became rows, are blank, or not finite; or why the file cannot be read."""

    added: list[int] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    not_finite: list[int] = field(default_factory=list)
    damaged: str = ""


class _Rows:
    """What is known of each row, collected file by file."""

    def __init__(self) -> None:
        self._patients: dict[str, int] = {}
        self._parts: dict[str, list[np.ndarray]] = {
            "entry": [np.empty(0, np.int64)],
            "frame": [np.empty(0, np.int64)],
            "spacing": [np.empty((0, 2))],
            "original_size": [np.empty((0, 2), np.int64)],
            "patient": [np.empty(0, np.int64)],
            "volume": [np.empty(0, bool)],
        }

    def add(self, number: int, header: Header, options: ImageOptions, kept: np.ndarray) -> None:
        spacing = spacing_after(header.size, header.spacing, options.resizing) or (np.nan, np.nan)
        patient = -1 if header.patient is None else self._patients.setdefault(header.patient, len(self._patients))
        patient = -2 - patient if header.of_study and patient >= 0 else patient
        known = {
            "entry": number,
            "spacing": spacing,
            "original_size": header.size,
            "patient": patient,
            "volume": header.volume,
        }
        self._parts["frame"].append(kept)
        for name, value in known.items():
            self._parts[name].append(np.repeat(np.asarray(value)[None], len(kept), axis=0))

    def columns(self) -> dict[str, np.ndarray]:
        return {name: np.concatenate(parts) for name, parts in self._parts.items()}


def _headers(planned: Plan) -> list[Header]:
    return [header for _, _, header in planned.files]


def _n_bytes(planned: Plan, options: ImageOptions, intensity: Intensity) -> int:
    pixels = [np.prod(size_after(h.size, h.spacing, options.resizing)) * h.n_frames for h in _headers(planned)]
    channels = options.channels or max((header.channels for header in _headers(planned)), default=1)
    return int(sum(pixels)) * channels * np.dtype(intensity.dtype).itemsize


def _sample(planned: Plan, options: ImageOptions, most: int = 64) -> Iterator[np.ndarray]:
    """Yield the values of some files, and of some images of each, evenly spread: fewer than twice as many as ``most``.

    Those that cannot be decoded are left to be refused later.
    """
    for _, entry, header in planned.files[:: max(1, len(planned.files) // most)]:
        images = islice(_decoded(entry, header, options), 0, None, max(1, header.n_frames // most))
        yield from (values for values in images if not isinstance(values, str))


def _add(cache: CacheWriter, entry: Entry, header: Header, options: ImageOptions, intensity: Intensity) -> _Images:
    """Add a file's images to the cache, all of them or, of a damaged file, none."""
    images, first = _Images(), cache.n_rows
    for number, values in enumerate(_decoded(entry, header, options)):
        if isinstance(values, str):
            cache.forget_after(first)
            return _Images(damaged=values)
        if not np.isfinite(values).all():
            images.not_finite.append(number)
        elif values.min() == values.max():
            images.blank.append(number)
        else:
            cache.add(_as_row(values, header, options, intensity))
            images.added.append(number)
    return images


def _list_left_out(entry: Entry, header: Header, images: _Images, refused: Refused, passed_over: Refused) -> None:
    """List what of a file became no row; blank slices are passed over, for volumes begin and end in them."""
    if images.damaged:
        refused.append((entry.name, images.damaged))
    elif len(images.blank) == header.n_frames:
        refused.append((entry.name, _BLANK))
    else:
        refused += [(f"{entry.name}#{number}", _NOT_FINITE) for number in images.not_finite]
        blank = [(f"{entry.name}#{number}", _BLANK) for number in images.blank]
        (passed_over if header.volume else refused).extend(blank)


def _decoded(entry: Entry, header: Header, options: ImageOptions) -> Iterator[np.ndarray | str]:
    """Yield a file's images, and, in the place of one that cannot be decoded, why."""
    reader, channels = reader_of(entry.path), header.channels
    try:
        for values in reader.frames(entry.path, header, options):
            shape = header.size if channels == 1 else (*header.size, channels)
            if values.shape != shape:
                raise FileError(f"its image is {values.shape}, while its header says {shape}")
            yield values
    except reader.DAMAGED as error:
        yield in_words(error)


def _as_row(values: np.ndarray, header: Header, options: ImageOptions, intensity: Intensity) -> np.ndarray:
    coloured = values if options.channels is None else _with_channels(values, options.channels)
    return intensity.apply(fitted(coloured, header.spacing, options.resizing))


def _with_channels(values: np.ndarray, channels: int) -> np.ndarray:
    if channels == 1 and values.ndim == 3:
        return values @ _GREY_WEIGHTS
    return np.repeat(values[..., None], 3, axis=2) if channels == 3 and values.ndim == 2 else values
