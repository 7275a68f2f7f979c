"""Sending a study's folder to MLflow afterwards: what the tracker missed while it was away, once."""

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

from synthaug.experiment.storage import REPORT, SplitStore
from synthaug.experiment.study import load_study, shows_real_rows, write_outcome
from synthaug.experiment.tracking import Mirror, begin_tracking, locked, read_destination
from synthaug.experiment.tracking.address import same_store


@dataclass(frozen=True)
class Synced:
    """What was sent of a study's folder.

    Attributes
    ----------
    uri
        Where to.
    n_sent
        How many splits the tracker did not hold.
    n_finished, n_splits
        How many splits are finished, of how many.
    summary_sent
        Whether verdicts and report were sent.
    page
        The page of the study's arms, behind the address of MLflow's server.
    """

    uri: str
    n_sent: int
    n_finished: int
    n_splits: int
    summary_sent: bool
    page: str


def sync(folder: str | Path, *, uri: str | None = None, experiment: str | None = None) -> Synced:
    """Send what MLflow does not hold of a study's folder; what it holds already is not sent again.

    Parameters
    ----------
    folder
        The study's folder.
    uri, experiment
        Where to; by default where the study was to go.

    Raises
    ------
    ConfigError
        If the study was never tracked and no address is given, or another process runs or sends it.
    FileError
        If the folder holds no study, or a damaged one.
    OSError, mlflow.exceptions.MlflowException
        If the tracker is away: nothing is lost, and what got through is not sent again by the next call.
    """
    store = SplitStore(folder)
    facts, n_finished = store.facts(), len(store.finished())
    n_splits = int(facts.get("n_splits", n_finished))
    with locked(folder):
        mirror, complete = _reached(Path(folder), uri, experiment)
        n_sent, whole = 0, False
        if not complete:
            n_sent, whole = mirror.send(), n_finished == n_splits and n_finished >= 2
            _send_summary(mirror, Path(folder), whole=whole)
        return Synced(mirror.destination.uri, n_sent, n_finished, n_splits, whole, mirror.destination.page)


def _reached(folder: Path, uri: str | None, experiment: str | None) -> tuple[Mirror, bool]:
    """Return what sends to the address, and whether all is there; where nobody answers, the old address stays."""
    earlier = read_destination(folder)
    with contextlib.ExitStack() as undo:
        if earlier is not None:
            undo.callback(earlier.save, folder)
        _direct(folder, uri, experiment)
        mirror = Mirror(folder)
        complete = mirror.is_complete()
        undo.pop_all()
    return mirror, complete


def _send_summary(mirror: Mirror, folder: Path, *, whole: bool) -> None:
    """Send verdicts and report of a study that is whole, and end its runs."""
    if whole:
        comparison, report = load_study(folder), folder / REPORT
        if not report.exists():
            report = write_outcome(comparison, folder, include_real_rows=shows_real_rows(folder))
        mirror.send_summary(comparison, report)
    mirror.end("FINISHED" if whole else "KILLED")


def _direct(folder: Path, uri: str | None, experiment: str | None) -> None:
    """Note the address in the folder, where it is not the one that stands there."""
    found = read_destination(folder)
    if uri is None and experiment is None:
        return
    here = uri or (None if found is None else found.uri)
    where = experiment or ("synthaug" if found is None else found.experiment)
    if found is not None and here is not None and same_store(found.uri, here) and found.experiment == where:
        return
    fresh = begin_tracking(folder, uri=here, experiment=where, resume=True)
    if found is not None:
        replace(fresh, origin=found.origin, dataset=found.dataset, register_as=found.register_as).save(folder)
