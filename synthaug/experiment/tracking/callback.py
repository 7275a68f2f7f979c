"""A learner's steps in MLflow, or those of any loop: `MlflowCallback`."""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from synthaug.errors import TrackingWarning
from synthaug.experiment.tracking import client as calls
from synthaug.experiment.tracking.about import Place
from synthaug.experiment.tracking.address import artifact_location, check_uri
from synthaug.experiment.tracking.origin import origin_tags
from synthaug.experiment.tracking.quiet import few_retries
from synthaug.experiment.tracking.records import Point, flat_parameters, metric_key, tag_texts
from synthaug.training.loop import StepRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient

_MOST_WAITING, _SECONDS_BETWEEN_SENDS, _SECONDS_BETWEEN_TRIES = 1000, 5.0, 30.0


@dataclass
class _Log:
    """The run of one learning, and the points that wait to be sent to it."""

    began: float = field(default_factory=time.time)
    run_id: str | None = None
    owned: bool = False
    last_step: int = -1
    last_keys: set[str] = field(default_factory=set)
    waiting: list[Point] = field(default_factory=list)


class MlflowCallback:
    """Logs the steps of a learner, or of a loop of your own, into MLflow, many in one call.

    Steps go into the caller's active run, which stays open; without one into a run of its own. Copies (scikit-learn
    clones an augmenter, joblib sends it to its workers) and a second learning get a run each, beneath the run that was
    active when it was made. A tracker that is away stops no training: what could not be sent is tried again, and a
    warning says so.

    Parameters
    ----------
    name
        What its own runs are called.
    uri
        Where MLflow keeps runs; where the caller does if None.
    experiment
        The experiment of its own runs; made where it is missing. Beneath a run of the caller's it is that run's.
    prefix
        What is put before every metric's name, with a slash.
    params, tags
        Logged with its own runs.

    Raises
    ------
    ConfigError
        If the address names no store that MLflow writes to.

    Examples
    --------
    A learner, watched:

    >>> from synthaug import MlflowCallback, SyntheticAugmenter
    >>> augmenter = SyntheticAugmenter(callbacks=[MlflowCallback()])

    A loop of your own; with skorch it goes into ``callbacks=[...]`` too.

    >>> with MlflowCallback(uri="sqlite:///mlflow.db") as log:
    ...     for step in range(3):
    ...         log.log(step, loss=1 / (1 + step))
    """

    def __init__(
        self,
        name: str = "learner",
        *,
        uri: str | None = None,
        experiment: str = "synthaug",
        prefix: str = "",
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        if uri is not None:
            check_uri(uri)
        self.name = name
        self.prefix = prefix
        self.params = dict(params or {})
        self.tags = dict(tags or {})
        self._place = Place(uri, experiment)
        self._parent = calls.active_run_so_far(
            uri
        )  # what copies' runs lie beneath; MLflow knows it in this thread only
        self._is_copy = False
        self._log = _Log()
        self._n_learnings = 0
        self._sent_at = self._next_try = 0.0
        self._warned = False

    def __call__(self, record: StepRecord) -> None:
        """Log a step; the last one is sent at once, and ends a run of its own."""
        if record.step <= self._log.last_step:
            self._begin_anew()
        self._add(record.step, record.seconds, record.terms)
        if record.step >= record.n_steps:
            self.close()

    def on_step(self, record: StepRecord) -> None:
        """Log a step, as calling it does."""
        self(record)

    def log(self, step: int, **terms: float) -> None:
        """Log named numbers of a step of your own loop; ``close`` or a ``with`` block sends the rest.

        Parameters
        ----------
        step
            The step; an earlier one than the last begins a new learning.
        terms
            Numbers by name. Those of one step may come in several calls; a name that comes again at the same step
            begins a new learning.
        """
        last = self._log
        if step < last.last_step or (step == last.last_step and last.last_keys & terms.keys()):
            self._begin_anew()
        self._add(step, time.time() - self._log.began, terms)

    def close(self, status: str = "FINISHED") -> None:
        """Send what waits, and end the run that was begun here."""
        log = self._log
        with few_retries():
            if (log.waiting or log.run_id) and not self._told(self._send, log):
                self._warn(f"{len(log.waiting)} values were not sent and are lost")
            if log.owned and log.run_id is not None:
                self._told(self._end, log.run_id, status)
        self._log = _Log(last_step=log.last_step, last_keys=log.last_keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.close("FINISHED" if kind is None else "KILLED" if kind is KeyboardInterrupt else "FAILED")

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy starts from: where to log, and beneath which run; neither points nor a run."""
        bound = self._bound()
        return {**self.__dict__, **bound, "_is_copy": True, "_log": _Log(), "_n_learnings": 0}

    def initialize(self) -> Self:
        """Return it: skorch asks before it trains."""
        return self

    def set_params(self, **params: Any) -> Self:
        """Return it: skorch sets parameters before it trains, and here are none to set."""
        return self

    def on_epoch_end(self, net: Any, **_: Any) -> None:
        """Log the numbers of skorch's last epoch."""
        row = net.history[-1]
        terms = {key: value for key, value in row.items() if isinstance(value, int | float) and key != "epoch"}
        self.log(int(row["epoch"]), **{key: float(value) for key, value in terms.items()})

    def on_train_end(self, net: Any, **_: Any) -> None:
        """Send what waits when skorch is done."""
        self.close()

    def _nothing(self, net: Any = None, **_: Any) -> None:
        """Hear of what is not logged."""

    on_train_begin = on_epoch_begin = on_batch_begin = on_batch_end = on_grad_computed = _nothing

    def _begin_anew(self) -> None:
        if self._log.waiting or self._log.run_id:
            self.close()  # a learning that never reached its last step
        self._log = _Log()

    def _add(self, step: int, seconds: float, terms: Mapping[str, float]) -> None:
        log, parts = self._log, (self.prefix,) if self.prefix else ()
        points = [Point(metric_key(*parts, key), float(value), step, seconds) for key, value in terms.items()]
        log.waiting += points
        log.last_keys = set(terms) | (log.last_keys if step == log.last_step else set())
        log.last_step = step
        if self._is_due():
            with few_retries():
                self._told(self._send, log)

    def _is_due(self) -> bool:
        now = time.monotonic()
        full = len(self._log.waiting) >= _MOST_WAITING or now - self._sent_at >= _SECONDS_BETWEEN_SENDS
        return full and now >= self._next_try

    def _send(self, log: _Log) -> None:
        store, _ = calls.locate(self._place.uri)
        client = calls.open_client(store)
        if log.run_id is None:
            self._begin(client, log)
        assert log.run_id is not None, "a run was begun"
        calls.set_metrics(client, log.run_id, log.waiting, began=log.began)
        log.waiting, self._sent_at = [], time.monotonic()

    def _begin(self, client: "MlflowClient", log: _Log) -> None:
        """Take the caller's run for a first learning here, else begin one, beneath the caller's if there is one."""
        store, active = calls.locate(self._place.uri)
        parent = self._parent if self._is_copy else active
        self._n_learnings += 1
        if parent is not None and not self._is_copy and self._n_learnings == 1:
            log.run_id = parent
            return
        location = artifact_location(store if self._place.uri else None)
        tags = {"kind": "learning"} | origin_tags() | tag_texts(self.tags)
        run = calls.new_run(client, self.name, self._place, location, parent=parent, began=log.began, tags=tags)
        log.run_id, log.owned = str(run.info.run_id), True
        calls.set_params(client, log.run_id, flat_parameters(self.params))

    def _end(self, run_id: str, status: str) -> None:
        calls.end_run(calls.open_client(calls.locate(self._place.uri)[0]), run_id, status)

    def _bound(self) -> dict[str, Any]:
        """Return the store and the run that copies log to: a worker knows neither. The store's tables are made here."""
        if self._is_copy:
            return {}
        found: dict[str, Any] = {}

        def bind() -> None:
            store, active = calls.locate(self._place.uri)
            found.update(_place=replace(self._place, uri=store), _parent=active or self._parent)
            with few_retries():
                client = calls.open_client(store)
                if found["_parent"] is None:
                    calls.experiment_of(client, self._place.experiment, artifact_location(self._place.uri))

        self._told(bind)
        return found

    def _told(self, act: Callable[..., None], *arguments: Any) -> bool:
        """Return whether an act succeeded; where the tracker is away, warn once and wait before the next try."""
        try:
            act(*arguments)
        except calls.failures() as error:
            self._next_try = time.monotonic() + _SECONDS_BETWEEN_TRIES
            if not self._warned:
                self._warned = True
                text = " ".join(str(error).split())[:200]
                self._warn(f"got {type(error).__name__}: {text}. Training goes on; it is tried again")
            return False
        return True

    def _warn(self, text: str) -> None:
        warnings.warn(f"the tracker must be reachable to log steps; {text}.", TrackingWarning, stacklevel=4)
