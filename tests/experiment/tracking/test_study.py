import json
import os
import platform
import re
import subprocess
import sys
import time
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthaug import CGAN, Folds, SyntheticAugmenter, compare
from synthaug.errors import ConfigError, FileError
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.results import SplitResult
from synthaug.experiment.tracking import TrackedStudy, describe_rows, track_study


def runs(study: TrackedStudy, kind: str) -> dict:
    """Return a study's runs of one kind, by name."""
    found = study.client.search_runs([study.experiment_id], f"tags.kind = '{kind}'")
    return {run.info.run_name: run for run in found}


def arms_of_all(study: TrackedStudy) -> list:
    """Return the arms of all studies in a study's experiment."""
    return study.client.search_runs([study.experiment_id], "tags.kind = 'arm'")


def artifact(study: TrackedStudy, run_id: str, name: str) -> str:
    return Path(study.client.download_artifacts(run_id, name)).read_text(encoding="utf-8")


def dead_study(uri: str, error: type[BaseException], *results: SplitResult) -> TrackedStudy:
    """Return a study that logged some splits, then died."""
    born: list[TrackedStudy] = []

    def die() -> None:
        with track_study("demo", scoring="accuracy", uri=uri) as study:
            born.append(study)
            for result in results:
                study.log_split(result)
            raise error

    with pytest.raises(error):
        die()
    return born[0]


def noisy_splits(split, n: int = 6) -> tuple:
    rng = np.random.default_rng(0)
    made = [split(index) for index in range(n)]
    for result in made:
        for arm, values in result.blocks.items():
            values += 0.01 * rng.normal(size=values.shape)
            result.scores[arm]["balanced_accuracy"] = float(values.mean())
    return tuple(made)


def compared(splits: tuple) -> Comparison:
    return Comparison("demo", "draws", "balanced_accuracy", "none", splits, {"seed": 0}, ("benign", "<50", ">50"))


def test_runs_form_a_tree(uri, split, learner):
    """The study's run is the parent of the arms' runs, and those of the learners' that they used."""
    with track_study("demo", scoring="balanced_accuracy", uri=uri) as study:
        study.log_split(split(learners=(learner("full"), learner("inner 0"))))
    arms, learners = runs(study, "arm"), runs(study, "learner")
    assert set(arms) == {"none", "gan", "gated", "smote"}
    assert {run.data.tags["mlflow.parentRunId"] for run in arms.values()} == {study.run_id}
    parents = {name: run.data.tags["mlflow.parentRunId"] for name, run in learners.items()}
    assert parents == {
        "full, split 0": arms["gan"].info.run_id,
        "inner 0, split 0": arms["gated"].info.run_id,
    }


def test_every_run_is_ended(uri, split, learner):
    """When a study is over, no run is left running."""
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        study.log_split(split(learners=(learner(),)))
    found = study.client.search_runs([study.experiment_id], f"tags.study = '{study.about.name}'")
    assert len(found) == 6
    assert {run.info.status for run in found} == {"FINISHED"}


def test_arms_hold_metrics_of_every_split(uri, split):
    """A split is a step of each arm's run: every metric, and the gains over the baseline of the same split."""
    with track_study("demo", scoring="balanced_accuracy", uri=uri) as study:
        for index in range(3):
            study.log_split(split(index))
    run_id = runs(study, "arm")["gan"].info.run_id
    history = {
        name: {point.step: round(point.value, 6) for point in study.client.get_metric_history(run_id, name)}
        for name in ("accuracy", "accuracy_gain", "balanced_accuracy_gain", "n_added")
    }
    assert history == {
        "accuracy": {0: 0.82, 1: 0.83, 2: 0.84},
        "accuracy_gain": {0: 0.02, 1: 0.03, 2: 0.04},
        "balanced_accuracy_gain": dict.fromkeys(range(3), 0.05),
        "n_added": dict.fromkeys(range(3), 20),
    }


