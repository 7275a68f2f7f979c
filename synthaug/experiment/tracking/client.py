"""The calls to MLflow: the only file that imports it, and only inside functions, its telemetry switched off before.

Everything goes through a client of its own: the caller's tracking URI, experiment and active run stay what they were.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug.errors import ConfigError, FileError, SynthaugError
from synthaug.experiment.learner_model import save_model
from synthaug.experiment.tracking.about import Place
from synthaug.experiment.tracking.address import check_uri, make_folder, same_store
from synthaug.experiment.tracking.quiet import addresses_hidden, quiet, switch_telemetry_off
from synthaug.experiment.tracking.records import Point, batches

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.data.dataset import Dataset
    from mlflow.entities import Run

SOURCE = {"mlflow.source.name": "synthaug", "mlflow.source.type": "LOCAL"}
_MAX_METRICS, _MAX_PARAMETERS, _MAX_TAG_LENGTH = 1000, 100, 5000  # MLflow's limits for a log_batch call and a tag
_MAX_FACTS = {"schema": 1_048_575, "profile": 16_777_215}  # and for what a data set says of itself


def installed() -> bool:
    """Return whether MLflow can be imported. A folder called mlflow in the way imports too, but holds nothing."""
    try:
        require_mlflow()
    except ConfigError:
        return False
    return True


def require_mlflow() -> None:
    """Import MLflow with its telemetry off.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    switch_telemetry_off()
    try:
        with quiet():
            from mlflow import MlflowClient  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"mlflow must be installed to track a study; got {error}. Run: pip install 'mlflow>=3.1,<4'."
        ) from error


def failures() -> tuple[type[Exception], ...]:
    """Return what is raised where a tracker is away, full, or says no."""
    if not installed():
        return (OSError, SynthaugError)
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (OSError, SynthaugError, MlflowException, SQLAlchemyError)


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
    require_mlflow()
    from mlflow import active_run, get_tracking_uri

    theirs = get_tracking_uri()
    check_uri(uri or theirs)
    if uri is not None and not same_store(uri, theirs):
        return make_folder(uri), None
    run = active_run()
    return theirs, os.environ.get("MLFLOW_RUN_ID") if run is None else run.info.run_id


def active_run_so_far(uri: str | None) -> str | None:
    """Return the caller's active run as ``locate`` does, or None where nobody has imported MLflow yet."""
    return locate(uri)[1] if "mlflow" in sys.modules and installed() else None


def open_client(store: str) -> "MlflowClient":
    """Return a client of a store; a new database's tables are made here."""
    from mlflow import MlflowClient

    with quiet():
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
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":  # a server that is away, for one
            raise
        raise ConfigError(
            f"run_id must be a run of the store; got {run_id!r} ({error}). Leave it out to begin a new run."
        ) from error
    if run.info.lifecycle_stage == "deleted":
        raise ConfigError(
            f"run_id must not be a deleted run; got {run_id!r}. "
            f"Restore it (mlflow runs restore --run-id {run_id}) or leave it out to begin a new one."
        )
    return run


def is_gone(client: "MlflowClient", run_id: str) -> bool:
    """Return whether a store holds no such run, or a deleted one."""
    try:
        find_run(client, run_id)
    except ConfigError:
        return True
    return False


def run_with_key(client: "MlflowClient", experiment: str, key: str | None) -> str | None:
    """Return the number of an experiment's run that is tagged with a study's key, or None where there is none."""
    found = None if key is None else client.get_experiment_by_name(experiment)
    runs = [] if found is None else client.search_runs([found.experiment_id], f"tags.study_key = '{key}'")
    return str(runs[0].info.run_id) if runs else None


