"""Opening a study in MLflow, and ending afterwards what was opened here."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from synthaug.experiment.tracking import client as calls
from synthaug.experiment.tracking.about import About, Place, check_register_as
from synthaug.experiment.tracking.address import artifact_location
from synthaug.experiment.tracking.origin import origin_tags
from synthaug.experiment.tracking.quiet import few_retries
from synthaug.experiment.tracking.records import tag_texts
from synthaug.experiment.tracking.study import TrackedStudy

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

_SCORES = "scores_digest"  # a tag by which a comparison is known again


@contextmanager
def track_study(
    name: str,
    *,
    scoring: str,
    baseline: str = "none",
    class_names: Sequence[str] = (),
    folder: str | os.PathLike[str] = ".",
    experiment: str = "synthaug",
    uri: str | None = None,
    artifacts: str | os.PathLike[str] | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    register_as: str | None = None,
    run_id: str | None = None,
) -> Iterator[TrackedStudy]:
    """Open a study in MLflow and give what logs into it; end afterwards what was opened here.

    The caller's active run becomes the study's run when it lives in the same store, and stays open; a second study in
    it gets a run of its own beneath. Otherwise the study has a run of its own, which ends as FINISHED, as FAILED after
    an exception, as KILLED after Ctrl-C.

    Parameters
    ----------
    name
        The study's name.
    scoring
        The primary metric, one of the names in ``SplitResult.scores``.
    baseline
        The arm that gains are taken from.
    class_names
        Names for the rows of the sample grids.
    folder
        The study's folder, which ``LearnerRecord.folder`` is relative to.
    experiment
        MLflow's experiment; made where it is missing. A caller's run keeps its own.
    uri
        Where MLflow keeps runs: ``sqlite:///runs/mlflow.db``, a server's address, ... By default where the caller does.
    artifacts
        Where a new experiment keeps files: by default beside an SQLite file named in ``uri``, else where MLflow says.
    params
        Settings to reproduce the study; nested ones are joined by dots.
    tags
        Tags of the study's run.
    register_as
        The name that the study's learner is registered under as a model: that of a split whose gate approved it, which
        then gets the alias ``approved``, else that of the first split.
    run_id
        The run of an interrupted study to go on with (`TrackedStudy.run_id`): what it holds is not logged twice.

    Raises
    ------
    ConfigError
        If mlflow is not installed, if the URI names no store that MLflow 3 writes to, if there is no run ``run_id``,
        the experiment was deleted, or MLflow takes no model called ``register_as``.

    Examples
    --------
    >>> import numpy as np
    >>> with track_study("demo", scoring="accuracy", uri="sqlite:///mlflow.db") as study:
    ...     study.log_dataset(np.zeros((4, 2)), np.array([0, 1, 0, 1]), name="zeros")
    """
    about = About(
        name=name,
        scoring=scoring,
        baseline=baseline,
        class_names=tuple(class_names),
        folder=Path(folder),
        params=dict(params or {}),
        tags=tag_texts(tags or {}),
        origin=origin_tags(),
        register_as=check_register_as(register_as),
    )
    study = open_study(about, Place(uri, experiment, artifacts, run_id))
    status = "FAILED"
    try:
        study.begin()
        yield study
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        study.end(status)


def log_comparison(comparison: "Comparison", *, uri: str | None, experiment: str) -> str:
    """Log a finished study, as `Comparison.to_mlflow` says, and return its run's id: all but the learners' models."""
    with (
        few_retries(),
        track_study(
            comparison.name,
            scoring=comparison.scoring,
            baseline=comparison.baseline,
            class_names=comparison.class_names,
            experiment=experiment,
            uri=uri,
            params=comparison.settings,
            tags={_SCORES: sha256(comparison.frame.to_csv().encode()).hexdigest()[:16]},
        ) as study,
        TemporaryDirectory() as folder,
    ):
        for split in comparison.splits:
            study.log_split(replace(split, learners=tuple(replace(one, folder=None) for one in split.learners)))
        study.log_summary(comparison)
        study.log_report(comparison.to_html(Path(folder) / "report.html"))
    return study.run_id


def open_study(about: About, place: Place) -> TrackedStudy:
    """Return what logs a study: into the run that is named or tagged with its key, the caller's active run if that
    holds no study, or this comparison's beginning, or a new one, beneath the caller's if there is one.

    Raises
    ------
    ConfigError
        As ``track_study``.
    """
    store, active = calls.locate(place.uri)
    client = calls.open_client(store)
    known = place.run_id or calls.run_with_key(client, place.experiment, place.key)
    taken = known
    if active and not known:
        tags = calls.find_run(client, active).data.tags
        known = active if place.key is None and _is_begun(tags, about) else None
        taken = known or (None if tags.get("kind") == "study" else active)
    location = artifact_location(place.uri, place.artifacts)
    run = calls.find_run(client, taken) if taken else calls.new_run(client, about.name, place, location, parent=active)
    owned = place.owned and run.info.run_id != active
    return TrackedStudy(client, run.info.run_id, run.info.experiment_id, about, owned, known=known is not None)


def _is_begun(tags: Mapping[str, str], about: About) -> bool:
    """Return whether a run holds this very comparison, by its scores, without a summary."""
    mine = about.tags.get(_SCORES)
    return mine is not None and tags.get(_SCORES) == mine and "sentence" not in tags