def test_settings_become_parameters(uri, split):
    """Settings are parameters of the study and of its arms, and whole in settings.json, however many and long."""
    settings = {"seed": 0, "generator": {"lr": 2e-4}, "long": "x" * 10_000, **{f"p{i}": i for i in range(150)}}
    with track_study("demo", scoring="accuracy", uri=uri, params=settings, tags={"team": "clinic"}) as study:
        study.log_split(split())
    run, arm = study.client.get_run(study.run_id), runs(study, "arm")["gan"]
    assert run.data.params["generator.lr"] == "0.0002" == arm.data.params["generator.lr"]
    assert len(run.data.params) == 153
    assert run.data.tags["team"] == "clinic"
    assert json.loads(artifact(study, study.run_id, "settings.json")) == settings


def test_settings_may_have_any_keys(uri):
    """Settings under numpy's numbers, such as rows a class, and tags under any name are logged, their names as text."""
    params = {"rows_per_class": {np.int64(1): 10, np.int64(7): 4}, "pairs": [{(0, 1): "x"}], 5: (1, 2)}
    with track_study("demo", scoring="accuracy", uri=uri, params=params, tags={"a[0],b": "x", "k" * 300: 1}) as study:
        pass
    data = study.client.get_run(study.run_id).data
    assert {"rows_per_class.1": "10", "rows_per_class.7": "4", "5": "(1, 2)"}.items() <= data.params.items()
    assert {"a_x5b_0_x5d__x2c_b": "x", "k" * 250: "1"}.items() <= data.tags.items()
    kept = json.loads(artifact(study, study.run_id, "settings.json"))
    assert kept == {"rows_per_class": {"1": 10, "7": 4}, "pairs": [{"(0, 1)": "x"}], "5": [1, 2]}


def test_losses_travel_in_batches(uri, split, learner, monkeypatch):
    """A learner's losses are logged in batches of at most 1000, not in a call for each step."""
    calls: list[int] = []
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        study.log_split(split())
        true = study.client.log_batch
        monkeypatch.setattr(
            study.client,
            "log_batch",
            lambda *a, metrics=(), **k: (calls.append(len(metrics)), true(*a, metrics=metrics, **k)),
        )
        study.log_split(split(1, learners=(learner(n_steps=2300),)))
    run = runs(study, "learner")["full, split 1"]
    assert len(study.client.get_metric_history(run.info.run_id, "critic")) == 2300
    assert max(calls) == 1000
    assert len(calls) < 20


def test_learner_run_shows_quality_and_samples(uri, split, learner):
    """A learner's run has its parameters, its quality by class as metrics and as a table, and a picture of samples."""
    with track_study("demo", scoring="accuracy", uri=uri, class_names=["benign", "<50", ">50"]) as study:
        study.log_split(split(learners=(learner(),)))
    run = runs(study, "learner")["full, split 0"]
    assert run.data.params == {"lr": "0.0002", "width": "8"}
    assert run.data.metrics["quality/kid/benign"] == 0.2
    assert run.data.metrics["quality/kid/_x3c_50"] == 0.3
    assert "quality/kid/_x3e_50" not in run.data.metrics
    files = {item.path for item in study.client.list_artifacts(run.info.run_id)}
    assert files == {"quality.csv", "samples.png"}
    assert run.info.end_time - run.info.start_time >= 2000


def test_table_learner_has_no_picture(uri, split, learner):
    """A learner of tables, with neither images nor measured quality, is logged without files."""
    bare = learner(real=np.empty(0), synthetic=np.empty(0), quality=pd.DataFrame())
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        study.log_split(split(learners=(bare,)))
    assert not study.client.list_artifacts(runs(study, "learner")["full, split 0"].info.run_id)


def test_gate_decision_is_kept(uri, split):
    """The gate's table and sentence of each split lie with the arm *gated*."""
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        study.log_split(split(2))
    run_id = runs(study, "arm")["gated"].info.run_id
    assert artifact(study, run_id, "decisions/0002.csv").startswith("candidate,score,gain,low,high,chosen")
    assert artifact(study, run_id, "decisions/0002.txt") == "The best mix gained 4.0 points."


