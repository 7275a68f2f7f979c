"""Which rows are of one patient, by what is known: a manifest, else DICOM headers, else folders, else the file.

A study whose patient's number was taken out is joined with all that lies in the same patient's folder, for either may
hold several of the other.
"""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from synthaug.data.readers.cache import Decoded
from synthaug.data.readers.listing import Entry

_NAMES_NONE = -1


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
    named.pop(_NAMES_NONE, None)
    known = [
        _known(entry, patient, named.get(patient), volume=bool(volume))
        for entry, patient, volume in zip(entries, patients, decoded.volume, strict=True)
    ]
    groups = _joined([keys or [("row", str(row))] for row, keys in enumerate(known)])
    return groups if len(np.unique(groups)) < len(groups) else None


def _known(entry: Entry, patient: int, named: str | None, *, volume: bool) -> list[tuple[str, str]]:
    """Return what a row shares with others; ``named`` is what the manifest calls its header's patient elsewhere."""
    if entry.patient is not None or named is not None:
        return [("manifest", entry.patient or str(named))]
    folder = [] if entry.folder is None else [("folder", entry.folder)]
    if patient >= 0:
        return [("header", str(patient))]
    if patient < _NAMES_NONE:
        return [("header", str(patient)), *folder]
    return folder or ([("file", entry.name)] if volume else [])


def _joined(keys: list[list[tuple[str, str]]]) -> np.ndarray:
    """Return the number of each row's group (n,), int64, in the order of rows; rows that share a key are in one."""
    rows = np.repeat(np.arange(len(keys)), [len(each) for each in keys])
    places = pd.factorize(pd.Series([key for each in keys for key in each]))[0]
    n = len(keys) + int(places.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(rows)), (rows, len(keys) + places)), shape=(n, n))
    found = connected_components(graph, directed=False)[1][: len(keys)]
    return pd.factorize(found)[0].astype(np.int64)
