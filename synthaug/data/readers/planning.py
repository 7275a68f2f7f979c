"""Which of the files can be read together: judged by their headers, before any image is decoded."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from synthaug.data.readers.kinds import reader_of
from synthaug.data.readers.listing import Entry
from synthaug.data.readers.options import Refused, Watch
from synthaug.data.readers.records import Header, ImageOptions
from synthaug.data.readers.sizes import size_after
from synthaug.errors import FileError

Files = list[tuple[int, Entry, Header]]
_LONGEST = 240  # letters of another package's message
_SAME_SPACING = 0.02


@dataclass(frozen=True)
class Plan:
    """The files that go together, each with its number among all entries, and those that do not.

    Attributes
    ----------
    files
        ``(number, entry, header)``.
    refused
        ``(name, reason)``.
    """

    files: Files
    refused: Refused


def plan(entries: list[Entry], options: ImageOptions, watch: Watch) -> Plan:
    """Return which files can be read together, from their headers alone."""
    files, refused = [], []
    for number, entry in enumerate(watch(entries, "reading headers")):
        header = _looked(entry, options)
        if isinstance(header, str):
            refused.append((entry.name, header))
        else:
            files.append((number, entry, header))
    for form, remedy in _forms(options, files):
        files, unlike = _most_common(files, form, remedy)
        refused += unlike
    return Plan(files, refused)


def _looked(entry: Entry, options: ImageOptions) -> Header | str:
    """Return a file's header, or why it cannot be read."""
    reader = reader_of(entry.path)
    try:
        header = reader.look(entry.path, options)
    except reader.DAMAGED as error:
        return in_words(error)
    if header.size[0] * header.size[1] > options.max_pixels or min(header.size) < 1 or header.n_frames < 1:
        return f"its {header.size[0]} x {header.size[1]} pixels are more than allowed, or none: see max_pixels"
    return _why_not_resampled(header, options) or header


def _why_not_resampled(header: Header, options: ImageOptions) -> str | None:
    """Return why an image cannot be brought to the spacing asked for; None if it can, or none was."""
    if options.resizing.spacing is None:
        return None
    if header.spacing is None:
        return "does not say its spacing, and so cannot be resampled to one. Pass spacing='any'"
    height, width = size_after(header.size, header.spacing, replace(options.resizing, size=None))
    if height * width > options.max_pixels:
        return f"is of {height} x {width} pixels when resampled, more than allowed: see max_pixels and spacing"
    return None


def in_words(error: BaseException) -> str:
    """Return why a file cannot be read, on one line."""
    if isinstance(error, FileError):
        return str(error)
    said = " ".join(str(error).split())[:_LONGEST]
    return f"it is damaged or no such file ({said or type(error).__name__})"


def _forms(options: ImageOptions, files: Files) -> Iterator[tuple[Callable[[Header], str], str]]:
    """Yield what must be the same in all files, and how to mend it if it is not."""
    how = options.resizing
    yield _meaning, "Read each kind by itself"
    if options.channels is None:
        yield lambda header: f"{header.channels} channel(s)", "Pass channels=1 or channels=3"
    if not options.any_spacing and how.spacing is None:
        usual = Counter(header.spacing for _, _, header in files).most_common(1)
        yield lambda header: _spacing(header, usual[0][0]), "Pass spacing=(row, column) to resample, or spacing='any'"
    yield lambda header: "{} x {} pixels".format(*size_after(header.size, header.spacing, how)), "Pass size=(h, w)"


def _meaning(header: Header) -> str:
    if header.source == "picture":
        return f"{header.value_dtype} picture"
    return header.source.upper() + (f" in {header.unit}" if header.unit else "")


def _spacing(header: Header, usual: tuple[float, float] | None) -> str:
    """Return a header's spacing in words, the usual one's if it is that one but for rounding."""
    if header.spacing is None:
        return "unknown spacing"
    close = usual is not None and np.allclose(header.spacing, usual, rtol=_SAME_SPACING, atol=0)
    return "a spacing of {:.4g} x {:.4g} mm".format(*(usual if close and usual else header.spacing))


def _most_common(files: Files, form: Callable[[Header], str], remedy: str) -> tuple[Files, Refused]:
    """Return the files of the form that most files have, and why the others cannot be read with them."""
    counts = Counter(form(header) for _, _, header in files)
    if len(counts) < 2:
        return files, []
    usual, n_usual = counts.most_common(1)[0]
    unlike = [
        (entry.name, f"has {form(header)}, while {n_usual} of {len(files)} files have {usual}. {remedy}")
        for _, entry, header in files
        if form(header) != usual
    ]
    return [each for each in files if form(each[2]) == usual], unlike
