"""Where a study comes from: versions and the git commit, as tags that one can filter on."""

import platform
import subprocess
from pathlib import Path

from synthaug._version import __version__
from synthaug.experiment.environment import version_of

_PACKAGES = ("torch", "numpy", "scikit-learn", "mlflow")
_MOST_SECONDS = 5


def origin_tags(folder: str | Path = ".") -> dict[str, str]:
    """Return the tags ``synthaug.version``, ``python.version``, ..., and inside a git repository its commit.

    Parameters
    ----------
    folder
        Where the code of the study lies.

    Returns
    -------
    ``git_commit`` and, for MLflow's own column, ``mlflow.source.git.commit``; ``git_changed`` is ``true`` where
    followed files differ from the commit.

    Examples
    --------
    >>> origin_tags("/")["synthaug.version"] == __version__, "git_commit" in origin_tags("/")
    (True, False)
    """
    versions = {"synthaug.version": __version__, "python.version": platform.python_version()}
    return versions | {f"{name}.version": found for name in _PACKAGES if (found := version_of(name))} | _commit(folder)


def _commit(folder: str | Path) -> dict[str, str]:
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    tags = {"git_commit": commit, "mlflow.source.git.commit": commit}
    return tags if changed is None else tags | {"git_changed": str(bool(changed)).lower()}


def _git(folder: str | Path, *words: str) -> str | None:
    """Return what git answers; None where there is no git, no repository, or no answer in time."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=_MOST_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
