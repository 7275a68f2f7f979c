"""What a study says of itself to a tracker, and where it says it."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthaug.errors import ConfigError


@dataclass(frozen=True)
class About:
    """What a study says of itself.

    Attributes
    ----------
    name
        The study's name.
    scoring
        The primary metric.
    baseline
        The arm that gains are taken from.
    class_names
        Names for the rows of the sample grids.
    folder
        The study's folder, which ``LearnerRecord.folder`` is relative to.
    params
        Settings to reproduce it.
    tags
        Tags of the study's run.
    origin
        Versions and git commit: tags of every run, see ``origin_tags``.
    register_as
        The name that its learner is registered under; None for not at all.
    """

    name: str
    scoring: str
    baseline: str = "none"
    class_names: tuple[str, ...] = ()
    folder: Path = Path()
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    register_as: str | None = None


@dataclass(frozen=True)
class Place:
    """Where a study is logged.

    Attributes
    ----------
    uri
        Where MLflow keeps runs; None for where the caller does.
    experiment
        MLflow's experiment.
    artifacts
        Where a new experiment keeps files; None for beside an SQLite file, else where MLflow says.
    run_id
        The run of an interrupted study; None for a new one.
    key
        A word of its own that the study's run is tagged with, so that it is found again though its number never came
        back; None for no such word.
    owned
        Whether the run began here and is ended here; a caller's run is not.
    """

    uri: str | None = None
    experiment: str = "synthaug"
    artifacts: str | os.PathLike[str] | None = None
    run_id: str | None = None
    key: str | None = None
    owned: bool = True


def check_register_as(name: str | None) -> str | None:
    """Return a registered model's name, if MLflow takes it.

    Raises
    ------
    ConfigError
        If it is empty or holds a slash, a colon or a quotation mark.

    Examples
    --------
    >>> check_register_as("digits learner")
    'digits learner'
    """
    if name is None or re.fullmatch(r"[^/:'\"`\\]*[^/:'\"`\\\s][^/:'\"`\\]*", name):
        return name
    raise ConfigError(
        f"register_as must be a name without / : ' \" or a backslash; got {name!r} (MLflow refuses it). Choose another."
    )
