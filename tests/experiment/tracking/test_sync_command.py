"""``synthaug sync`` and ``run``: what they say of MLflow, and their exit codes."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from mlflow import MlflowClient

from synthaug.cli import main
from synthaug.data.readers import write_rows_file
from synthaug.experiment.tracking import begin_tracking, read_destination


@pytest.fixture
def folder(uri, split, study_folder):
    """The folder of a finished study that MLflow knows nothing of."""
    made = study_folder([split(index) for index in range(4)])
    begin_tracking(made, uri=uri)
    return made


@pytest.fixture
def pipeline(uri, tmp_path):
    """A pipeline that takes a second, with a store of its own that no test makes."""
    rng = np.random.default_rng(0)
    write_rows_file("rows.npz", rng.normal(size=(48, 3)), np.repeat(["benign", "malignant"], 24))
    settings = {
        "name": "toy",
        "data": {"path": "rows.npz"},
        "design": {"kind": "draws", "n_draws": 2, "rows_per_class": 8, "test_rows": 20},
        "estimator": {"name": "GaussianNB"},
        "arms": ["none", "smote"],
        "tracking": {"uri": "sqlite:///pipelines.db", "register_as": "toy learner"},
        "output": "out",
    }
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(settings))
    return "toy.yaml"


def test_run_names_the_store_that_it_wrote_to(pipeline, uri, capsys, monkeypatch):
    """Started by ``mlflow run``, which brings a store and a run, it prints that store, not the pipeline's."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_RUN_ID", MlflowClient(uri).create_run("0").info.run_id)
    assert main(["run", pipeline]) == 0
    assert f" ui --backend-store-uri {uri} " in capsys.readouterr().out
    assert main(["run", pipeline, "--json"]) == 0
    assert f" ui --backend-store-uri {uri} " in json.loads(capsys.readouterr().out)["tracking"]


def test_untracked_run_that_is_sent_later_says_where_it_comes_from(pipeline, uri, capsys, monkeypatch):
    """Run with ``--no-tracking`` it notes commit, versions, data and the learner's name, and ``sync`` sends those."""
    with monkeypatch.context() as patch:
        patch.setattr("synthaug.experiment.tracking.destination.origin_tags", lambda: {"git_commit": "of the run"})
        assert main(["run", pipeline, "--no-tracking"]) == 0
    assert main(["sync", "out"]) == 1
    assert "a study must be tracked to be sent" in capsys.readouterr().err
    assert main(["sync", "out", "--uri", uri]) == 0
    sent = read_destination("out")
    assert (sent.uri, sent.register_as) == (uri, "toy learner")
    run = MlflowClient(uri).get_run(sent.run_id)
    assert run.data.tags["git_commit"] == "of the run"
    assert [logged.dataset.name for logged in run.inputs.dataset_inputs] == ["rows"]


def test_untracked_run_forgets_where_an_earlier_study_went(pipeline, uri):
    """A new study in an old folder is not sent into the old one's run; a resumed one still goes where it went."""
    assert main(["run", pipeline, "--no-tracking"]) == 0
    assert main(["sync", "out", "--uri", uri]) == 0
    first = read_destination("out")
    assert main(["run", pipeline, "--no-tracking", "--resume"]) == 0
    assert read_destination("out") == first
    assert main(["run", pipeline, "--no-tracking"]) == 0
    assert main(["sync", "out", "--uri", uri]) == 0
    assert read_destination("out").run_id != first.run_id


def test_it_says_what_it_sent_and_then_that_nothing_is_missing(folder, uri, capsys):
    """The first call sends everything, the second nothing; with --json it prints one object and nothing else."""
    assert main(["sync", str(folder)]) == 0
    first = capsys.readouterr().out
    assert f"sent 4 of 4 splits and the verdicts to {uri}" in first
    assert "MLflow   " in first
    assert main(["sync", str(folder)]) == 0
    assert f"nothing is missing: {uri} holds all 4 finished splits" in capsys.readouterr().out
    assert main(["sync", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["uri"], said["n_sent"], said["n_finished"], said["summary_sent"]) == (uri, 0, 4, False)
    assert said["page"].startswith("#/experiments/")


def test_outcome_that_changed_is_sent_again(folder, uri, capsys):
    """A dossier that was asked for later is sent, and so is a report that was written anew."""
    assert main(["sync", str(folder)]) == 0
    assert main(["report", str(folder), "--dossier"]) == 0
    capsys.readouterr()
    assert main(["sync", str(folder)]) == 0
    assert f"sent the verdicts and the report to {uri}" in capsys.readouterr().out
    client, run_id = MlflowClient(uri), read_destination(folder).run_id
    assert "dossier.html" in {file.path for file in client.list_artifacts(run_id)}
    (folder / "report.html").write_text("<p>another region of equivalence</p>")
    assert main(["sync", str(folder)]) == 0
    assert "another region" in Path(client.download_artifacts(run_id, "report.html")).read_text()
    assert main(["sync", str(folder)]) == 0
    assert "nothing is missing" in capsys.readouterr().out


def test_page_is_known_where_a_resumed_study_misses_nothing(folder, uri, capsys):
    """A study that is resumed, or sent elsewhere and back, still has its page in MLflow's server."""
    assert main(["sync", str(folder)]) == 0
    page = read_destination(folder).page
    assert page
    assert begin_tracking(folder, uri=uri, resume=True).page == page
    assert main(["sync", str(folder), "--experiment", "elsewhere"]) == 0
    assert main(["sync", str(folder), "--experiment", "synthaug"]) == 0
    capsys.readouterr()
    assert main(["sync", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["page"] == page


def test_server_that_is_away_is_an_error_in_words(folder, capsys):
    """A tracker that cannot be reached ends with code 1 and what to do; where the study went to stays noted."""
    before = read_destination(folder)
    assert main(["sync", str(folder), "--uri", "http://127.0.0.1:9"]) == 1
    assert "the tracker must be reachable" in capsys.readouterr().err
    assert read_destination(folder) == before


def test_folder_without_a_study_is_an_error(tmp_path, capsys):
    """A folder that holds no study is named."""
    assert main(["sync", str(tmp_path), "--uri", "sqlite:///never.db"]) == 1
    assert "must be the folder of a study" in capsys.readouterr().err
    assert not [path.name for path in tmp_path.glob("*.json")]
    assert main(["sync", str(tmp_path / "nowhere")]) == 1
    assert not (tmp_path / "nowhere").exists()
