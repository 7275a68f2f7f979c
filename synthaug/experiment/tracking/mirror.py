"""A study's folder, copied to MLflow as it grows: what is on disk comes first, and is sent whenever it gets through.

The folder's ``tracking.json`` says where it goes; finished splits, settings and the report are read from the folder
itself. A tracker that is away, full or dies stops no study: what is missing goes with the next split that gets through,
or later by ``synthaug sync``. What is there already is never sent twice, for the tracker is asked first.
"""

import contextlib
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from synthaug.errors import ConfigError, TrackingWarning
from synthaug.experiment.results import SplitResult
from synthaug.experiment.storage import CARD, DOSSIER, REPORT, SplitStore
from synthaug.experiment.tracking import client as calls
from synthaug.experiment.tracking.about import About, Place
from synthaug.experiment.tracking.destination import Destination, read_destination
from synthaug.experiment.tracking.opening import open_study
from synthaug.experiment.tracking.quiet import few_retries
from synthaug.experiment.tracking.study import TrackedStudy

if TYPE_CHECKING:
    from mlflow.entities import Run

    from synthaug.experiment.comparison import Comparison

_LOCK = ".tracking.lock"
_SECONDS_BETWEEN_TRIES, _SECONDS_FOR_LOCK = 30.0, 10.0
_COMPLETE = "complete"  # the tag of a study's run that says with what it was logged, whole


class Mirror:
    """Keeps MLflow's copy of a study's folder up to date.

    Parameters
    ----------
    folder
        The folder of a study, in which ``begin_tracking`` said where it goes.

    Raises
    ------
    ConfigError
        If the folder was never tracked.
    FileError
        If it holds no study.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self.store = Path(folder), SplitStore(folder)
        found = read_destination(folder)
        if found is None or not found.uri:
            raise ConfigError(f"a study must be tracked to be sent; '{folder}' was not. Name an address: --uri.")
        self.destination: Destination = found
        self._facts = self.store.facts()
        self._study: TrackedStudy | None = None
        self._next_try = 0.0
        self._warned = False

    def update(self, result: SplitResult | None = None) -> None:
        """Send the finished splits that the tracker does not hold; where it is away, warn once and try again later.

        Parameters
        ----------
        result
            The split that was just finished: unused, for what is sent is what is on disk.
        """
        if self._study is not None or time.monotonic() >= self._next_try:
            with self._failures_told():
                self.send()

    def finish(self, comparison: "Comparison", report: Path) -> None:
        """Send what is missing, then the verdicts and the report; where the tracker is away, warn."""
        with self._failures_told():
            self.send()
            self.send_summary(comparison, report)

    def send(self) -> int:
        """Send the finished splits that the tracker does not hold, and return how many.

        Raises
        ------
        ConfigError, FileError, OSError, mlflow.exceptions.MlflowException
            If the tracker is away or refuses.
        """
        with few_retries():
            study = self._open()
            missing = [index for index in self.store.finished() if not study.holds(index)]
            for index in missing:
                study.log_split(self.store.load(index))
        return len(missing)

    def send_summary(self, comparison: "Comparison", report: Path) -> None:
        """Send the verdicts, the report, and the model card and dossier beside it; raises as ``send`` does."""
        with few_retries():
            study = self._open()
            study.log_summary(comparison)
            whole = _digest(len(comparison.splits), report)
            for path in _outcome(report):
                study.log_report(path)
            calls.set_tags(study.client, study.run_id, {_COMPLETE: whole})

    def end(self, status: str) -> None:
        """End the runs that were begun here, if they can be reached; raises as ``send`` does."""
        study, self._study = self._study, None
        if study is not None:
            with few_retries():
                study.end(status)

    def is_complete(self) -> bool:
        """Return whether the tracker holds every finished split, and verdicts and report as they are; raises as
        ``send``.
        """
        with few_retries():
            run = self._find()
        tags = {} if run is None else run.data.tags
        return tags.get(_COMPLETE) == _digest(len(self.store.finished()), self.folder / REPORT)

    def stop(self, status: str) -> None:
        """End the runs that were begun here; where the tracker is away, warn."""
        with self._failures_told():
            self.end(status)

    def _open(self) -> TrackedStudy:
        """Return the study in the tracker, opened anew where the tracker was away, and note its run in the folder."""
        if self._study is None:
            with few_retries():
                self._find()
                study = open_study(self._about(), self._place())
                self.destination = replace(
                    self.destination, run_id=study.run_id, experiment_id=study.experiment_id, owned=study.owned
                )
                self.destination.save(self.folder)
                study.begin()
                if self.destination.dataset is not None:
                    study.log_described(self.destination.dataset)
                self._study = study
        return self._study

    def _find(self) -> "Run | None":
        """Return the study's run, by its number or else its key; None, and its number forgotten, where it is gone."""
        noted = there = self.destination
        client = calls.open_client(calls.locate(there.uri)[0])
        if noted.run_id is not None and calls.is_gone(client, noted.run_id):
            there = replace(noted, run_id=None, experiment_id=None, owned=True)
        run_id = there.run_id or calls.run_with_key(client, there.experiment, there.key)
        run = None if run_id is None else calls.find_run(client, run_id)
        if run is not None:
            there = replace(there, run_id=run_id, experiment_id=run.info.experiment_id)
        elif noted.run_id is not None:
            warnings.warn(
                f"the study's run must be in the tracker to go on there; got {noted.run_id!r} (deleted, or not of "
                f"{noted.uri}). A new run is begun, and all of the study is sent to it.",
                TrackingWarning,
                stacklevel=3,
            )
        self.destination = there
        return run

    def _about(self) -> About:
        facts, there = self._facts, self.destination
        return About(
            name=facts["name"],
            scoring=facts["scoring"],
            baseline=facts["baseline"],
            class_names=tuple(facts["class_names"]),
            folder=self.folder,
            params=facts["settings"],
            origin=there.origin,
            register_as=there.register_as,
        )

    def _place(self) -> Place:
        there = self.destination
        return Place(there.uri, there.experiment, run_id=there.run_id, key=there.key, owned=there.owned)

    @contextlib.contextmanager
    def _failures_told(self) -> Iterator[None]:
        """Turn a tracker's failure into one warning, and forget the connection: it is opened anew at the next try."""
        try:
            yield
        except calls.failures() as error:
            self._study = None
            self._next_try = time.monotonic() + _SECONDS_BETWEEN_TRIES
            if not self._warned:
                self._warned = True
                warnings.warn(self._words(error), TrackingWarning, stacklevel=3)

    def _words(self, error: Exception) -> str:
        return (
            f"the tracker must be reachable to log the study; got {_short(error)} from {self.destination.uri}. Nothing "
            "is lost and the study goes on: what is missing is sent as soon as it gets through, or later by "
            f"'synthaug sync {self.folder}'."
        )