def test_skipped_arm_says_why(uri, split):
    """An arm that does not apply has a run that says n/a and the reason."""
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        study.log_split(split())
    tags = runs(study, "arm")["smote"].data.tags
    assert (tags["verdict"], tags["skipped"]) == ("n/a", "it takes tables only")


@pytest.mark.slow  # it makes a database
def test_nothing_is_printed(uri, split, learner, capfd):
    """Logging leaves the terminal to the study's own output."""
    with track_study("demo", scoring="accuracy", uri=uri.replace("mlflow.db", "new.db")) as study:
        study.log_split(split(learners=(learner(),)))
    assert capfd.readouterr() == ("", "")


def test_caller_run_is_taken_over(uri, split):
    """A caller's active run becomes the study, stays open, and keeps its parameters, store and description."""
    import mlflow

    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run(description="mine") as mine:
            mlflow.log_param("seed", 1)
            with track_study("demo", scoring="accuracy", params={"seed": 2, "other": 3}) as study:
                study.log_split(split())
            assert study.run_id == mine.info.run_id
            assert mlflow.active_run().info.run_id == mine.info.run_id
            run = study.client.get_run(study.run_id)
            assert (run.info.status, run.data.params) == ("RUNNING", {"seed": "1", "other": "3"})
            assert run.data.tags["mlflow.note.content"] == "mine"
        assert {run.info.status for run in runs(study, "arm").values()} == {"FINISHED"}
        assert mlflow.get_tracking_uri() == uri
    finally:
        mlflow.set_tracking_uri(None)


def test_second_study_in_a_caller_run_gets_one_beneath(uri, split):
    """Two studies in one active run share no arm and no verdict: the second is nested, and ends by itself."""
    import mlflow

    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run() as mine:
            with track_study("first", scoring="accuracy") as first:
                first.log_split(split())
            with track_study("second", scoring="accuracy") as second:
                second.log_split(split())
        assert first.run_id == mine.info.run_id
        tags = {study.about.name: study.client.get_run(study.run_id).data.tags for study in (first, second)}
        assert {name: own["study"] for name, own in tags.items()} == {"first": "first", "second": "second"}
        assert tags["second"]["mlflow.parentRunId"] == first.run_id
        families = [(run.data.tags["study"], run.data.tags["mlflow.parentRunId"]) for run in arms_of_all(second)]
        assert set(families) == {("first", first.run_id), ("second", second.run_id)}
        n_arms = len(split().scores) + len(split().skipped)
        assert families.count(families[0]) == n_arms == len(families) // 2
        assert second.client.get_run(second.run_id).info.status == "FINISHED"
    finally:
        mlflow.set_tracking_uri(None)


def test_finished_comparison_is_logged_into_the_caller_run(uri):
    """``compare`` in a notebook: one call logs arms, learners, verdicts and the report where the caller logs."""
    import mlflow

    rng = np.random.default_rng(0)
    y = np.repeat(["ill", "well"], [20, 40])
    X = rng.normal(size=(60, 3)) + (y == "ill")[:, None]
    augmenter = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=4))
    result = compare(X, y, arms=["none", "smote", "gan"], augmenter=augmenter, cv=Folds(2, 1), random_state=0)
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run() as mine:
            assert result.to_mlflow() == mine.info.run_id
            assert mlflow.active_run().info.run_id == mine.info.run_id
        client = mlflow.MlflowClient()
        found = client.search_runs([mine.info.experiment_id], "tags.kind = 'arm'")
        assert {run.info.run_name: run.data.tags["verdict"] for run in found} == result.summary()["verdict"].to_dict()
        assert len(client.search_runs([mine.info.experiment_id], "tags.kind = 'learner'")) == 2
        assert {"report.html", "summary.csv"} <= {file.path for file in client.list_artifacts(mine.info.run_id)}
        assert client.get_run(mine.info.run_id).data.tags["sentence"] == result.sentence()
    finally:
        mlflow.set_tracking_uri(None)


