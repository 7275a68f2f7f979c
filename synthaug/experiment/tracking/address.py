"""Where MLflow keeps runs: which addresses can be written to, where files go beside them, how to open the page."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

from synthaug.errors import ConfigError

_STORES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
_SQLITE = "sqlite:///"


def check_uri(uri: str) -> None:
    """Raise where an address names no store that MLflow 3 writes to.

    Parameters
    ----------
    uri
        ``sqlite:///runs/mlflow.db``, a server's address, a database's, ``databricks``.

    Raises
    ------
    ConfigError
        If it is a folder of files or an unknown scheme.

    Examples
    --------
    >>> check_uri("file:runs")
    Traceback (most recent call last):
    synthaug.errors.ConfigError: uri must name a database or a server; got 'file:runs' (MLflow 3 writes no folder of \
files). Write sqlite:///runs/mlflow.db.
    """
    scheme = uri.split(":", 1)[0].split("+")[0]
    if scheme not in _STORES or (scheme == "sqlite" and not uri.startswith(_SQLITE)):
        meaning = "MLflow 3 writes no folder of files" if scheme in ("file", uri) else "not an address that it knows"
        raise ConfigError(
            f"uri must name a database or a server; got {uri!r} ({meaning}). Write sqlite:///runs/mlflow.db."
        )


def make_folder(uri: str) -> str:
    """Return an address with the path of an SQLite file made absolute; its folder is made.

    Examples
    --------
    >>> make_folder("http://127.0.0.1:5000")
    'http://127.0.0.1:5000'
    """
    path = sqlite_path(uri)
    if path is None:
        return uri
    path.parent.mkdir(parents=True, exist_ok=True)
    return _SQLITE + path.as_posix().replace("%", "%25") + uri[len(uri.split("?")[0]) :]


def same_store(uri: str, other: str) -> bool:
    """Return whether two addresses mean the same store.

    Examples
    --------
    >>> same_store("sqlite:///mlflow.db", "sqlite:///./mlflow.db"), same_store("http://a", "http://b")
    (True, False)
    """
    path = sqlite_path(uri)
    return _plain(uri) == _plain(other) or (path is not None and path == sqlite_path(other))


def sqlite_path(uri: str) -> Path | None:
    """Return the absolute path of an SQLite store's file; None for every other store.

    Examples
    --------
    >>> sqlite_path("sqlite:////data/mlflow.db").as_posix(), sqlite_path("http://127.0.0.1:5000")
    ('/data/mlflow.db', None)
    """
    if not uri.startswith(_SQLITE) or ":memory:" in uri:
        return None
    return Path(unquote(uri.removeprefix(_SQLITE).split("?")[0])).absolute()


def artifact_location(uri: str | None, artifacts: str | os.PathLike[str] | None = None) -> str | None:
    """Return where a new experiment keeps files, as an address: the folder given, else one beside an SQLite file.

    Without either it is None: MLflow chooses.

    Examples
    --------
    >>> artifact_location("sqlite:////data/mlflow.db"), artifact_location("http://127.0.0.1:5000")
    ('file:///data/artifacts', None)
    """
    if artifacts is not None:
        text = os.fspath(artifacts)
        return text if "://" in text else Path(text).absolute().as_uri()
    path = None if uri is None else sqlite_path(uri)
    return None if path is None else (path.parent / "artifacts").as_uri()


def ui_command(uri: str, *, page: str = "") -> str:
    """Return the line that a person pastes into a terminal to see the runs of a store.

    Parameters
    ----------
    uri
        The store, as given to `track_study`.
    page
        The page to open, as `TrackedStudy.page` says, where a server is there already.

    Examples
    --------
    >>> ui_command("http://127.0.0.1:5000")
    'python -m webbrowser http://127.0.0.1:5000'
    >>> print(ui_command("sqlite:///runs/mlflow.db"))  # doctest: +ELLIPSIS
    MLFLOW_DISABLE_TELEMETRY=true ... ui --backend-store-uri sqlite:///runs/mlflow.db --host 127.0.0.1
    """
    if uri.startswith(("http://", "https://")):
        address = f"{uri.rstrip('/')}/{page}" if page else uri
        return f"python -m webbrowser {shlex.quote(address)}"
    quiet = "" if os.name == "nt" else "MLFLOW_DISABLE_TELEMETRY=true "
    return f"{quiet}{_program()} ui --backend-store-uri {shlex.quote(uri)} --host 127.0.0.1"


def _plain(uri: str) -> str:
    return uri.rstrip("/") if uri.startswith(("http://", "https://")) else uri


def _program() -> str:
    """Return how to call mlflow: by name where that finds this environment's, else by its path."""
    beside = Path(sys.executable).with_name("mlflow")
    found = shutil.which("mlflow")
    if not beside.exists() or (found is not None and Path(found) == beside):
        return "mlflow"
    inside = beside.is_relative_to(Path.cwd())
    return shlex.quote(str(beside.relative_to(Path.cwd()) if inside else beside))
