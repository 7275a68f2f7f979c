"""The main job as a pipeline: folder, tracking, report, resuming."""

import json
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.base import clone

from synthaug.data.groups import check_groups_apart
from synthaug.errors import ConfigError, ConstraintError, FileError
from synthaug.experiment.config import load_config, make_config, save_config
from synthaug.experiment.study import Study, load_study


@pytest.fixture
def pipeline(tmp_path):
    """A digits pipeline that takes seconds."""
    path = tmp_path / "tiny.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "name": "tiny",
                "data": {"name": "digits"},
                "design": {"kind": "draws", "n_draws": 2, "rows_per_class": 8, "test_rows": 200},
                "estimator": {"name": "LogisticRegression", "params": {"max_iter": 4000}},
                "generator": {"name": "cgan", "params": {"n_steps": 4, "width": 4}},
                "arms": ["none", "gan", "gated"],
                "tracking": {"uri": f"sqlite:///{tmp_path}/mlflow.db"},
                "output": str(tmp_path / "study"),
                "include_real_rows": True,
            }
        )
    )
    return path


def test_the_main_job(pipeline, tmp_path, monkeypatch):
    """One call reads data, learns, compares, logs to MLflow and writes the report; what is on disk tells the same."""
    monkeypatch.chdir(tmp_path)
    study = Study.from_config(load_config(pipeline))
    comparison = study.run()
    folder = tmp_path / "study"
    assert {path.name for path in folder.iterdir()} >= {
        "config.yaml",
        "splits",
        "learners",
        "report.html",
        "summary.csv",
        "frame.csv",
    }
    assert load_study(folder).frame.equals(comparison.frame)
    assert "gated" in (folder / "report.html").read_text()
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name == "synthaug"]
    runs = client.search_runs([experiment.experiment_id])
    kinds = [run.data.tags["kind"] for run in runs]
    assert (kinds.count("study"), kinds.count("arm"), kinds.count("learner")) == (1, 3, 8)
    assert all(run.info.status == "FINISHED" for run in runs)
    (parent,) = [run for run in runs if run.data.tags["kind"] == "study"]
    sent = {artifact.path for artifact in client.list_artifacts(parent.info.run_id)}
    assert sent >= {"report.html", "model_card.json"}

    resumed = study.run(resume=True)
    assert resumed.frame.equals(comparison.frame)
    assert len(client.search_runs([experiment.experiment_id])) == len(runs)


def test_a_study_resumed_with_other_versions_says_so(pipeline, tmp_path, monkeypatch):
    """Splits of two versions are pooled, and report and folder name both; what to install is the newer."""
    monkeypatch.chdir(tmp_path)
    config = load_config(pipeline, changes={"tracking.enabled": False, "arms": ["none", "repeat"]})
    Study.from_config(config).run()
    known = json.loads((tmp_path / "study" / "study.json").read_text())
    known["facts"]["environment"]["torch"] = "1.0.0"
    (tmp_path / "study" / "study.json").write_text(json.dumps(known))
    comparison = Study.from_config(config).run(resume=True)
    told = f"{version('torch')} (earlier splits: 1.0.0)"
    assert comparison.settings["versions"]["torch"] == told
    page = (tmp_path / "study" / "report.html").read_text()
    assert told in page
    assert "torch==1.0.0" not in page
    assert load_study(tmp_path / "study").settings["versions"]["torch"] == told


def test_a_pipelines_rules_bind_the_drawn_rows(tmp_path):
    """What a pipeline says of columns reaches the learner, and rows that break it are refused before any learning."""
    rng = np.random.default_rng(0)
    visits = pd.DataFrame(
        {"low": rng.normal(80, 5, 60), "high": rng.normal(120, 5, 60), "outcome": ["ill", "well"] * 30}
    )
    visits.to_csv(tmp_path / "visits.csv", index=False)
    rules = [{"left": "low", "right": "high"}, {"left": 90, "right": "high"}, {"column": "low", "value": 70.0}]
    said = {
        "name": "rules",
        "data": {"path": str(tmp_path / "visits.csv"), "label": "outcome"},
        "design": {"kind": "folds", "n_splits": 2, "n_repeats": 1},
        "estimator": {"name": "LogisticRegression"},
        "augmenter": {"constraints": rules},
        "arms": ["none", "gan"],
        "tracking": {"enabled": False},
        "output": str(tmp_path / "study"),
    }
    study = Study.from_config(make_config(said, source="a test"))
    work = study.arms.work
    X_new, _ = clone(work.augmenter).set_params(checkpoint_dir=None, resume=False).fit(work.X, work.y).sample(20)
    assert (X_new["low"] == 70.0).all()
    assert X_new["high"].min() >= 90
    save_config(study.config, tmp_path / "again.yaml")
    assert load_config(tmp_path / "again.yaml") == study.config
    said["augmenter"] = {"constraints": [{"left": "high", "right": "low"}]}
    with pytest.raises(ConstraintError, match="'high <= low' must hold in the training rows; 60 of 60 break it"):
        Study.from_config(make_config(said, source="a test"))