def test_comparison_called_again_goes_on_in_the_caller_run(uri, split, learner, monkeypatch):
    """Where the server went away in the middle, a second call finishes the first; another comparison gets its own."""
    import mlflow

    first = compared(tuple(replace(result, learners=(learner(),)) for result in noisy_splits(split, 2)))
    other = compared(noisy_splits(split, 3))
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run() as mine:
            with monkeypatch.context() as patch:
                patch.setattr(TrackedStudy, "log_summary", server_away)
                with pytest.raises(OSError, match="away"):
                    first.to_mlflow()
            beneath = other.to_mlflow()
            assert first.to_mlflow() == mine.info.run_id
            assert beneath != mine.info.run_id != first.to_mlflow()
        client = mlflow.MlflowClient()
        found = client.search_runs([mine.info.experiment_id], f"tags.study_id = '{mine.info.run_id}'")
        names = ["full, split 0", "full, split 1", "gan", "gated", "none", "smote"]
        assert sorted(run.info.run_name for run in found) == names
        assert {run.info.status for run in found} == {"FINISHED"}
        assert client.get_run(mine.info.run_id).data.tags["sentence"] == first.sentence()
    finally:
        mlflow.set_tracking_uri(None)


def server_away(*args: object) -> None:
    raise OSError("server away")


def test_comparison_gives_up_on_a_server_that_is_away(split):
    """A server that does not answer is an error within seconds: MLflow's own patience is minutes."""
    from mlflow.exceptions import MlflowException

    began = time.monotonic()
    with pytest.raises(MlflowException, match=r"Connection refused|Max retries"):
        compared(noisy_splits(split, 2)).to_mlflow(uri="http://127.0.0.1:9")
    assert time.monotonic() - began < 60


def test_run_in_another_store_is_left_alone(uri, split, tmp_path, migrated):
    """A study with a store of its own neither nests beneath the caller's run elsewhere nor moves the caller's store."""
    import mlflow

    elsewhere = tmp_path / "other" / "mlflow.db"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(migrated.read_bytes())
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run() as mine, track_study("demo", scoring="accuracy", uri=f"sqlite:///{elsewhere}") as study:
            study.log_split(split())
        assert study.run_id != mine.info.run_id
        assert mlflow.get_tracking_uri() == uri
        assert not mlflow.MlflowClient().search_runs([mine.info.experiment_id], "tags.kind = 'arm'")
        assert study.client.get_run(study.run_id).info.status == "FINISHED"
    finally:
        mlflow.set_tracking_uri(None)


def test_run_of_the_environment_is_taken_over(uri, monkeypatch):
    """Started by ``mlflow run``, which names its run in the environment, a study logs there and leaves it open."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    outer = client.create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_RUN_ID", outer)
    with track_study("demo", scoring="accuracy") as study:
        assert study.run_id == outer
    assert client.get_run(outer).info.status == "RUNNING"


@pytest.mark.parametrize(("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_status_tells_how_it_ended(uri, split, error, status):
    """An exception leaves the study and its arms FAILED, Ctrl-C leaves them KILLED."""
    study = dead_study(uri, error, split())
    assert study.client.get_run(study.run_id).info.status == status
    assert {run.info.status for run in runs(study, "arm").values()} == {status}


def test_resume_logs_nothing_twice(uri, split, learner):
    """An interrupted study goes on in the same runs; splits that it holds are not logged again."""
    study = dead_study(uri, KeyboardInterrupt, split(0, learners=(learner(),)))
    before = set(runs(study, "arm"))
    with track_study("demo", scoring="accuracy", uri=uri, run_id=study.run_id) as again:
        for index in range(2):
            again.log_split(split(index, learners=(learner(),)))
    assert again.run_id == study.run_id
    assert set(runs(again, "arm")) == before
    assert set(runs(again, "learner")) == {"full, split 0", "full, split 1"}
    history = again.client.get_metric_history(runs(again, "arm")["gan"].info.run_id, "accuracy")
    assert sorted(point.step for point in history) == [0, 1]
    assert again.client.get_run(again.run_id).info.status == "FINISHED"


def test_resume_redoes_a_half_logged_learner(uri, split, learner, monkeypatch):
    """A learner's run that was interrupted while it was logged is deleted and made anew."""

    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrackedStudy, "_log_files", interrupt)
        study = dead_study(uri, KeyboardInterrupt, split(learners=(learner(),)))
    half = runs(study, "learner")["full, split 0"]
    assert half.info.status == "KILLED"
    with track_study("demo", scoring="accuracy", uri=uri, run_id=study.run_id) as again:
        again.log_split(split(learners=(learner(),)))
    whole = runs(again, "learner")["full, split 0"]
    assert whole.info.run_id != half.info.run_id
    assert whole.info.status == "FINISHED"


