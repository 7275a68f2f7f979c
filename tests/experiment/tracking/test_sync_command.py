"""``synthaug sync``: what it says, and its exit codes."""

import json

import pytest

from synthaug.cli import main
from synthaug.experiment.tracking import begin_tracking, read_destination


@pytest.fixture
def folder(uri, split, study_folder):
    """The folder of a finished study that MLflow knows nothing of."""
    made = study_folder([split(index) for index in range(4)])
    begin_tracking(made, uri=uri)
    return made


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
