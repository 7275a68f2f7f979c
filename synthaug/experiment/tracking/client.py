"""The calls to MLflow: the only file that imports it, and only inside functions, its telemetry switched off before.

Everything goes through a client of its own: the caller's tracking URI, experiment and active run stay what they were.
"""

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug._version import __version__
from synthaug.errors import ConfigError, FileError
from synthaug.experiment.tracking.address import check_uri, make_folder, same_store
from synthaug.experiment.tracking.records import Point, batches

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.data.dataset import Dataset
    from mlflow.entities import Run
    from mlflow.models import ModelSignature

SOURCE = {"mlflow.source.name": "synthaug", "mlflow.source.type": "LOCAL"}
_MAX_METRICS, _MAX_PARAMETERS, _MAX_TAG_LENGTH = 1000, 100, 5000  # MLflow's limits for a log_batch call and a tag
_HIDE_ADDRESS = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
_NOISE: tuple[tuple[type[Warning], str, str], ...] = (  # category, message, module: nothing a user could act on
    (UserWarning, r".*Any type hint is inferred as AnyType", ""),
    (UserWarning, r".*An input example was not provided", ""),
    (UserWarning, r"Glyph \d+ .* missing from font", ""),
    (DeprecationWarning, r"The ``noload`` loader strategy is deprecated", ""),
    (DeprecationWarning, "", r"mlflow\."),
)


def locate(uri: str | None) -> tuple[str, str | None]:
    """Return the store's address, and the caller's active run where it lives in that store.

    Parameters
    ----------
    uri
        The store; None for the caller's.

    Raises
    ------
    ConfigError
        If mlflow is not installed or the address names no store that it writes to.
    """
    _require_mlflow()
    from mlflow import active_run, get_tracking_uri

    theirs = get_tracking_uri()
    check_uri(uri or theirs)
    if uri is not None and not same_store(uri, theirs):
        return make_folder(uri), None
    run = active_run()
    return theirs, os.environ.get("MLFLOW_RUN_ID") if run is None else run.info.run_id


def open_client(store: str) -> "MlflowClient":
    """Return a client of a store; a new database's tables are made here."""
    from mlflow import MlflowClient

    with _quiet():
        return MlflowClient(tracking_uri=store)


def find_run(client: "MlflowClient", run_id: str) -> "Run":
    """Return a run.

    Raises
    ------
    ConfigError
        If the store does not hold it, or it was deleted.
    """
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        raise ConfigError(
            f"run_id must be a run of the store; got {run_id!r} ({error}). Leave it out to begin a new run."
        ) from error
    if run.info.lifecycle_stage == "deleted":
        raise ConfigError(
            f"run_id must not be a deleted run; got {run_id!r}. "
            f"Restore it (mlflow runs restore --run-id {run_id}) or leave it out to begin a new one."
        )
    return run


def new_run(client: "MlflowClient", name: str, experiment: str, location: str | None) -> "Run":
    """Return a new run of an experiment, which is made where it is missing, with its files at ``location``.

    Raises
    ------
    ConfigError
        If the experiment was deleted.
    """
    found = client.get_experiment_by_name(experiment)
    if found is not None and found.lifecycle_stage == "deleted":
        raise ConfigError(
            f"experiment must not be a deleted one; got {experiment!r}. "
            f"Restore it (mlflow experiments restore -x {found.experiment_id}) or choose another name."
        )
    experiment_id = found.experiment_id if found else client.create_experiment(experiment, location)
    return client.create_run(experiment_id, run_name=name, tags=SOURCE)


def end_run(client: "MlflowClient", run_id: str, status: str = "FINISHED") -> None:
    """End a run, without the two lines that MLflow would print for each run on a server."""
    shown = os.environ.get(_HIDE_ADDRESS)
    os.environ[_HIDE_ADDRESS] = "true"
    try:
        client.set_terminated(run_id, status)
    finally:
        os.environ.pop(_HIDE_ADDRESS)
        if shown is not None:
            os.environ[_HIDE_ADDRESS] = shown


