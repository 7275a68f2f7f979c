"""Which rows are of one patient, by what is known: a manifest, else DICOM headers, else folders, else the file."""

import numpy as np
import pandas as pd

from synthaug.data.readers.cache import Decoded
from synthaug.data.readers.listing import Entry


def group_rows(entries: list[Entry], decoded: Decoded) -> np.ndarray | None:
    """Return a number for the group of each row (n,), int64; None where every row is a group of its own.

    Parameters
    ----------
    entries
        The file of each row.
    decoded
        What its header and its place in it say.
    """
    patients = decoded.patient.tolist()
    named = {patient: entry.patient for entry, patient in zip(entries, patients, strict=True) if entry.patient}
    known = [
        _known(entry, patient, named.get(patient) if patient >= 0 else None, volume=bool(volume))
        for entry, patient, volume in zip(entries, patients, decoded.volume, strict=True)
    ]
    keys = [(str(row), "row") if key is None else key for row, key in enumerate(known)]
    groups = pd.factorize(pd.Series(keys))[0].astype(np.int64)
    return groups if len(np.unique(groups)) < len(groups) else None


def _known(entry: Entry, patient: int, named: str | None, *, volume: bool) -> tuple[str, str] | None:
    """Return the group of a row; ``named`` is what the manifest calls the patient of its header in another line."""
    if entry.patient is not None or named is not None:
        return entry.patient or str(named), "manifest"
    if patient >= 0:
        return str(patient), "header"
    if entry.folder is not None:
        return entry.folder, "folder"
    return (entry.name, "file") if volume else None
