import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthaug import CGAN, SyntheticAugmenter
from synthaug.errors import ConfigError, LabelError
from synthaug.experiment.learner_model import LearnerModel, _load_pyfunc
from synthaug.experiment.results import LearnerRecord, SplitResult
from synthaug.experiment.tracking import track_study


def tiny(**options) -> SyntheticAugmenter:
    return SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), selection="none", random_state=0, **options)


@pytest.fixture(scope="module")
def images() -> SyntheticAugmenter:
    rows = np.random.default_rng(0).integers(0, 256, size=(24, 8, 8), dtype=np.uint8)
    return tiny().fit(rows, np.array(["benign", "malignant"] * 12))


def test_rows_come_in_the_counts_asked_for(images):
    """Counts of one label asked for twice are added; each row is followed by its label, pixels keep their dtype."""
    rows = LearnerModel(images).predict(pd.DataFrame({"label": ["malignant", "benign", "malignant"], "n": [2, 1, 1]}))
    assert rows.shape == (4, 65)
    assert rows["label"].value_counts().to_dict() == {"malignant": 3, "benign": 1}
    assert set(rows.drop(columns="label").dtypes) == {np.dtype("uint8")}


def test_seed_gives_the_same_rows(images):
    """With a random state two calls agree with each other and with ``sample``."""
    wanted = pd.DataFrame({"label": ["benign"], "n": [3]})
    first, second = (LearnerModel(images).predict(wanted, {"random_state": 7}) for _ in range(2))
    X, _ = images.sample({"benign": 3}, random_state=7)
    pd.testing.assert_frame_equal(first, second)
    np.testing.assert_array_equal(first.drop(columns="label"), X.reshape(3, 64))


@pytest.mark.parametrize("labels", [np.array([3, 7] * 10), np.array([True, False] * 10)])
def test_labels_keep_their_type(labels):
    """Integer and boolean labels are found and given back as such."""
    model = LearnerModel(tiny().fit(np.random.default_rng(0).normal(size=(20, 3)), labels))
    rows = model.predict(pd.DataFrame({"label": labels[:1], "n": [2]}))
    assert rows.columns.tolist() == ["feature_0", "feature_1", "feature_2", "label"]
    assert rows["label"].tolist() == [labels[0], labels[0]]
    assert rows["label"].dtype == labels.dtype


def test_column_called_label_is_kept():
    """A table with a column ``label`` keeps it; the class goes into ``label_``."""
    table = pd.DataFrame({"label": np.arange(20.0), "age": np.arange(20.0)})
    rows = LearnerModel(tiny().fit(table, ["ill", "well"] * 10)).predict(pd.DataFrame({"label": ["ill"], "n": [1]}))
    assert rows.columns.tolist() == ["label", "age", "label_"]


def test_every_free_word_is_found_for_the_class():
    """A table with the columns ``label`` and ``label_`` keeps both, and no name comes twice."""
    table = pd.DataFrame({"label": np.arange(20.0), "label_": np.arange(20.0)})
    rows = LearnerModel(tiny().fit(table, ["ill", "well"] * 10)).predict(pd.DataFrame({"label": ["ill"], "n": [1]}))
    assert rows.columns.tolist() == ["label", "label_", "synthaug label"]


def test_asking_for_nothing_gives_no_row(images):
    """An empty request is answered with the columns and no row."""
    rows = LearnerModel(images).predict(pd.DataFrame({"label": [], "n": []}))
    assert rows.shape == (0, 65)


def test_missing_label_is_not_left_out_in_silence(images):
    """Rows of no label at all cannot be drawn, and that is said."""
    with pytest.raises(LabelError, match="class must be one of"):
        LearnerModel(images).predict(pd.DataFrame({"label": [None, "benign"], "n": [2, 1]}))


def test_missing_column_is_named(images):
    """Input without counts is an error that shows what came."""
    with pytest.raises(ConfigError, match=r"model_input must have the columns label and n; got label, count"):
        LearnerModel(images).predict(pd.DataFrame({"label": ["benign"], "count": [1]}))


def test_unknown_label_is_an_error(images):
    """A label that was not learned is refused as in ``sample``."""
    with pytest.raises(LabelError, match="harmless"):
        LearnerModel(images).predict(pd.DataFrame({"label": ["harmless"], "n": [1]}))


def test_saved_learner_is_read_back(images, tmp_path):
    """What MLflow reads from a saved folder draws the same rows."""
    images.save(tmp_path / "learner")
    wanted, seed = pd.DataFrame({"label": ["benign"], "n": [2]}), {"random_state": 1}
    rows = _load_pyfunc(str(tmp_path / "learner")).predict(wanted, seed)
    pd.testing.assert_frame_equal(rows, LearnerModel(images).predict(wanted, seed))


_PREDICT = """
import sys

import pandas as pd
from mlflow import MlflowClient, pyfunc, set_tracking_uri

set_tracking_uri(sys.argv[1])
model = pyfunc.load_model(sys.argv[2])
rows = model.predict(pd.DataFrame({"label": ["malignant"], "n": [2]}), params={"random_state": 3})
rows.to_csv(sys.argv[3], index=False)
"""


@pytest.mark.slow
def test_logged_learner_draws_rows_in_another_process(images, tmp_path, monkeypatch):
    """A logged learner is an MLflow model: loaded elsewhere it draws the same rows, and it holds no pickle."""
    monkeypatch.chdir(tmp_path)
    images.save(tmp_path / "learners" / "full")
    none = np.empty(0)
    history, quality = images.history_, pd.DataFrame()
    record = LearnerRecord("full", 24, 1.0, {"width": 8}, history, quality, none, none, "learners/full")
    split = SplitResult(0, 0, 0, 24, 10, {"gan": {"accuracy": 0.5}}, {}, {}, {"gan": 4}, {}, learners=(record,))
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with track_study("demo", scoring="accuracy", uri=uri, folder=tmp_path) as study:
        study.log_split(split)
    (run,) = study.client.search_runs([study.experiment_id], "tags.kind = 'learner'")
    (model,) = run.outputs.model_outputs
    command = [sys.executable, "-c", _PREDICT, uri, f"models:/{model.model_id}", "rows.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = LearnerModel(images).predict(pd.DataFrame({"label": ["malignant"], "n": [2]}), {"random_state": 3})
    pd.testing.assert_frame_equal(pd.read_csv("rows.csv"), expected, check_dtype=False)
    assert not [path for path in Path("artifacts").rglob("*") if path.suffix in (".pkl", ".py")]
