"""A real MLflow server, in a process of its own that is killed and comes back, and a real browser on its pages."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from synthaug import CGAN, SyntheticAugmenter
from synthaug.errors import TrackingWarning
from synthaug.experiment.learner_model import LearnerModel
from synthaug.experiment.results import LearnerRecord
from synthaug.experiment.storage import SplitStore
from synthaug.experiment.sync import sync
from synthaug.experiment.tracking import begin_tracking, mirrored

pytestmark = pytest.mark.slow
_PATIENCE = 300.0
_FACTS = {
    "name": "demo",
    "design": "draws",
    "scoring": "balanced_accuracy",
    "baseline": "none",
    "settings": {"seed": 0},
    "class_names": ["benign", "malignant"],
    "include_real_rows": False,
    "n_splits": 3,
}
_PREDICT = """
import sys

import pandas as pd
from mlflow import pyfunc, set_tracking_uri

set_tracking_uri(sys.argv[1])
model = pyfunc.load_model("models:/demo learner@approved")
rows = model.predict(pd.DataFrame({"label": ["malignant"], "n": [2]}), params={"random_state": 3})
rows.to_csv(sys.argv[2], index=False)
"""


def shipped_settings() -> dict[str, str]:
    """The settings that ``make mlflow`` starts a server with."""
    lines = (Path(__file__).parents[3] / "mlflow" / "server.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Server:
    """MLflow's server on this machine, with the settings we ship and a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        own = {"MLFLOW_BACKEND_STORE_URI": f"sqlite:///{self.folder}/mlflow.db", "MLFLOW_PORT": str(self.port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--artifacts-destination", f"{self.folder}/files"],
            env=os.environ | shipped_settings() | own,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + _PATIENCE
        while not self.answers():
            assert time.monotonic() < end, "the server did not start"
            assert self.process.poll() is None, "the server ended"
            time.sleep(0.3)

    def answers(self) -> bool:
        """Return whether it is there."""
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """Kill it and its workers at once, as a machine that loses power would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("server"))
    found.start()
    yield found
    if found.process.poll() is None:
        found.kill()


@pytest.fixture(scope="module")
def augmenter() -> SyntheticAugmenter:
    rows = np.random.default_rng(0).integers(0, 256, size=(24, 8, 8), dtype=np.uint8)
    learner = SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=8), selection="none", random_state=0)
    return learner.fit(rows, np.array(["benign", "malignant"] * 12))


@pytest.fixture
def store(tmp_path: Path) -> SplitStore:
    made = SplitStore(tmp_path / "study")
    made.open("key", _FACTS, resume=False)
    return made


@pytest.fixture
def finish(store: SplitStore, split, augmenter) -> Callable[[int], None]:
    """Finish a split, with a learner that really was learned and saved."""

    def finish(index: int) -> None:
        folder = f"learners/{index:04d}"
        augmenter.save(store.folder / folder)
        images = np.zeros((2, 2, 8, 8, 1), dtype=np.uint8)
        facts = {"width": 8}, augmenter.history_, pd.DataFrame(), images, images
        result = split(index, learners=(LearnerRecord("full", 24, 1.0, *facts, folder),))
        for arm, values in result.blocks.items():
            values += np.random.default_rng(index).normal(scale=0.01, size=values.shape)
            result.scores[arm]["balanced_accuracy"] = float(values.mean())
        store.save(result)

    return finish


def held(uri: str) -> dict[str, list]:
    """Return everything that a server holds of the study: runs, every point of every metric, files, models."""
    client = MlflowClient(uri)
    (experiment,) = [found.experiment_id for found in client.search_experiments() if found.name == "synthaug"]
    runs = sorted(client.search_runs([experiment]), key=lambda run: (run.data.tags["kind"], run.info.run_name))
    points = [
        (run.info.run_name, point.key, point.step, point.value, point.timestamp)
        for run in runs
        for key in run.data.metrics
        for point in client.get_metric_history(run.info.run_id, key)
    ]
    files = [(run.info.run_name, file.path) for run in runs for file in client.list_artifacts(run.info.run_id)]
    models = [model.model_id for model in client.search_logged_models([experiment])]
    return {"runs": [(run.info.run_name, run.info.status) for run in runs], "points": points, "files": files} | {
        "models": models,
        "data": [data.dataset.name for run in runs for data in run.inputs.dataset_inputs],
    }


def test_killed_server_loses_nothing(server, store, finish, tmp_path, augmenter):
    """A server killed in the middle of a study stops nothing; sent later, everything is there, and there once."""
    dataset = {"name": "zeros", "digest": "1", "source_type": "code", "source": "{}", "schema": "{}", "profile": "{}"}
    begin_tracking(store.folder, uri=server.uri, register_as="demo learner", dataset=dataset)
    with mirrored(store.folder) as mirror:
        finish(0)
        mirror.update()
        before = held(server.uri)
        server.kill()
        finish(1)
        with pytest.warns(TrackingWarning, match="Nothing is lost and the study goes on"):
            mirror.update()
        finish(2)
        mirror.update()
    with pytest.raises(MlflowException, match=r"Connection refused|Max retries"):
        sync(store.folder)

    server.start()
    assert held(server.uri)["points"] == before["points"]
    sent = sync(store.folder)
    assert (sent.n_sent, sent.summary_sent) == (2, True)
    found = held(server.uri)
    assert {status for _, status in found["runs"]} == {"FINISHED"}
    names = [name for name, _ in found["runs"]]
    assert sorted(names) == sorted(["demo", "none", "gan", "gated", "smote", *(f"full, split {n}" for n in range(3))])
    accuracy = [(name, step) for name, key, step, *_ in found["points"] if key == "accuracy" and name == "gan"]
    assert accuracy == [("gan", 0), ("gan", 1), ("gan", 2)]
    points = [point[:3] for point in found["points"]]
    assert len(points) == len(set(points))
    assert len(found["models"]) == 3
    assert found["data"] == ["zeros"]
    assert {("demo", "report.html"), ("demo", "study.png"), ("demo", "summary.csv")} <= set(found["files"])

    again = sync(store.folder)
    assert (again.n_sent, again.summary_sent) == (0, False)
    assert held(server.uri) == found

    done = subprocess.run(
        [sys.executable, "-c", _PREDICT, server.uri, tmp_path / "rows.csv"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    wanted = LearnerModel(augmenter).predict(pd.DataFrame({"label": ["malignant"], "n": [2]}), {"random_state": 3})
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "rows.csv"), wanted, check_dtype=False)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="asks Linux who listens")
def test_shipped_settings_let_this_machine_in_only(server):
    """A server started as ``make mlflow`` does listens on the loopback interface and on no other."""
    sockets = [
        line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]
    ]
    listening = {local.rsplit(":", 1)[0] for _, local, _, state, *_ in sockets if state == "0A" if is_of(server, local)}
    assert listening == {"0100007F"}


def is_of(server: Server, local: str) -> bool:
    """Whether a local address, as Linux writes it, is of the server's port."""
    return int(local.rsplit(":", 1)[1], 16) == server.port


