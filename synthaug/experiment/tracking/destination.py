"""Where a study's folder is sent: what its ``tracking.json`` says, written before anything is sent."""

import contextlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from synthaug._files import write_atomically
from synthaug.errors import FileError
from synthaug.experiment.tracking import client as calls
from synthaug.experiment.tracking.about import check_register_as
from synthaug.experiment.tracking.address import make_folder, same_store
from synthaug.experiment.tracking.origin import origin_tags
from synthaug.experiment.tracking.verdicts import runs_page

RECORD = "tracking.json"


@dataclass(frozen=True)
class Destination:
    """Where a study's folder is sent, as its ``tracking.json`` says.

    Attributes
    ----------
    uri, experiment
        MLflow's store and experiment; a study that is not tracked has the address "".
    key
        The study's own word, by which its run is found again.
    run_id, experiment_id
        Its run and experiment; None before they were made.
    owned
        Whether the run began here.
    register_as
        The name that its learner is registered under.
    origin
        Versions and git commit of the study.
    dataset
        MLflow's description of the rows; None where it was not made.
    """

    uri: str
    experiment: str = "synthaug"
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    run_id: str | None = None
    experiment_id: str | None = None
    owned: bool = True
    register_as: str | None = None
    origin: dict[str, str] = field(default_factory=dict)
    dataset: dict[str, str] | None = None

    @property
    def page(self) -> str:
        """The page of the study's arms, behind the address of MLflow's server; "" before it has a run."""
        if self.experiment_id is None or self.run_id is None:
            return ""
        return runs_page(self.experiment_id, self.run_id)

    def save(self, folder: Path) -> None:
        """Write it into a study's folder."""
        write_atomically(folder / RECORD, json.dumps(asdict(self), indent=1).encode())


def read_destination(folder: str | Path) -> Destination | None:
    """Return where a study's folder is sent; None where nothing was noted.

    Raises
    ------
    FileError
        If the record is damaged.
    """
    path = Path(folder) / RECORD
    try:
        return Destination(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise FileError(
            f"'{path}' must say where the study is logged; it is damaged ({error}). Delete it and say --uri."
        ) from error


def describe_rows(X: Any, y: Any, name: str) -> dict[str, str] | None:
    """Return MLflow's description of a data set (name, shape, digest; none of its rows); None without MLflow."""
    return calls.describe_dataset(X, y, name) if calls.installed() else None


def begin_tracking(
    folder: str | Path,
    *,
    uri: str | None,
    experiment: str = "synthaug",
    register_as: str | None = None,
    dataset: Mapping[str, str] | None = None,
    resume: bool = False,
) -> Destination:
    """Write into a study's folder where it is to be sent, before anything is, and return it.

    Parameters
    ----------
    folder
        The study's folder.
    uri
        MLflow's store; None for where the caller logs.
    experiment, register_as, dataset
        See ``Destination``.
    resume
        Whether to go on with the run of an earlier study in this folder, if there is one where it goes.

    Raises
    ------
    ConfigError
        If MLflow takes no model called ``register_as``.
    """
    here = make_folder(uri) if uri else calls.locate(None)[0]  # an SQLite file's path is fixed where the study began
    fresh = Destination(
        uri=here,
        experiment=experiment,
        register_as=check_register_as(register_as),
        origin=origin_tags(),
        dataset=None if dataset is None else dict(dataset),
    )
    with contextlib.suppress(FileError):  # a damaged record of an earlier study
        found = read_destination(folder) if resume else None
        if found is not None:
            fresh = replace(fresh, key=found.key)  # by which the study is found wherever it was sent before
            if same_store(found.uri, here) and found.experiment == experiment:
                fresh = replace(fresh, run_id=found.run_id, experiment_id=found.experiment_id, owned=found.owned)
    fresh.save(Path(folder))
    return fresh


def note_untracked(
    folder: str | Path, *, register_as: str | None, dataset: Mapping[str, str] | None, resume: bool = False
) -> None:
    """Write into a study's folder what its runs are to say, should it be sent somewhere later.

    Parameters
    ----------
    folder
        The study's folder.
    register_as, dataset
        See ``Destination``.
    resume
        Whether to leave alone where an earlier study in this folder is sent.
    """
    with contextlib.suppress(FileError):
        found = read_destination(folder) if resume else None
        if found is not None and found.uri:
            return
    described = None if dataset is None else dict(dataset)
    Destination("", register_as=register_as, origin=origin_tags(), dataset=described).save(Path(folder))