def test_same_split_twice_is_logged_once(uri, split, learner):
    """Logging a split again in the same study changes nothing."""
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        study.log_split(split(learners=(learner(),)))
        study.log_split(split(learners=(learner(),)))
    assert len(study.client.get_metric_history(study.run_id, "n_train")) == 1
    assert len(study.client.search_runs([study.experiment_id], "tags.kind = 'learner'")) == 1


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.zeros((6, 4, 4), dtype=np.uint8), np.arange(6) % 2),
        (np.zeros((6, 3)), np.array(list("ababab"))),
        (pd.DataFrame({"age": [1, 2, 3], "label": ["x", "y", "z"]}), ["ill", "well", "ill"]),
        (pd.DataFrame({"kind": pd.Categorical(["u", "v", "u"]), "n": [1, 2, 3]}), pd.Series([True, False, True])),
    ],
)
def test_dataset_is_described(uri, X, y):
    """A data set is logged by name, digest and context, and names no user."""
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        study.log_dataset(X, y, name="clinic", context="test")
    (logged,) = study.client.get_run(study.run_id).inputs.dataset_inputs
    assert logged.dataset.name == "clinic"
    assert len(logged.dataset.digest) == 8
    assert {tag.key: tag.value for tag in logged.tags} == {"mlflow.data.context": "test"}
    assert "user" not in logged.dataset.source


def test_dataset_of_whole_numbers_is_described_quietly():
    """MLflow's hint about columns of integers, which nobody here could act on, is held back, and costs no schema."""
    rows = pd.DataFrame({"age": [1, 2, 3]})
    assert "age" in describe_rows(rows, np.array([0, 1, 0]), "clinic")["schema"]


def test_table_of_very_many_columns_is_logged(uri):
    """A table whose schema is longer than MLflow takes is logged by name and digest, its schema left out."""
    rows = pd.DataFrame(np.zeros((4, 10_000)), columns=[f"gene ENSG{number:080d}" for number in range(10_000)])
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        study.log_dataset(rows, np.array([0, 1, 0, 1]), name="genes")
    (logged,) = study.client.get_run(study.run_id).inputs.dataset_inputs
    assert (logged.dataset.name, logged.dataset.schema) == ("genes", None)
    assert '"num_rows": 4' in logged.dataset.profile