def test_runs_page_shows_the_comparison(server, store, finish, browser):
    """In a real browser the study's page shows every arm with verdict, difference and interval; its run the words."""
    begin_tracking(store.folder, uri=server.uri, experiment="shown")
    for index in range(3):
        finish(index)
    sent = sync(store.folder)
    browser.call("Emulation.setDeviceMetricsOverride", width=2200, height=900, deviceScaleFactor=1, mobile=False)
    browser.call("Page.navigate", url=f"{server.uri}/{sent.page}")
    text = shown(browser, "gated", "none", "difference", "verdict", "balanced_accuracy_mean", "low", "high")
    client = MlflowClient(server.uri)
    experiment = client.get_experiment_by_name("shown").experiment_id
    for run in client.search_runs([experiment], "tags.kind = 'arm' and tags.verdict != 'n/a'"):
        assert run.data.tags["verdict"] in text
    (study,) = client.search_runs([experiment], "tags.kind = 'study'")
    browser.call("Page.navigate", url=f"{server.uri}/#/experiments/{experiment}/runs/{study.info.run_id}")
    shown(browser, study.data.tags["sentence"].split(".")[0], "95 % interval")


def shown(browser, *words: str) -> str:
    """Return the page's text as soon as it holds the words."""
    end = time.monotonic() + _PATIENCE
    while True:
        text = str(browser.run("document.body?.innerText ?? ''"))
        if all(word in text for word in words):
            return text
        assert time.monotonic() < end, text
        time.sleep(0.5)
