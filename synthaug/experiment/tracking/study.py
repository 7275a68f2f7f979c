"""What a study logs, and when: a run for itself, beneath it one for each arm, beneath those one for each learner."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthaug.experiment.results import LearnerRecord, SplitResult
from synthaug.experiment.settings import with_plain_keys
from synthaug.experiment.tracking import client as calls
from synthaug.experiment.tracking.about import About
from synthaug.experiment.tracking.records import (
    Point,
    arm_points,
    flat_parameters,
    learner_points,
    learner_user,
    sample_grid,
    verdict_points,
    verdict_tags,
)
from synthaug.experiment.tracking.verdicts import (
    APPROVED,
    registered_learner,
    runs_page,
    runs_view,
    study_note,
    study_tables,
    study_verdict,
)

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from synthaug.experiment.comparison import Comparison


@dataclass
class TrackedStudy:
    """What logs one study into MLflow; `track_study` makes it.

    Attributes
    ----------
    client
        MLflow's client, bound to the study's store.
    run_id, experiment_id
        The study's run; hand ``run_id`` to `track_study` to go on after an interruption.
    about
        What the study says of itself.
    owned
        Whether the run is ended here.
    known
        Whether the run may hold something of the study already.

    Examples
    --------
    >>> from synthaug.experiment.tracking import track_study
    >>> from synthaug.experiment.results import SplitResult
    >>> scores = {"none": {"accuracy": 0.8}, "gan": {"accuracy": 0.9}}
    >>> split = SplitResult(0, 0, 0, 40, 100, scores, {}, {}, {"gan": 40}, {"none": 0.1, "gan": 0.2})
    >>> with track_study("demo", scoring="accuracy", uri="sqlite:///mlflow.db") as study:
    ...     study.log_split(split)
    ...     runs = study.client.search_runs([study.experiment_id], "tags.arm = 'gan'")
    >>> round(runs[0].data.metrics["accuracy_gain"], 3)
    0.1
    """

    client: "MlflowClient"
    run_id: str
    experiment_id: str
    about: About
    owned: bool = True
    known: bool = False
    _params: dict[str, str] = field(default_factory=dict, repr=False)
    _arms: dict[str, str] = field(default_factory=dict, repr=False)  # arm -> run
    _running: list[str] = field(default_factory=list, repr=False)  # the runs to end
    _done: set[tuple[str, str, int]] = field(default_factory=set, repr=False)  # kind, name, split of what is logged

    @property
    def page(self) -> str:
        """The page of the study's arms beside each other, behind the address of MLflow's server."""
        return runs_page(self.experiment_id, self.run_id)

    def begin(self) -> None:
        """Take in what the run holds already, and describe the study."""
        if self.owned:
            self._start(self.run_id)
        if self.known:
            self._adopt()
        self._describe()

    def end(self, status: str) -> None:
        """End the runs that were begun here."""
        for run_id in reversed(self._running):
            calls.end_run(self.client, run_id, status)

    def holds(self, split: int) -> bool:
        """Return whether a split is logged whole."""
        return ("split", "", split) in self._done

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
        self.log_described(calls.describe_dataset(X, y, name), context=context)

    def log_described(self, dataset: Mapping[str, str], *, context: str = "training") -> None:
        """Log a data set by the description that MLflow gave of it before."""
        calls.log_dataset(self.client, self.run_id, dataset, context=context)

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
            self._log_verdict(self._arm_run(arm), summary.loc[arm], means.loc[arm])
        for name, table in study_tables(comparison).items():
            self.client.log_text(self.run_id, table.to_csv(index=name == "summary"), f"{name}.csv")
        calls.log_figure(self.client, self.run_id, comparison.plot(), "study.png")
        self._log_words(comparison)
        if self.about.register_as is not None:
            self._register(comparison, self.about.register_as)

    def log_report(self, path: str | os.PathLike[str]) -> None:
        """Log a file, such as the report, with the study's run."""
        self.client.log_artifact(self.run_id, os.fspath(path))

    def _describe(self) -> None:
        run, about = self.client.get_run(self.run_id), self.about
        self._params = flat_parameters(about.params)
        fresh = {key: text for key, text in self._params.items() if key not in run.data.params}
        calls.set_params(self.client, self.run_id, fresh)
        calls.set_tags(self.client, self.run_id, {"kind": "study", "study": about.name} | about.origin | about.tags)
        settings = json.dumps(with_plain_keys(about.params), indent=2, default=str)
        self.client.log_text(self.run_id, settings, "settings.json")

    def _start(self, run_id: str) -> None:
        self.client.update_run(run_id, status="RUNNING")
        self._running.append(run_id)

    def _adopt(self) -> None:
        """Take in an interrupted study's runs: arms go on, finished learners stay, half-logged ones are deleted."""
        self._remember("split", "", self.run_id, "n_train")
        for run in calls.tagged_runs(self.client, self.experiment_id, "study_id", self.run_id):
            tags, run_id = run.data.tags, run.info.run_id
            if tags["kind"] == "arm" and tags["arm"] not in self._arms:
                self._arms[tags["arm"]] = run_id
                self._start(run_id)
                self._remember("arm", tags["arm"], run_id, "n_added")
            elif tags["kind"] == "learner" and run.info.status == "FINISHED":
                self._done.add(("learner", tags["learner"], int(tags["split"])))
            elif run.info.status != "FINISHED":
                calls.delete_half(self.client, run)

    def _remember(self, kind: str, name: str, run_id: str, metric: str) -> None:
        self._done |= {(kind, name, point.step) for point in self.client.get_metric_history(run_id, metric)}

    def _child(self, title: str, parent: str, tags: Mapping[str, str], *, began: float | None = None) -> "Run":
        family = {"mlflow.parentRunId": parent, "study_id": self.run_id, "study": self.about.name}
        words = family | calls.SOURCE | self.about.origin | dict(tags)
        start = int(1000 * (time.time() if began is None else began))
        run = self.client.create_run(self.experiment_id, start_time=start, run_name=title, tags=words)
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
        if arm == result.gated_arm and not result.decision.empty:
            self.client.log_text(run_id, result.decision.to_csv(index=False), f"{name}.csv")
            self.client.log_text(run_id, result.explanation, f"{name}.txt")
        points = arm_points(result, arm, scoring=self.about.scoring, baseline=self.about.baseline)
        calls.set_metrics(self.client, run_id, points)
        self._done.add(("arm", arm, result.index))

    def _log_learner(self, record: LearnerRecord, result: SplitResult) -> None:
        if ("learner", record.name, result.index) in self._done:
            return
        user = learner_user(record.name, result)
        parent = self.run_id if user is None else self._arm_run(user)
        tags = {"kind": "learner", "learner": record.name, "split": str(result.index)}
        began = time.time() - record.seconds
        run = self._child(f"{record.name}, split {result.index}", parent, tags, began=began)
        calls.set_params(self.client, run.info.run_id, flat_parameters(record.parameters))
        calls.set_metrics(self.client, run.info.run_id, learner_points(record), began=began)
        self._log_files(run, record)
        calls.end_run(self.client, run.info.run_id)
        self._running.remove(run.info.run_id)
        self._done.add(("learner", record.name, result.index))

    def _log_files(self, run: "Run", record: LearnerRecord) -> None:
        figure = sample_grid(record, self.about.class_names)
        if not record.quality.empty:
            self.client.log_text(run.info.run_id, record.quality.to_csv(index=False), "quality.csv")
        if figure is not None:
            calls.log_figure(self.client, run.info.run_id, figure, "samples.png")
        if record.folder is not None:
            calls.log_model(self.client, run, self.about.folder / record.folder)

    def _log_verdict(self, run_id: str, row: "pd.Series", means: "pd.Series") -> None:
        """Log an arm's row of the summary; numbers that its run shows already are left alone."""
        shown = self.client.get_run(run_id).data.metrics
        points = [point for point in verdict_points(row, means) if shown.get(point.key) != point.value]
        calls.set_metrics(self.client, run_id, points)
        calls.set_tags(self.client, run_id, verdict_tags(row))

    def _log_words(self, comparison: "Comparison") -> None:
        """Tag the study with its verdict; its own run also gets the words and table that MLflow shows above all."""
        verdict = study_verdict(comparison.summary())
        note = {"mlflow.note.content": study_note(comparison)} if self.run_id in self._running else {}
        calls.set_tags(self.client, self.run_id, {"sentence": comparison.sentence()} | verdict | note)
        shown = self.client.get_run(self.run_id).data.metrics
        if verdict and shown.get("gain") != float(verdict["gain"]):
            calls.set_metrics(self.client, self.run_id, [Point("gain", float(verdict["gain"]))])
        view = runs_view(self.run_id, comparison.scoring)
        self.client.set_experiment_tag(self.experiment_id, f"mlflow.sharedViewState.{self.run_id}", view)

    def _register(self, comparison: "Comparison", name: str) -> None:
        """Register the learner of one split; the alias moves to it if gates approved it and no harm was shown."""
        chosen = registered_learner(comparison.splits)
        if chosen is None:
            return
        words = (
            f"tags.study_id = '{self.run_id}' and tags.split = '{chosen.split}' and tags.learner = '{chosen.learner}'"
        )
        runs = self.client.search_runs([self.experiment_id], words)
        model = calls.logged_model(self.client, runs[0].info.run_id) if runs else None
        if model is None:  # somebody deleted it in MLflow
            return
        summary = comparison.summary()
        tags = {"study": self.about.name, "study_id": self.run_id} | chosen.tags | study_verdict(summary)
        version = calls.register_model(
            self.client, name, model, run_id=runs[0].info.run_id, tags=tags | self.about.origin
        )
        calls.set_tags(self.client, self.run_id, {"registered_model": name, "registered_version": version})
        if chosen.approved and summary["verdict"].get(comparison.splits[0].gated_arm) != "hurts":
            self.client.set_registered_model_alias(name, APPROVED, version)
