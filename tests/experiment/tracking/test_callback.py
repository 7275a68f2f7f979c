import copy
import pickle

import joblib
import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from sklearn.base import clone

import synthaug
from synthaug import CGAN, MlflowCallback, SyntheticAugmenter
from synthaug.errors import TrackingWarning
from synthaug.training.loop import StepRecord


def steps(n: int, value: float = 1.0) -> list[StepRecord]:
    return [StepRecord(step, n, 8 * step, 0.1 * step, {"critic": value / step}) for step in range(1, n + 1)]


def learnings(uri: str) -> list:
    """Return the runs that callbacks began, the oldest first."""
    client = MlflowClient(uri)
    experiments = [found.experiment_id for found in client.search_experiments()]
    return client.search_runs(experiments, "tags.kind = 'learning'", order_by=["attributes.start_time"])


def history(uri: str, run, key: str = "critic") -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in MlflowClient(uri).get_metric_history(run.info.run_id, key)]


@pytest.fixture
def active(uri):
    """The caller's active run."""
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run() as run:
            yield run
    finally:
        mlflow.set_tracking_uri(None)


def test_steps_become_a_run_that_ends_with_the_last(uri):
    """Without an active run a learning is a run of its own, with its parameters, which the last step ends."""
    log = MlflowCallback("mine", uri=uri, params={"generator": {"lr": 0.1}}, tags={"team": "clinic"})
    for record in steps(3):
        log(record)
    (run,) = learnings(uri)
    assert (run.info.run_name, run.info.status, run.data.tags["team"]) == ("mine", "FINISHED", "clinic")
    assert run.data.params == {"generator.lr": "0.1"}
    assert history(uri, run) == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]


def test_augmenter_tells_the_callback(uri):
    """As a callback of an augmenter it logs every loss term that the augmenter's history holds."""
    rng = np.random.default_rng(0)
    learner = CGAN(n_steps=3, batch_size=8, width=4)
    augmenter = SyntheticAugmenter(learner, selection="none", callbacks=[MlflowCallback(uri=uri)], random_state=0)
    augmenter.fit(rng.normal(size=(20, 3)), np.arange(20) % 2)
    (run,) = learnings(uri)
    terms = set(augmenter.history_.columns) - {"step", "images_seen", "seconds"}
    assert set(run.data.metrics) == terms
    for term in terms:
        wanted = list(zip(augmenter.history_["step"], augmenter.history_[term], strict=True))
        assert history(uri, run, term) == wanted


@pytest.mark.parametrize("cap", [{"max_steps": 30}, {"callbacks": 30}], ids=["limit", "callback"])
def test_learning_that_ends_early_is_logged_whole(uri, cap):
    """Where a learner stops before its last step, every step it took is logged and its run is ended."""
    rng = np.random.default_rng(0)
    learner = CGAN(n_steps=60, batch_size=8, width=4)
    log = MlflowCallback(uri=uri)
    stop = [lambda record: record.step >= cap["callbacks"]] if "callbacks" in cap else []
    options = {"selection": "none", "max_steps": cap.get("max_steps"), "callbacks": [log, *stop], "random_state": 0}
    augmenter = SyntheticAugmenter(learner, **options).fit(rng.normal(size=(20, 3)), np.arange(20) % 2)
    (run,) = learnings(uri)
    assert run.info.status == "FINISHED"
    assert [step for step, _ in history(uri, run, "critic_accuracy")] == augmenter.history_["step"].tolist()


def test_active_run_is_used_and_left_open(uri, active):
    """The caller's active run gets the steps and stays open; a second learning has a run beneath it."""
    log = MlflowCallback(prefix="gan")
    for record in steps(2) + steps(2, value=5.0):
        log(record)
    assert mlflow.active_run().info.run_id == active.info.run_id
    assert history(uri, active, "gan/critic") == [(1, 1.0), (2, 0.5)]
    (second,) = learnings(uri)
    assert second.data.tags["mlflow.parentRunId"] == active.info.run_id
    assert history(uri, second, "gan/critic") == [(1, 5.0), (2, 2.5)]
    assert MlflowClient(uri).get_run(active.info.run_id).info.status == "RUNNING"


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda log: pickle.loads(pickle.dumps(log)), lambda log: clone(log, safe=False)]
)
def test_copies_log_beneath_the_run_that_was_active(uri, active, copied):
    """A copy, however made, knows store and parent though nothing is active where it is used."""
    log = copied(MlflowCallback())
    mlflow.end_run()
    mlflow.set_tracking_uri(None)
    for record in steps(2):
        copied(log)(record)
        log(record)
    found = learnings(uri)
    assert {run.data.tags["mlflow.parentRunId"] for run in found} == {active.info.run_id}
    assert [len(history(uri, run)) for run in found if run.info.status == "FINISHED"] == [2, 1]


def learn(log: MlflowCallback, value: float) -> None:
    for record in steps(3, value):
        log(record)


