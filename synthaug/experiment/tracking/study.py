"""What a study logs, and when: a run for itself, beneath it one for each arm, beneath those one for each learner."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthaug._version import __version__
from synthaug.experiment.results import LearnerRecord, SplitResult
from synthaug.experiment.tracking import client as calls
from synthaug.experiment.tracking.address import artifact_location
from synthaug.experiment.tracking.records import (
    Point,
    arm_points,
    flat_parameters,
    learner_points,
    learner_user,
    sample_grid,
    study_verdict,
    verdict_points,
    verdict_tags,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from synthaug.experiment.comparison import Comparison


@contextmanager
def track_study(
    name: str,
    *,
    scoring: str,
    baseline: str = "none",
    class_names: Sequence[str] = (),
    folder: str | os.PathLike[str] = ".",
    experiment: str = "synthaug",
    uri: str | None = None,
    artifacts: str | os.PathLike[str] | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    run_id: str | None = None,
) -> Iterator["TrackedStudy"]:
    """Open a study in MLflow and give what logs into it; end afterwards what was opened here.

    The caller's active run becomes the study's run when it lives in the same store, and stays open. Otherwise the study
    has a run of its own, which ends as FINISHED, as FAILED after an exception, as KILLED after Ctrl-C.

    Parameters
    ----------
    name
        The study's name.
    scoring
        The primary metric, one of the names in ``SplitResult.scores``.
    baseline
        The arm that gains are taken from.
    class_names
        Names for the rows of the sample grids.
    folder
        The study's folder, which ``LearnerRecord.folder`` is relative to.
    experiment
        MLflow's experiment; made where it is missing. A caller's run keeps its own.
    uri
        Where MLflow keeps runs: ``sqlite:///runs/mlflow.db``, a server's address, ... By default where the caller does.
    artifacts
        Where a new experiment keeps files: by default beside an SQLite file named in ``uri``, else where MLflow says.
    params
        Settings to reproduce the study; nested ones are joined by dots.
    tags
        Tags of the study's run.
    run_id
        The run of an interrupted study to go on with (`TrackedStudy.run_id`): what it holds is not logged twice.

    Raises
    ------
    ConfigError
        If mlflow is not installed, if the URI names no store that MLflow 3 writes to, if there is no run ``run_id`` or
        the experiment was deleted.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> folder = tempfile.TemporaryDirectory()
    >>> with track_study("demo", scoring="accuracy", uri=f"sqlite:///{folder.name}/mlflow.db") as study:
    ...     study.log_dataset(np.zeros((4, 2)), np.array([0, 1, 0, 1]), name="zeros")
    >>> folder.cleanup()
    """
    store, active = calls.locate(uri)
    client = calls.open_client(store)
    location = artifact_location(uri, artifacts)
    taken = run_id or active
    run = calls.find_run(client, taken) if taken else calls.new_run(client, name, experiment, location)
    ids = (run.info.run_id, run.info.experiment_id)
    study = TrackedStudy(client, *ids, name, scoring, baseline, tuple(class_names), Path(folder))
    status = "FAILED"
    try:
        if run.info.run_id != active:
            study._start(run.info.run_id)
        if run_id is not None:
            study._adopt()
        study._describe(run, params or {}, tags or {})
        yield study
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        study._end(status)


@dataclass
class TrackedStudy:
    """What logs one study into MLflow; `track_study` makes it.

    Attributes
    ----------
    client
        MLflow's client, bound to the study's store.
    run_id, experiment_id
        The study's run; hand ``run_id`` to `track_study` to go on after an interruption.
    name, scoring, baseline, class_names, folder
        As given to `track_study`.

    Examples
    --------
    >>> import tempfile
    >>> from synthaug.experiment.results import SplitResult
    >>> scores = {"none": {"accuracy": 0.8}, "gan": {"accuracy": 0.9}}
    >>> split = SplitResult(0, 0, 0, 40, 100, scores, {}, {}, {"gan": 40}, {"none": 0.1, "gan": 0.2})
    >>> folder = tempfile.TemporaryDirectory()
    >>> with track_study("demo", scoring="accuracy", uri=f"sqlite:///{folder.name}/mlflow.db") as study:
    ...     study.log_split(split)
    ...     runs = study.client.search_runs([study.experiment_id], "tags.arm = 'gan'")
    >>> round(runs[0].data.metrics["accuracy_gain"], 3)
    0.1
    >>> folder.cleanup()
    """

    client: "MlflowClient"
    run_id: str
    experiment_id: str
    name: str
    scoring: str
    baseline: str
    class_names: tuple[str, ...] = ()
    folder: Path = Path()
    _params: dict[str, str] = field(default_factory=dict, repr=False)
    _arms: dict[str, str] = field(default_factory=dict, repr=False)  # arm -> run
    _running: list[str] = field(default_factory=list, repr=False)  # the runs to end
    _done: set[tuple[str, str, int]] = field(default_factory=set, repr=False)  # kind, name, split of what is logged

    def log_dataset(self, X: Any, y: Any, *, name: str, context: str = "training") -> None:
        """Log a data set's name, shape, schema and digest, but none of its rows.

        Parameters
        ----------
        X
            Rows: a DataFrame, or anything that becomes a numpy array.
        y
            Labels, shape (n,).
        name
            The data set's name.
        context
            What it is used for, such as ``training`` or ``test``.
        """
        calls.log_dataset(self.client, self.run_id, X, y, name=name, context=context)

    def log_split(self, result: SplitResult) -> None:
        """Log one split: a step in every arm's run and a run for every learner. What is there already is left alone.

        Parameters
        ----------
        result
            The finished split.

        Raises
        ------
        FileError
            If a learner's record names a folder that does not exist.
        """
        for arm in result.scores:
            self._log_arm(arm, result)
        for arm, reason in result.skipped.items():
            calls.set_tags(self.client, self._arm_run(arm), {"verdict": "n/a", "skipped": reason})
        for record in result.learners:
            self._log_learner(record, result)
        if ("split", "", result.index) not in self._done:
            sizes = [Point("n_train", result.n_train, result.index), Point("n_test", result.n_test, result.index)]
            calls.set_metrics(self.client, self.run_id, sizes)
            self._done.add(("split", "", result.index))

    def log_summary(self, comparison: "Comparison") -> None:
        """Log the verdicts: tags and differences on every arm, the table and the best arm on the study.

        Parameters
        ----------
        comparison
            The finished comparison.
        """
        summary = comparison.summary()
        means = comparison.frame.groupby(["arm", "metric"])["value"].mean()
        for arm in summary.index:
            calls.set_metrics(self.client, self._arm_run(arm), verdict_points(summary.loc[arm], means.loc[arm]))
            calls.set_tags(self.client, self._arm_run(arm), verdict_tags(summary.loc[arm]))
        self.client.log_text(self.run_id, summary.to_csv(), "summary.csv")
        calls.log_figure(self.client, self.run_id, comparison.plot(), "differences.png")
        self._log_words(study_verdict(summary), comparison.sentence())

    def log_report(self, path: str | os.PathLike[str]) -> None:
        """Log a file, such as the report, with the study's run."""
        self.client.log_artifact(self.run_id, os.fspath(path))

    def _describe(self, run: "Run", params: Mapping[str, Any], tags: Mapping[str, Any]) -> None:
        self._params = flat_parameters(params)
        fresh = {key: text for key, text in self._params.items() if key not in run.data.params}
        calls.set_params(self.client, self.run_id, fresh)
        words = {"kind": "study", "study": self.name, "synthaug.version": __version__}
        calls.set_tags(self.client, self.run_id, words | dict(tags))
        self.client.log_text(self.run_id, json.dumps(dict(params), indent=2, default=str), "settings.json")

    def _start(self, run_id: str) -> None:
        self.client.update_run(run_id, status="RUNNING")
        self._running.append(run_id)

    def _end(self, status: str) -> None:
        for run_id in reversed(self._running):
            calls.end_run(self.client, run_id, status)

    def _adopt(self) -> None:
        """Take in an interrupted study's runs: arms go on, finished learners stay, half-logged ones are deleted."""
        self._remember("split", "", self.run_id, "n_train")
        for run in calls.tagged_runs(self.client, self.experiment_id, "study_id", self.run_id):
            tags, run_id = run.data.tags, run.info.run_id
            if tags["kind"] == "arm":
                self._arms[tags["arm"]] = run_id
                self._start(run_id)
                self._remember("arm", tags["arm"], run_id, "n_added")
            elif run.info.status == "FINISHED":
                self._done.add(("learner", tags["learner"], int(tags["split"])))
            else:
                self.client.delete_run(run_id)

    def _remember(self, kind: str, name: str, run_id: str, metric: str) -> None:
        self._done |= {(kind, name, point.step) for point in self.client.get_metric_history(run_id, metric)}

    def _child(self, title: str, parent: str, tags: Mapping[str, str], *, seconds_ago: float = 0.0) -> "Run":
        began = int(1000 * (time.time() - seconds_ago))
        family = {"mlflow.parentRunId": parent, "study_id": self.run_id, "study": self.name} | calls.SOURCE
        run = self.client.create_run(self.experiment_id, start_time=began, run_name=title, tags=family | dict(tags))
        self._running.append(run.info.run_id)
        return run

    def _arm_run(self, arm: str) -> str:
        if arm not in self._arms:
            self._arms[arm] = self._child(arm, self.run_id, {"kind": "arm", "arm": arm}).info.run_id
            calls.set_params(self.client, self._arms[arm], self._params | {"arm": arm})
        return self._arms[arm]

    def _log_arm(self, arm: str, result: SplitResult) -> None:
        if ("arm", arm, result.index) in self._done:
            return
        run_id, name = self._arm_run(arm), f"decisions/{result.index:04d}"
        if arm == "gated" and not result.decision.empty:
            self.client.log_text(run_id, result.decision.to_csv(index=False), f"{name}.csv")
            self.client.log_text(run_id, result.explanation, f"{name}.txt")
        points = arm_points(result, arm, scoring=self.scoring, baseline=self.baseline)
        calls.set_metrics(self.client, run_id, points)
        self._done.add(("arm", arm, result.index))

    def _log_learner(self, record: LearnerRecord, result: SplitResult) -> None:
        if ("learner", record.name, result.index) in self._done:
            return
        user = learner_user(record.name, list(result.scores))
        parent = self.run_id if user is None else self._arm_run(user)
        tags = {"kind": "learner", "learner": record.name, "split": str(result.index)}
        run = self._child(f"{record.name}, split {result.index}", parent, tags, seconds_ago=record.seconds)
        calls.set_params(self.client, run.info.run_id, flat_parameters(record.parameters))
        calls.set_metrics(self.client, run.info.run_id, learner_points(record), seconds_ago=record.seconds)
        self._log_files(run, record)
        calls.end_run(self.client, run.info.run_id)
        self._running.remove(run.info.run_id)
        self._done.add(("learner", record.name, result.index))

    def _log_files(self, run: "Run", record: LearnerRecord) -> None:
        figure = sample_grid(record, self.class_names)
        if not record.quality.empty:
            self.client.log_text(run.info.run_id, record.quality.to_csv(index=False), "quality.csv")
        if figure is not None:
            calls.log_figure(self.client, run.info.run_id, figure, "samples.png")
        if record.folder is not None:
            calls.log_model(self.client, run, self.folder / record.folder)

    def _log_words(self, verdict: Mapping[str, str], sentence: str) -> None:
        """Tag the study with its verdict; its own run also gets the sentence as the description that MLflow shows."""
        note = {"mlflow.note.content": sentence} if self.run_id in self._running else {}
        calls.set_tags(self.client, self.run_id, {"sentence": sentence} | dict(verdict) | note)
        if verdict:
            calls.set_metrics(self.client, self.run_id, [Point("gain", float(verdict["gain"]))])
