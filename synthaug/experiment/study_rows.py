"""The rows that a pipeline names: read from where they are, with their groups, and labels as the study needs them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from synthaug.data.datasets import DATASETS
from synthaug.data.labels import place_of
from synthaug.data.near_duplicates import near_duplicate_groups
from synthaug.data.readers import ImageRows, read_images, read_rows_file
from synthaug.errors import ConfigError, FileError
from synthaug.experiment.config import PipelineConfig
from synthaug.experiment.sections import DataConfig, DrawsConfig

_MEDMNIST_FOLDERS = (Path("data"), Path("~/.medmnist"))


@dataclass(frozen=True)
class StudyRows:
    """What a study is of.

    Attributes
    ----------
    X, y
        Rows and labels (n,).
    groups
        Which rows belong together (n,), or None.
    class_names
        A name for each distinct label, in their order; None to take the labels themselves.
    reading
        How files became rows, in pairs of a word and a value; empty for rows that came as they are.
    """

    X: Any
    y: Any
    groups: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    reading: dict[str, str] = field(default_factory=dict)


def load_rows(config: PipelineConfig) -> StudyRows:
    """Return the rows that a pipeline names.

    Raises
    ------
    ConfigError
        If a column, an array or the finding is not there.
    FileError
        If files are not there or cannot be read.
    ShapeError
        If near-duplicates are asked for, and the rows are no images.
    """
    data = config.data
    rows = _read(config)
    if data.near_duplicates == "together" or (data.near_duplicates is None and data.in_files):
        groups = near_duplicate_groups(rows.X, rows.groups, image_format=data.image_format)
        found = len(np.unique(groups)) < len(groups)
        reading = rows.reading | {"images that look alike": "count as one group" if found else "none found"}
        rows = replace(rows, groups=groups if found else rows.groups, reading=reading)
    return rows if data.finding is None else _with_finding(rows, data.finding)


def rows_per_class(config: PipelineConfig) -> Any:
    """Return how many training rows of each class a draw has, by the labels that ``load_rows`` gives."""
    assert isinstance(config.design, DrawsConfig)
    said, finding = config.design.rows_per_class, config.data.finding
    if finding is None or not isinstance(said, Mapping):
        return said
    place, counts = place_of(finding, list(said)), list(said.values())
    if place is None or len(said) != 2:
        raise ConfigError(
            f"rows_per_class must name two classes, the finding {finding!r} and one label that stands for the rest; "
            f"got {list(said)}. Or give one number for both."
        )
    return {0: counts[1 - place], 1: counts[place]}


def _read(config: PipelineConfig) -> StudyRows:
    data = config.data
    if data.name is not None:
        if (named := _named_groups(config)) is not None:
            raise ConfigError(f"design.groups must be left out for {data.name}, which has none; got {named!r}.")
        rows = DATASETS[data.name]()
        return StudyRows(rows.X, rows.y, None, rows.class_names)
    return _read_images(data) if data.in_files else _read_file(config)


def _read_images(data: DataConfig) -> StudyRows:
    manifest = data.manifest if data.folder is not None else None
    place = data.folder or data.manifest or _medmnist_file(str(data.medmnist))
    label: dict[str, Any] = {} if data.label is None else {"label": data.label}
    rows = read_images(place, manifest=manifest, size=data.size, window=data.window, on_error=data.on_error, **label)
    return StudyRows(rows.X, rows.y, rows.groups, reading=_reading(rows))


def _reading(rows: ImageRows) -> dict[str, str]:
    """Return what was read of files, in words; no name of a file."""
    sizes = (rows.original_size.min(0), rows.original_size.max(0))
    least, most = (" × ".join(map(str, size.tolist())) for size in sizes)
    said, spacing = rows.intensity, rows.spacing[np.isfinite(rows.spacing)]
    return {
        "files or slices left out": f"{len(rows.skipped):,}",
        "sizes in the files": least if least == most else f"{least} to {most}",
        "brought to one size by": rows.resizing.aspect if least != most or rows.resizing.size else "nothing",
        "pixels": "the values of the files"
        if said.kind == "none"
        else f"{said.kind}: {said.low:g} to {said.high:g} {said.unit}".strip(),
        "millimetres a pixel": f"{spacing.min():g} to {spacing.max():g}" if len(spacing) else "unknown",
    }


def _medmnist_file(name: str) -> Path:
    places = [folder.expanduser() / f"{name}.npz" for folder in _MEDMNIST_FOLDERS]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise FileError(
            f"MedMNIST's file {name}.npz must lie in the folder 'data' or in '~/.medmnist'; it is in neither. Get it "
            f'once: pip install medmnist, then python -c "import medmnist as m; '
            f"getattr(m, m.INFO['{name}']['python_class'])(split='train', download=True)\"."
        )
    return found


def _named_groups(config: PipelineConfig) -> str | None:
    return config.design.groups


def _read_file(config: PipelineConfig) -> StudyRows:
    path = config.data.path
    assert path is not None
    X, y = read_rows_file(path, label=config.data.label)
    named = _named_groups(config)
    if named is None:
        return StudyRows(X, y)
    if hasattr(X, "columns"):
        if named not in X.columns:
            raise ConfigError(
                f"design.groups must be a column of the table; got {named!r}. The columns are {list(X.columns)}."
            )
        return StudyRows(X.drop(columns=named), y, X[named].to_numpy())
    with np.load(path, allow_pickle=False) as arrays:
        if named not in arrays.files:
            raise ConfigError(f"design.groups must be an array of the file; got {named!r}. It holds {arrays.files}.")
        return StudyRows(X, y, arrays[named])


def _with_finding(rows: StudyRows, finding: Any) -> StudyRows:
    """Return the rows with label 1 for the finding and 0 for all else."""
    labels = np.asarray(rows.y)
    classes = np.unique(labels)
    names = rows.class_names or tuple(map(str, classes.tolist()))
    place = place_of(finding, classes.tolist())
    place = place_of(finding, names) if place is None else place
    if place is None or len(classes) < 2:
        raise ConfigError(f"data.finding must be one of at least two labels; got {finding!r}. They are {list(names)}.")
    others = [name for name in names if name != names[place]]
    rest = others[0] if len(others) == 1 else f"not {names[place]}"
    return replace(rows, y=(labels == classes[place]).astype(np.int64), class_names=(rest, names[place]))