def experiment_of(client: "MlflowClient", name: str, location: str | None) -> str:
    """Return the number of an experiment, which is made where it is missing, with its files at ``location``.

    Raises
    ------
    ConfigError
        If it was deleted.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == "deleted":
        raise ConfigError(
            f"experiment must not be a deleted one; got {name!r}. "
            f"Restore it (mlflow experiments restore -x {found.experiment_id}) or choose another name."
        )
    try:
        return str(found.experiment_id if found else client.create_experiment(name, location))
    except MlflowException as error:  # another process was faster
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return experiment_of(client, name, location)


def new_run(
    client: "MlflowClient",
    name: str,
    place: Place,
    location: str | None,
    *,
    parent: str | None = None,
    began: float | None = None,
    tags: Mapping[str, str] | None = None,
) -> "Run":
    """Return a new run, beneath its parent if it has one, else of the place's experiment (see ``experiment_of``)."""
    if parent is None:
        experiment_id, family = experiment_of(client, place.experiment, location), {}
    else:
        experiment_id, family = find_run(client, parent).info.experiment_id, {"mlflow.parentRunId": parent}
    key = {} if place.key is None else {"study_key": place.key}
    start = None if began is None else int(1000 * began)
    return client.create_run(
        experiment_id, start_time=start, run_name=name, tags=SOURCE | family | key | dict(tags or {})
    )


def end_run(client: "MlflowClient", run_id: str, status: str = "FINISHED") -> None:
    """End a run, without the two lines that MLflow would print for each run on a server."""
    with addresses_hidden():
        client.set_terminated(run_id, status)


def tagged_runs(client: "MlflowClient", experiment_id: str, tag: str, value: str) -> Iterator["Run"]:
    """Yield the runs of an experiment that carry a tag."""
    token: str | None = None
    while True:
        page = client.search_runs([experiment_id], f"tags.{tag} = '{value}'", page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def set_metrics(client: "MlflowClient", run_id: str, points: Sequence[Point], *, began: float | None = None) -> None:
    """Log points in as few calls as MLflow allows, their times counted from when the run began; from now if None."""
    from mlflow.entities import Metric

    start = time.time() if began is None else began
    metrics = [Metric(key, value, int(1000 * (start + after)), step) for key, value, step, after in points]
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
    with quiet():
        client.log_figure(run_id, figure, name)


def describe_dataset(X: Any, y: Any, name: str) -> dict[str, str]:
    """Return what a data set is, as text: name, shape, schema and digest, none of its rows.

    The schema of very many columns, which MLflow would refuse, is left out.
    """
    require_mlflow()
    with quiet():
        facts = _describe(X, y, name).to_dict()
    texts = {key: str(text) for key, text in facts.items() if text is not None}
    return {key: text for key, text in texts.items() if len(text) <= _MAX_FACTS.get(key, len(text))}


def log_dataset(client: "MlflowClient", run_id: str, facts: Mapping[str, str], *, context: str) -> None:
    """Log what ``describe_dataset`` said."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    client.log_inputs(run_id, [DatasetInput(Dataset(**facts), [InputTag("mlflow.data.context", context)])])


def log_model(client: "MlflowClient", run: "Run", folder: Path) -> str:
    """Log a saved learner as an MLflow model of a run, and return the model's id.

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
    with tempfile.TemporaryDirectory() as scratch, quiet():
        path = Path(scratch, "model")
        save_model(path, folder, (model.artifact_location, run_id, model.model_id))
        client.log_model_artifacts(model.model_id, str(path))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return str(model.model_id)


def logged_model(client: "MlflowClient", run_id: str) -> str | None:
    """Return the id of a run's model, or None where it has none."""
    outputs = client.get_run(run_id).outputs
    models = [] if outputs is None else outputs.model_outputs
    return str(models[0].model_id) if models else None


def register_model(client: "MlflowClient", name: str, model_id: str, *, run_id: str, tags: Mapping[str, str]) -> str:
    """Register a logged model under a name, unless it is registered there already, and return its version."""
    from mlflow.exceptions import MlflowException

    for found in client.search_model_versions(f"name = '{name}'"):
        if found.run_id == run_id:  # a learner's run has one model
            return str(found.version)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    location = client.get_logged_model(model_id).artifact_location
    made = client.create_model_version(name, location, run_id, tags=dict(tags), model_id=model_id)
    return str(made.version)


def delete_half(client: "MlflowClient", run: "Run") -> None:
    """Delete a run that was interrupted while it was logged, and the models begun in it."""
    of_run = f"source_run_id = '{run.info.run_id}'"
    for model in client.search_logged_models([run.info.experiment_id], filter_string=of_run):
        client.delete_logged_model(model.model_id)
    client.delete_run(run.info.run_id)


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
