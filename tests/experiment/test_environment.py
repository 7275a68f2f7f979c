"""What a study ran on."""

import platform
from importlib import metadata

from synthaug.experiment.environment import environment


def test_versions_name_no_machine():
    """Programs and the system's kind are named, the machine is not."""
    found = environment()
    assert {"python", "system", "synthaug", "torch", "numpy", "scikit-learn"} <= set(found)
    assert platform.node() not in found.values()


def test_what_is_not_installed_is_left_out(monkeypatch):
    """Without MLflow, or run from a source tree that was never installed, a study still knows what it can."""
    known = metadata.version

    def version(name):
        if name in ("synthaug", "mlflow"):
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "version", version)
    assert "mlflow" not in environment()
    assert "torch" in environment()

    def requires(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert {"python", "synthaug", "numpy"} <= set(environment())
