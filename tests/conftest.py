"""What tests share: small made data, and a learner whose budget is tiny but whose work is real."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings

from synthaug import CGAN

settings.register_profile("any machine", deadline=None, derandomize=True)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A store of MLflow whose tables were made once (seconds), for all processes of a test run: copy it."""
    from synthaug.experiment.tracking import track_study

    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if hasattr(request.config, "workerinput") else folder) / "mlflow"
    folder.mkdir(exist_ok=True)
    path = folder / "mlflow.db"
    with FileLock(folder / "lock"):
        if not (folder / "made").exists():
            with contextlib.chdir(folder), track_study("empty", scoring="accuracy", uri=f"sqlite:///{path}"):
                pass
            (folder / "made").touch()
    return path


@pytest.fixture
def tiny():
    """A conditional GAN of three steps."""
    return CGAN(n_steps=3, batch_size=8, noise_dim=4, width=4)


@pytest.fixture
def images():
    """Sixty 8 x 8 images of three classes that can be told apart, uint8, with string labels."""
    rng = np.random.default_rng(0)
    y = np.repeat(["left", "right", "top"], 20)
    X = rng.integers(0, 60, size=(60, 8, 8))
    X[y == "left", :, :3] += 150
    X[y == "right", :, 5:] += 150
    X[y == "top", :3, :] += 150
    return X.astype(np.uint8), y


@pytest.fixture
def table():
    """Eighty rows of three numbers, 60 of class 0 and 20 of class 1."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [60, 20])
    return rng.normal(size=(80, 3)) + 2.0 * y[:, None], y