def test_summary_tags_arms_and_study(uri, split, tmp_path):
    """Verdicts are tags of arms and study; differences and means are metrics; tables are files; a page shows them."""
    comparison = compared(noisy_splits(split))
    summary = comparison.summary()
    with track_study("demo", scoring="balanced_accuracy", uri=uri) as study:
        for result in comparison.splits:
            study.log_split(result)
        study.log_summary(comparison)
    arms, run = runs(study, "arm"), study.client.get_run(study.run_id)
    for arm in ("gan", "gated"):
        assert arms[arm].data.tags["verdict"] == summary.loc[arm, "verdict"]
        assert arms[arm].data.metrics["difference"] == pytest.approx(summary.loc[arm, "difference"])
        assert float(arms[arm].data.tags["gain"]) == pytest.approx(summary.loc[arm, "difference"], rel=1e-4)
    assert arms["none"].data.tags["verdict"] == "baseline"
    assert arms["gan"].data.metrics["accuracy_mean"] == pytest.approx(0.845)
    assert (run.data.tags["best_arm"], run.data.tags["verdict"]) == ("gan", summary.loc["gan", "verdict"])
    assert run.data.tags["mlflow.note.content"].startswith(comparison.sentence())
    assert f"| gan | {100 * summary.loc['gan', 'score']:.1f}" in run.data.tags["mlflow.note.content"]
    assert artifact(study, study.run_id, "summary.csv").startswith(",score,n_added,difference")
    check_page(study)
    assert "study.png" in {item.path for item in study.client.list_artifacts(study.run_id)}


def registered_study(uri, splits, tmp_path, n_summaries: int = 1) -> TrackedStudy:
    """Return a study whose learner was registered as *demo learner*."""
    (tmp_path / "saved").mkdir(exist_ok=True)
    (tmp_path / "saved" / "weights.txt").write_text("0")
    options = {"scoring": "balanced_accuracy", "uri": uri, "folder": tmp_path, "register_as": "demo learner"}
    with track_study("demo", **options) as study:
        for result in splits:
            study.log_split(result)
        for _ in range(n_summaries):
            study.log_summary(compared(splits))
    return study


@pytest.mark.parametrize(("chosen", "approved"), [("gan", True), ("classic", False)])
def test_learner_is_registered_and_named_when_approved(uri, split, learner, tmp_path, chosen, approved):
    """One version is registered, with verdict, gain and origin; only the gate's approval gives it the alias."""
    made = [split(index, learners=(learner(folder="saved"),)) for index in range(2)]
    splits = tuple(replace(result, decision=made_decision(result, chosen)) for result in made)
    study = registered_study(uri, splits, tmp_path, n_summaries=1 + approved)
    (version,) = study.client.search_model_versions("name = 'demo learner'")
    assert version.tags["gate"] == ("approved" if approved else "declined")
    assert {"verdict", "gain", "study_id", "python.version"} <= set(version.tags)
    aliases = study.client.get_registered_model("demo learner").aliases
    assert aliases == ({"approved": version.version} if approved else {})
    assert study.client.get_run(study.run_id).data.tags["registered_version"] == str(version.version)


def test_learner_of_a_study_that_shows_harm_is_not_named(uri, split, learner, tmp_path):
    """Where the gates approved and *gated* is shown to hurt, the version is registered without the alias."""
    kept = (learner(folder="saved"),)
    splits = tuple(
        replace(result, learners=kept, decision=made_decision(result, "gan")) for result in noisy_splits(split)
    )
    for result in splits:
        result.blocks["gated"] -= 0.3
        result.scores["gated"]["balanced_accuracy"] -= 0.3
    assert compared(splits).summary().loc["gated", "verdict"] == "hurts"
    study = registered_study(uri, splits, tmp_path, n_summaries=1)
    (version,) = study.client.search_model_versions("name = 'demo learner'")
    assert version.tags["approved_splits"] == "6 of 6"
    assert study.client.get_registered_model("demo learner").aliases == {}


def test_deleted_learner_is_not_registered(uri, split, learner, tmp_path):
    """Where somebody deleted the learner's run in MLflow, the verdicts are logged all the same."""
    (tmp_path / "saved").mkdir()
    splits = tuple(split(index, learners=(learner(folder="saved"),)) for index in range(2))
    settings = {"scoring": "balanced_accuracy", "folder": tmp_path, "uri": uri, "register_as": "demo learner"}
    with track_study("demo", **settings) as study:
        for result in splits:
            study.log_split(result)
        study.client.delete_run(runs(study, "learner")["full, split 0"].info.run_id)
        study.log_summary(compared(splits))
    assert "verdict" in study.client.get_run(study.run_id).data.tags
    assert not study.client.search_model_versions("name = 'demo learner'")