@pytest.fixture
def visits(tmp_path):
    """A study of a table of patients with two visits each, whose labels are 1.0 and 0.0, as a pipeline says it."""
    rng, patient = np.random.default_rng(0), np.arange(80) // 2
    columns = {"dose": rng.normal(size=80), "age": rng.normal(size=80), "patient": patient, "ill": patient % 2 * 1.0}
    pd.DataFrame(columns).to_csv(tmp_path / "visits.csv", index=False)
    return {
        "name": "visits",
        "data": {"path": str(tmp_path / "visits.csv"), "label": "ill"},
        "design": {"kind": "draws", "n_draws": 2, "rows_per_class": 6, "test_rows": 20, "groups": "patient"},
        "estimator": {"name": "LogisticRegression"},
        "arms": ["none", "repeat"],
        "tracking": {"enabled": False},
        "output": str(tmp_path / "study"),
    }


def test_draws_keep_groups_whole(visits):
    """The named column is no feature, and no patient is both held out and drawn."""
    arms = Study.from_config(make_config(visits, source="a test")).arms
    assert list(arms.work.X.columns) == ["dose", "age"]
    for split in arms.splits:
        check_groups_apart(np.arange(80) // 2, split.train, split.test)


@pytest.mark.parametrize("one", [1, 1.0, "1.0"])
def test_labels_that_are_floats_may_be_named_as_whole_numbers(visits, one):
    """Labels 1.0 and 0.0 are named by 1 and 0, in draws and as the finding."""
    visits["design"]["rows_per_class"] = {one: 10, 0: 4}
    for finding in (None, one):
        visits["data"]["finding"] = finding
        arms = Study.from_config(make_config(visits, source="a test")).arms
        assert np.bincount(np.asarray(arms.work.y)[arms.splits[0].train].astype(int)).tolist() == [4, 10]


def test_one_is_not_true(visits):
    """A finding of true is no finding of 1.0."""
    visits["data"]["finding"] = True
    with pytest.raises(ConfigError, match=r"data\.finding must be one of at least two labels; got True"):
        Study.from_config(make_config(visits, source="a test"))


def test_splits_of_another_study_are_refused(visits, tmp_path):
    """A split knows its study; one that was stored without is read."""
    Study.from_config(make_config(visits, source="a test")).run()
    place = tmp_path / "study" / "splits" / "0001" / "result.json"
    kept = json.loads(place.read_text())
    place.write_text(json.dumps({name: value for name, value in kept.items() if name != "key"}))
    assert len(load_study(tmp_path / "study").splits) == 2
    place.write_text(json.dumps(kept | {"key": "other"}))
    with pytest.raises(FileError, match=r"splits/0001' must be a finished split; .*of another study"):
        load_study(tmp_path / "study")


def test_a_folder_that_cannot_be_locked_is_named(visits, tmp_path):
    """What the system refuses is said in words."""
    (tmp_path / "study" / ".run.lock").mkdir(parents=True)
    with pytest.raises(FileError, match=r"study' cannot be locked .*Choose another folder"):
        Study.from_config(make_config(visits, source="a test")).run()


def test_a_dry_run_says_what_would_happen(pipeline):
    """Before anything is written the study names data, draws, arms, learners and folders."""
    text = Study.from_config(load_config(pipeline)).describe()
    assert all(word in text for word in ("digits: 1797 rows", "2 splits", "80 rows", "none, gan, gated", "learners  8"))


def test_a_folder_without_a_study_is_refused(tmp_path):
    """A report needs a study's folder."""
    with pytest.raises(FileError, match="must be the folder of a study"):
        load_study(tmp_path)
