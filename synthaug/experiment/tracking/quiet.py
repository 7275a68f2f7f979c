"""MLflow kept quiet and quick: its noise held back, what it calls home switched off, its retries few."""

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator

_NOISE: tuple[tuple[type[Warning], str, str], ...] = (  # category, message, module: nothing a user could act on
    (UserWarning, r".*Any type hint is inferred as AnyType", ""),
    (UserWarning, r".*An input example was not provided", ""),
    (UserWarning, r".*Inferred schema contains integer column", ""),
    (UserWarning, r"Glyph \d+ .* missing from font", ""),
    (DeprecationWarning, r"The ``noload`` loader strategy is deprecated", ""),
    (DeprecationWarning, "", r"mlflow\."),
)
_FEW_RETRIES = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}


def switch_telemetry_off() -> None:
    """Switch off what MLflow reports home, unless the user has said something about it."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back MLflow's own deprecations and the lines it logs when it makes a database."""
    logger = logging.getLogger("mlflow.store.db.utils")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for category, message, module in _NOISE:
                warnings.filterwarnings("ignore", message=message, category=category, module=module)
            yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def addresses_hidden() -> Iterator[None]:
    """Keep MLflow from printing two lines for each run that ends on a server."""
    with _environment({"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}):
        yield


@contextlib.contextmanager
def few_retries() -> Iterator[None]:
    """Let a call to a server that is away fail in seconds; MLflow would try for minutes. The user's settings win."""
    with _environment({name: value for name, value in _FEW_RETRIES.items() if name not in os.environ}):
        yield


@contextlib.contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