def made_decision(result: SplitResult, chosen: str) -> pd.DataFrame:
    return result.decision.assign(chosen=result.decision["candidate"] == chosen)


@pytest.mark.slow
def test_second_study_becomes_the_next_version(uri, split, learner, tmp_path):
    """A later study registers a second version of the same model, and the alias moves to it."""
    splits = tuple(split(index, learners=(learner(folder="saved"),)) for index in range(2))
    study = [registered_study(uri, splits, tmp_path) for _ in range(2)][1]
    assert len(study.client.search_model_versions("name = 'demo learner'")) == 2
    assert study.client.get_registered_model("demo learner").aliases == {"approved": 2}


def test_impossible_model_name_is_refused(uri):
    """A name that MLflow does not take is an error before anything is logged."""
    with (
        pytest.raises(ConfigError, match=r"register_as must be a name without / .*; got 'a/b' .* Choose another"),
        track_study("demo", scoring="accuracy", uri=uri, register_as="a/b"),
    ):
        pass


def test_every_run_says_where_it_comes_from(uri, split, learner):
    """Versions and the git commit are tags of the study, its arms and its learners, and MLflow can filter on them."""
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        study.log_split(split(learners=(learner(),)))
    found = study.client.search_runs([study.experiment_id], f"tags.`python.version` = '{platform.python_version()}'")
    assert {run.data.tags["kind"] for run in found} == {"study", "arm", "learner"}


def check_page(study: TrackedStudy) -> None:
    """Check that the experiment keeps a view of the study's arms, which the study's page names."""
    tags = study.client.get_experiment(study.experiment_id).tags
    view = json.loads(tags[f"mlflow.sharedViewState.{study.run_id}"])
    assert study.page.endswith(f"viewStateShareKey={study.run_id}")
    found = study.client.search_runs([study.experiment_id], view["searchFilter"])
    assert {run.info.run_name for run in found} == {"none", "gan", "gated", "smote"}
    shown = {column.split("`")[1] for column in view["selectedColumns"] if column.startswith("metrics")}
    assert shown <= set(runs(study, "arm")["gan"].data.metrics)


def test_filters_of_the_guide_find_runs(uri, split, learner):
    """Every filter that mlflow/README.md shows is one that MLflow understands, and the first finds the study."""
    guide = Path(__file__).parents[3] / "mlflow" / "README.md"
    filters = re.findall(r"\| `((?:tags|metrics)\.[^`]+)` \|", guide.read_text(encoding="utf-8"))
    assert len(filters) >= 5
    with track_study("digits", scoring="accuracy", uri=uri, experiment="guide") as study:
        study.log_split(split(3, learners=(learner(),)))
    found = [study.client.search_runs([study.experiment_id], words) for words in filters]
    assert [run.info.run_id for run in found[0]] == [study.run_id]
    assert [len(runs_found) for runs_found in found] == [1, 0, 4, 0, 1, 0]


def test_report_is_kept(uri, tmp_path):
    """The report lies with the study's run."""
    (tmp_path / "report.html").write_text("<p>ü</p>", encoding="utf-8")
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        study.log_report(tmp_path / "report.html")
    assert artifact(study, study.run_id, "report.html") == "<p>ü</p>"


def test_files_lie_beside_the_database(uri, tmp_path):
    """Files go beside the SQLite file, and nothing is written to the working folder."""
    with track_study("demo", scoring="accuracy", uri=uri, experiment="fresh") as study:
        study.log_dataset(np.zeros((2, 2)), np.arange(2), name="zeros")
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "artifacts"}


@pytest.mark.parametrize("address", ["file:mlruns", "mlruns", "/data/mlruns", "ftp://host/x", "sqlite://x"])
def test_impossible_store_is_refused(address):
    """A store that MLflow 3 does not write to is an error that names one that works."""
    with (
        pytest.raises(
            ConfigError, match=r"uri must name a database or a server; got .* Write sqlite:///runs/mlflow.db"
        ),
        track_study("demo", scoring="accuracy", uri=address),
    ):
        pass