def tagged_runs(client: "MlflowClient", experiment_id: str, tag: str, value: str) -> Iterator["Run"]:
    """Yield the runs of an experiment that carry a tag."""
    token: str | None = None
    while True:
        page = client.search_runs([experiment_id], f"tags.{tag} = '{value}'", page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def set_metrics(client: "MlflowClient", run_id: str, points: Sequence[Point], *, seconds_ago: float = 0.0) -> None:
    """Log points in as few calls as MLflow allows, their times counted from ``seconds_ago``."""
    from mlflow.entities import Metric

    began = time.time() - seconds_ago
    metrics = [Metric(key, value, int(1000 * (began + after)), step) for key, value, step, after in points]
    for batch in batches(metrics, _MAX_METRICS):
        client.log_batch(run_id, metrics=batch, synchronous=True)


def set_params(client: "MlflowClient", run_id: str, params: Mapping[str, str]) -> None:
    """Log parameters in as few calls as MLflow allows."""
    from mlflow.entities import Param

    for batch in batches([Param(key, text) for key, text in params.items()], _MAX_PARAMETERS):
        client.log_batch(run_id, params=batch, synchronous=True)


def set_tags(client: "MlflowClient", run_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags in as few calls as MLflow allows, long ones cut."""
    from mlflow.entities import RunTag

    rows = [RunTag(key, str(value)[:_MAX_TAG_LENGTH]) for key, value in tags.items()]
    for batch in batches(rows, _MAX_PARAMETERS):
        client.log_batch(run_id, tags=batch, synchronous=True)


def log_figure(client: "MlflowClient", run_id: str, figure: "Figure", name: str) -> None:
    """Log a figure as a picture."""
    with _quiet():
        client.log_figure(run_id, figure, name)


def log_dataset(client: "MlflowClient", run_id: str, X: Any, y: Any, *, name: str, context: str) -> None:
    """Log what a data set is: name, shape, schema and digest, none of its rows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    with _quiet():
        entity = Dataset(**_describe(X, y, name).to_dict())
    client.log_inputs(run_id, [DatasetInput(entity, [InputTag("mlflow.data.context", context)])])


def log_model(client: "MlflowClient", run: "Run", folder: Path) -> None:
    """Log a saved learner as an MLflow model of a run.

    Raises
    ------
    FileError
        If the folder does not exist.
    """
    from mlflow.entities import LoggedModelOutput

    if not folder.is_dir():
        raise FileError(f"a learner's folder must exist; got {folder} (not a folder). Save the learner there first.")
    run_id = run.info.run_id
    model = client.create_logged_model(run.info.experiment_id, "learner", run_id, model_type="generator")
    with tempfile.TemporaryDirectory() as scratch, _quiet():
        path = Path(scratch, "model")
        _save_model(path, folder, (model.artifact_location, run_id, model.model_id))
        client.log_model_artifacts(model.model_id, str(path))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])


def _require_mlflow() -> None:
    """Import mlflow with its telemetry off. A folder called mlflow in the way imports too, but holds nothing."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    try:
        with _quiet():
            from mlflow import MlflowClient  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"mlflow must be installed to track a study; got {error}. Run: pip install 'mlflow>=3.1,<4'."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back MLflow's own deprecations and the two lines it logs when it makes a database."""
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


def _describe(X: Any, y: Any, name: str) -> "Dataset":
    """Return MLflow's description of a data set, without the user's name and git state that it would add."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.numpy_dataset import from_numpy
    from mlflow.data.pandas_dataset import from_pandas

    source = CodeDatasetSource(tags=dict(SOURCE))
    if not isinstance(X, pd.DataFrame):
        return from_numpy(np.asarray(X), source, targets=np.asarray(y), name=name)
    label = next(word for word in ("label", "label_", "synthaug label") if word not in X.columns)
    return from_pandas(X.assign(**{label: np.asarray(y)}), source, targets=label, name=name)


def _save_model(path: Path, folder: Path, identity: tuple[str, str, str]) -> None:
    """Write a saved learner as an MLflow model: its files as they are, and the name of the module that reads them."""
    from mlflow import pyfunc
    from mlflow.models import Model

    location, run_id, model_id = identity
    pyfunc.save_model(
        path,
        loader_module="synthaug.experiment.learner_model",
        data_path=str(folder),
        mlflow_model=Model(location, run_id, model_uuid=model_id, model_id=model_id),
        signature=_signature(),
        pip_requirements=[f"synthaug=={__version__}"],  # asking MLflow to infer them takes seconds
    )


def _signature() -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema

    columns = Schema([ColSpec(AnyType(), "label"), ColSpec(DataType.long, "n")])
    return ModelSignature(columns, params=ParamSchema([ParamSpec("random_state", DataType.long, None)]))