@contextlib.contextmanager
def mirrored(folder: str | Path) -> Iterator[Mirror]:
    """Give what keeps MLflow's copy of a running study's folder up to date, and end its runs with the study.

    Raises
    ------
    ConfigError
        If the folder was never tracked, or another process is sending it.
    """
    with locked(folder):
        mirror, status = Mirror(folder), "FAILED"
        mirror.update()
        try:
            yield mirror
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            mirror.stop(status)


@contextlib.contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Hold the lock of a study's folder; the system lets go of it when the process dies.

    Raises
    ------
    ConfigError
        If another process holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(Path(folder) / _LOCK)
    try:
        lock.acquire(timeout=_SECONDS_FOR_LOCK)
    except Timeout as error:
        raise ConfigError(
            f"a study must be sent by one process at a time; got '{folder}' (another one runs or sends it). "
            "Wait until it is done: it sends what is missing itself."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _outcome(report: Path) -> list[Path]:
    """Return the report, and the model card and dossier beside it, where they are written."""
    return [path for path in (report, report.with_name(CARD), report.with_name(DOSSIER)) if path.exists()]


def _digest(n_splits: int, report: Path) -> str:
    """Return a word that changes with the number of splits and the files of the outcome."""
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in _outcome(report)}
    return sha256(repr((n_splits, files)).encode()).hexdigest()


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text if len(text) <= 200 else text[:199] + '…'}"
