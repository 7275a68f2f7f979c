import subprocess

import pytest

from synthaug.experiment.tracking.origin import origin_tags


def git(folder, *words: str) -> str:
    """Return what git says, with an author of its own and none of the machine's settings."""
    options = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", "-C", folder, *options, *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "study.py").write_text("1")
    git(tmp_path, "add", "study.py")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def test_commit_is_that_of_the_repository(repository):
    """The commit is the one that git names, also under the name that MLflow shows."""
    tags = origin_tags(repository)
    commit = git(repository, "rev-parse", "HEAD").strip()
    assert (tags["git_commit"], tags["mlflow.source.git.commit"], tags["git_changed"]) == (commit, commit, "false")


def test_changed_files_are_told(repository):
    """A followed file that differs from the commit is told; a file that git does not follow is not."""
    (repository / "notes.txt").write_text("2")
    assert origin_tags(repository)["git_changed"] == "false"
    (repository / "study.py").write_text("2")
    assert origin_tags(repository)["git_changed"] == "true"


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    """Outside of a repository, or without git, only versions are told."""
    assert "git_commit" not in origin_tags(tmp_path)
    monkeypatch.setenv("PATH", "")
    assert set(origin_tags(".")) >= {"synthaug.version", "python.version", "torch.version"}
    assert "git_commit" not in origin_tags(".")