@pytest.mark.slow
def test_workers_log_beneath_the_study(uri, active):
    """Learners in joblib's processes each get a run beneath the caller's, with every step once."""
    log = MlflowCallback()
    joblib.Parallel(2)(joblib.delayed(learn)(log, float(value)) for value in range(1, 5))
    found = learnings(uri)
    assert {run.data.tags["mlflow.parentRunId"] for run in found} == {active.info.run_id}
    assert sorted(history(uri, run)[0][1] for run in found) == [1.0, 2.0, 3.0, 4.0]
    assert {(len(history(uri, run)), run.info.status) for run in found} == {(3, "FINISHED")}


def test_own_loop_logs_named_numbers(uri):
    """A loop of one's own logs names and numbers, also of a loss that diverged; leaving the block sends the rest."""
    with MlflowCallback(uri=uri) as log:
        for step in range(3):
            log.log(step, loss=1.0 / (1 + step), norm=1.0 if step < 2 else float("nan"))
    (run,) = learnings(uri)
    assert history(uri, run, "loss") == [(0, 1.0), (1, 0.5), (2, pytest.approx(1 / 3))]
    assert history(uri, run, "norm") == [(0, 1.0), (1, 1.0), (2, pytest.approx(float("nan"), nan_ok=True))]


def test_step_may_be_logged_in_parts(uri, active):
    """The loss and then the validation score of the same step go into one run."""
    log = MlflowCallback()
    for step in range(3):
        log.log(step, loss=1.0 / (1 + step))
        log.log(step, score=0.5)
    log.close()
    assert history(uri, active, "loss") == [(0, 1.0), (1, 0.5), (2, pytest.approx(1 / 3))]
    assert history(uri, active, "score") == [(0, 0.5), (1, 0.5), (2, 0.5)]
    assert learnings(uri) == []


def test_name_that_comes_again_at_a_step_begins_a_new_learning(uri):
    """A second loop is told from the first by its first step, also where both have one step; so is an earlier step."""
    with MlflowCallback(uri=uri) as log:
        for step, loss in [(0, 1.0), (0, 2.0), (1, 3.0), (0, 4.0)]:
            log.log(step, loss=loss)
            log.log(step, score=0.5)
    found = sorted(history(uri, run, "loss") for run in learnings(uri))
    assert found == [[(0, 1.0)], [(0, 2.0), (1, 3.0)], [(0, 4.0)]]


@pytest.mark.parametrize(("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_loop_that_fails_is_told(uri, error, status):
    """A block that ends by an exception leaves its run FAILED or KILLED, with what it had."""

    def fail() -> None:
        with MlflowCallback(uri=uri) as log:
            log.log(0, loss=1.0)
            raise error

    with pytest.raises(error):
        fail()
    (run,) = learnings(uri)
    assert (run.info.status, history(uri, run, "loss")) == (status, [(0, 1.0)])


def test_many_steps_travel_in_few_calls(uri, monkeypatch):
    """Steps are sent in batches, not one by one."""
    calls: list[int] = []
    true = MlflowClient.log_batch

    def log_batch(client, run_id, metrics=(), **rest):
        calls.append(len(metrics))
        return true(client, run_id, metrics=metrics, **rest)

    monkeypatch.setattr(MlflowClient, "log_batch", log_batch)
    log = MlflowCallback(uri=uri)
    for record in steps(2500):
        log(record)
    assert sum(calls) == 2500
    assert len([n for n in calls if n]) < 10


def test_tracker_that_is_away_stops_no_training():
    """A server that does not answer costs one warning as training goes on, and one for what is lost at the end."""
    log = MlflowCallback(uri="http://127.0.0.1:9")
    with pytest.warns(TrackingWarning, match=r"must be reachable to log steps; got .* Training goes on"):
        log(steps(2)[0])
    with pytest.warns(TrackingWarning, match="2 values were not sent and are lost"):
        log(steps(2)[1])


def test_early_end_is_noticed_by_the_next_learning(uri):
    """A learning that stopped before its last step is closed when the next one begins."""
    log = MlflowCallback(uri=uri)
    for record in steps(5)[:2] + steps(3):
        log(record)
    found = learnings(uri)
    assert sorted(len(history(uri, run)) for run in found) == [2, 3]
    assert {run.info.status for run in found} == {"FINISHED"}


def test_name_is_public():
    """It is there under the package's own name."""
    assert synthaug.MlflowCallback is MlflowCallback


def test_skorch_epochs_are_logged(uri):
    """In a skorch net it logs the numbers of every epoch."""
    skorch = pytest.importorskip("skorch", reason="skorch is not installed")
    import torch

    X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    options = {"max_epochs": 3, "callbacks": [MlflowCallback(uri=uri)], "train_split": None, "verbose": 0}
    net = skorch.NeuralNetClassifier(torch.nn.Linear, module__in_features=3, module__out_features=2, **options)
    net.set_params(criterion=torch.nn.CrossEntropyLoss)
    net.fit(X, np.arange(20, dtype=np.int64) % 2)
    (run,) = learnings(uri)
    assert [value for _, value in history(uri, run, "train_loss")] == net.history[:, "train_loss"]
