import sys
from pathlib import Path

import pytest

from synthaug.experiment.tracking import ui_command
from synthaug.experiment.tracking.address import artifact_location, check_uri, make_folder, same_store


@pytest.mark.parametrize(
    "uri",
    ["sqlite:///runs/mlflow.db", "http://127.0.0.1:5000", "https://x", "postgresql+psycopg2://u@h/d", "databricks"],
)
def test_stores_that_mlflow_writes_to_are_accepted(uri):
    """Databases and servers pass."""
    check_uri(uri)


def test_relative_database_gets_a_folder_and_an_absolute_path(tmp_path, monkeypatch):
    """A relative SQLite path is fixed where the study began, and its folder is made."""
    monkeypatch.chdir(tmp_path)
    assert make_folder("sqlite:///runs/mlflow.db?timeout=9") == f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}?timeout=9"
    assert (tmp_path / "runs").is_dir()


def test_relative_and_absolute_address_are_one_store(tmp_path, monkeypatch):
    """The same file is the same store, however it is written."""
    monkeypatch.chdir(tmp_path)
    assert same_store("sqlite:///a.db", f"sqlite:///{tmp_path / 'a.db'}")
    assert not same_store("sqlite:///a.db", "sqlite:///b.db")


def test_server_with_and_without_a_stroke_at_the_end_is_one_store():
    """A server's address may end in a stroke; another path is another server."""
    assert same_store("http://127.0.0.1:5000/", "http://127.0.0.1:5000")
    assert same_store("https://host/mlflow", "https://host/mlflow/")
    assert not same_store("https://host/mlflow", "https://host/")


def test_escaped_address_is_the_same_store(tmp_path):
    """A blank in a path may be written as such or escaped; a folder with an escape in its name is none the worse."""
    assert same_store("sqlite:////data/my%20runs/a.db", "sqlite:////data/my runs/a.db")
    odd = make_folder(f"sqlite:///{tmp_path}/90%25 done/a.db")
    assert odd == f"sqlite:///{tmp_path}/90%25 done/a.db"
    assert [path.name for path in tmp_path.iterdir()] == ["90% done"]


def test_artifacts_may_lie_anywhere(tmp_path):
    """A folder or an address of the user's choice wins over the place beside the database."""
    assert artifact_location("sqlite:///a.db", tmp_path / "files") == (tmp_path / "files").as_uri()
    assert artifact_location("sqlite:///a.db", "s3://bucket/files") == "s3://bucket/files"
    assert artifact_location(None) is None


def test_command_quotes_the_address_and_stays_on_this_machine():
    """The line survives a space in the path, binds to this machine only and switches telemetry off."""
    line = ui_command("sqlite:////data/my runs/mlflow.db")
    assert line.startswith("MLFLOW_DISABLE_TELEMETRY=true ")
    assert line.endswith(" ui --backend-store-uri 'sqlite:////data/my runs/mlflow.db' --host 127.0.0.1")


def test_command_finds_mlflow_of_this_environment(tmp_path, monkeypatch):
    """Where the environment is not active, mlflow is named by its path, relative where that is shorter."""
    program = tmp_path / ".venv" / "bin" / "mlflow"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    monkeypatch.chdir(tmp_path)
    assert f" {Path('.venv', 'bin', 'mlflow')} ui " in ui_command("sqlite:///a.db")
    monkeypatch.setenv("PATH", str(program.parent))
    program.chmod(0o755)
    assert " mlflow ui " in ui_command("sqlite:///a.db")


def test_command_opens_the_page_of_a_server():
    """Where a server is there already, the study's own page is opened, its address quoted."""
    line = ui_command("http://127.0.0.1:5000/", page="#/experiments/1/runs?viewStateShareKey=abc")
    assert line == "python -m webbrowser 'http://127.0.0.1:5000/#/experiments/1/runs?viewStateShareKey=abc'"