def test_missing_mlflow_is_named(monkeypatch):
    """An empty folder called mlflow, found in place of the package, is an error that says to install it."""
    monkeypatch.setitem(sys.modules, "mlflow", types.ModuleType("mlflow"))
    with (
        pytest.raises(ConfigError, match=r"mlflow must be installed to track a study; got .* pip install"),
        track_study("demo", scoring="accuracy", uri="sqlite:///never.db"),
    ):
        pass


def test_unknown_run_is_refused(uri):
    """Going on with a run that the store does not hold is an error."""
    with (
        pytest.raises(ConfigError, match=r"run_id must be a run of the store; got 'abc' .* Leave it out"),
        track_study("demo", scoring="accuracy", uri=uri, run_id="abc"),
    ):
        pass


def test_deleted_run_is_refused(uri):
    """Going on with a run that was deleted is an error that says how to restore it."""
    with track_study("demo", scoring="accuracy", uri=uri) as study:
        pass
    study.client.delete_run(study.run_id)
    with (
        pytest.raises(ConfigError, match=r"run_id must not be a deleted run; got .*Restore it \(mlflow runs restore"),
        track_study("demo", scoring="accuracy", uri=uri, run_id=study.run_id),
    ):
        pass


def test_deleted_experiment_is_refused(uri):
    """An experiment that was deleted is an error that says how to restore it."""
    with track_study("demo", scoring="accuracy", uri=uri, experiment="gone") as study:
        pass
    study.client.delete_experiment(study.experiment_id)
    with (
        pytest.raises(ConfigError, match=r"experiment must not be a deleted one; got 'gone'\. Restore it"),
        track_study("demo", scoring="accuracy", uri=uri, experiment="gone"),
    ):
        pass


def test_missing_learner_folder_is_named(uri, split, learner):
    """A record whose saved learner is not there is an error that names the folder."""
    with (
        pytest.raises(FileError, match=r"a learner's folder must exist; got .*nowhere .* Save the learner there first"),
        track_study("demo", scoring="accuracy", uri=uri) as study,
    ):
        study.log_split(split(learners=(learner(folder="nowhere"),)))


_STUDY = """
import os, socket, sys
tried = []

def refuse(self, address, *rest):
    if self.family != socket.AF_UNIX:
        tried.append(address)
        raise OSError("no network")

def look_up(*args, **kwargs):
    tried.append(args)
    raise OSError("no network")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.gethostbyname = look_up
from importlib import util

spec = util.spec_from_file_location("made", sys.argv[1])
made = util.module_from_spec(spec)
spec.loader.exec_module(made)
from synthaug.experiment.results import SplitResult
from synthaug.experiment.tracking import track_study

record = made.make_learner(folder="saved")
with track_study("demo", scoring="accuracy", uri=sys.argv[2], folder=sys.argv[3]) as study:
    study.log_dataset(record.real, [0, 1, 0], name="zeros")
    study.log_split(made.make_split(learners=(record,)))
import time

time.sleep(1)  # MLflow's telemetry reports from a thread
print(tried)
"""


@pytest.mark.slow  # a process of its own
def test_study_opens_no_socket(uri, tmp_path):
    """A study in SQLite reaches for no network, also outside of tests, where MLflow's telemetry would be on."""
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "weights.txt").write_text("0")
    made = Path(__file__).with_name("conftest.py")
    clean = {
        name: value
        for name, value in os.environ.items()
        if name != "CI" and not name.startswith(("PYTEST", "GITHUB", "MLFLOW", "DO_NOT_TRACK"))
    }
    done = subprocess.run(
        [sys.executable, "-c", _STUDY, made, uri, tmp_path], env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert "mlflow" not in done.stderr.lower(), done.stderr
