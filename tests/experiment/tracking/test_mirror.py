import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from synthaug.errors import ConfigError, FileError, TrackingWarning
from synthaug.experiment.storage import SplitStore
from synthaug.experiment.sync import sync
from synthaug.experiment.tracking import begin_tracking, locked, mirrored, read_destination
from synthaug.experiment.tracking.study import TrackedStudy


def held(uri: str) -> dict:
    """Return what a store holds: every run's metrics as history, tags, and how many runs there are of each kind."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiments = [found.experiment_id for found in client.search_experiments()]
    runs = {
        (run.data.tags["kind"], run.info.run_name): run
        for run in client.search_runs(experiments)
        if "kind" in run.data.tags
    }
    history = {
        name: {
            key: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, key)]
            for key in run.data.metrics
        }
        for name, run in runs.items()
    }
    return {"runs": runs, "history": history, "n": len(client.search_runs(experiments))}


@contextlib.contextmanager
def tracker_away(monkeypatch, after: int):
    """Let every call of a study's logging fail as a server that died does, after so many of them."""
    calls = iter(range(10**6))
    true = TrackedStudy._log_arm

    def log_arm(self, *rest):
        if next(calls) >= after:
            raise MlflowException("API request failed: Connection refused")
        return true(self, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(TrackedStudy, "_log_arm", log_arm)
        yield


def run_study(folder: Path) -> None:
    """Do what a study does: send after each split."""
    with mirrored(folder) as mirror:
        for _ in range(3):
            mirror.update()


def test_study_is_sent_as_it_grows(uri, split, learner, study_folder):
    """Each finished split is sent from the folder; at the end nothing is missing."""
    folder = study_folder([split(0, learners=(learner(),))])
    begin_tracking(folder, uri=uri)
    with mirrored(folder) as mirror:
        mirror.update()
        SplitStore(folder).save(split(1))
        mirror.update()
    found = held(uri)
    assert found["history"]["arm", "gan"]["accuracy"] == [(0, 0.82), (1, 0.83)]
    assert ("learner", "full, split 0") in found["runs"]
    assert {run.info.status for run in found["runs"].values()} == {"FINISHED"}


def test_record_is_written_before_anything_is_sent(tmp_path, uri):
    """The folder says where the study goes, with its own key, versions and commit, before MLflow is asked."""
    begin_tracking(tmp_path, uri=uri, experiment="x", register_as="model", dataset={"name": "d"})
    found = read_destination(tmp_path)
    assert (found.uri, found.experiment, found.register_as, found.dataset) == (uri, "x", "model", {"name": "d"})
    assert (found.run_id, len(found.key)) == (None, 32)
    assert "python.version" in found.origin


def test_tracker_that_dies_stops_no_study(uri, split, learner, monkeypatch, study_folder):
    """While the tracker is away the study goes on with one warning; ``sync`` then sends what is missing, once."""
    splits = [split(index, learners=(learner(),)) for index in range(4)]
    folder = study_folder(splits)
    begin_tracking(folder, uri=uri, dataset=None)
    with tracker_away(monkeypatch, after=4), pytest.warns(TrackingWarning, match=r"Nothing is lost .* sync") as told:
        run_study(folder)
    assert len(told) == 1
    assert len(held(uri)["history"]["arm", "gan"]["accuracy"]) < 4
    sent = sync(folder)
    assert (sent.n_sent, sent.n_finished, sent.n_splits, sent.summary_sent) == (3, 4, 4, True)
    found = held(uri)
    assert [step for step, _ in found["history"]["arm", "gan"]["accuracy"]] == [0, 1, 2, 3]
    assert found["n"] == len(found["runs"])
    again = sync(folder)
    assert (again.n_sent, again.summary_sent) == (0, False)
    assert held(uri)["history"] == found["history"]


def test_tracker_that_comes_back_gets_the_rest(uri, split, monkeypatch, study_folder):
    """A tracker that is back within the study gets what it missed without being asked."""
    folder = study_folder([split(index) for index in range(3)])
    begin_tracking(folder, uri=uri)
    monkeypatch.setattr("synthaug.experiment.tracking.mirror._SECONDS_BETWEEN_TRIES", 0.0)
    with mirrored(folder) as mirror:
        SplitStore(folder).save(split(3))
        with tracker_away(monkeypatch, after=0), pytest.warns(TrackingWarning):
            mirror.update()
        mirror.update()
    found = held(uri)["history"]
    assert [step for step, _ in found["arm", "gan"]["accuracy"]] == [0, 1, 2, 3]
    assert [step for step, _ in found["study", "demo"]["n_train"]] == [0, 1, 2, 3]


def test_run_is_found_though_its_number_never_came_back(uri, split, study_folder):
    """A run that the tracker made just before it died is found by the study's key, and not made again."""
    folder = study_folder([split(0)])
    first = begin_tracking(folder, uri=uri)
    with mirrored(folder):
        pass
    first.save(folder)  # as if the answer had been lost
    with mirrored(folder) as mirror:
        mirror.update()
    assert held(uri)["n"] == len(held(uri)["runs"])


def test_unfinished_study_is_sent_without_verdicts(uri, split, study_folder):
    """Of a study that was interrupted the finished splits are sent; its run says that it was killed."""
    folder = study_folder([split(0), split(1)])
    begin_tracking(folder, uri=uri)
    sent = sync(folder)
    assert (sent.n_sent, sent.n_finished, sent.n_splits, sent.summary_sent) == (2, 2, 4, False)
    study = held(uri)["runs"]["study", "demo"]
    assert (study.info.status, "verdict" in study.data.tags) == ("KILLED", False)


def test_untracked_study_is_sent_to_the_address_given(uri, split, study_folder):
    """A study run without a tracker can be sent afterwards, to the address that is named."""
    folder = study_folder([split(0)])
    with pytest.raises(ConfigError, match=r"a study must be tracked to be sent; .* --uri"):
        sync(folder)
    assert sync(folder, uri=uri, experiment="later").n_sent == 1
    assert held(uri)["history"]["arm", "gan"]["accuracy"] == [(0, 0.82)]
    assert read_destination(folder).experiment == "later"


def test_two_processes_do_not_send_at_once(uri, split, monkeypatch, study_folder):
    """A study that another process runs or sends is refused in words."""
    folder = study_folder([split(0)])
    begin_tracking(folder, uri=uri)
    monkeypatch.setattr("synthaug.experiment.tracking.mirror._SECONDS_FOR_LOCK", 0.0)
    with (
        locked(folder),
        pytest.raises(ConfigError, match=r"sent by one process at a time; got .* Wait until it is done"),
    ):
        sync(folder)


def test_damaged_record_is_named(tmp_path):
    """A record that cannot be read is an error that says what to do."""
    (tmp_path / "tracking.json").write_text("{")
    with pytest.raises(FileError, match=r"must say where the study is logged; it is damaged .* Delete it"):
        read_destination(tmp_path)


def test_study_without_mlflow_goes_on(split, monkeypatch, study_folder):
    """Without MLflow the study runs, with one warning that says how to send it later."""
    import sys
    import types

    monkeypatch.setitem(sys.modules, "mlflow", types.ModuleType("mlflow"))
    folder = study_folder([split(0)])
    begin_tracking(folder, uri="sqlite:///never.db")
    with pytest.warns(TrackingWarning, match="mlflow must be installed"), mirrored(folder) as mirror:
        mirror.update()
    assert not Path("never.db").exists()


def test_caller_run_is_not_ended_by_sending_later(uri, split, study_folder):
    """A study that took over a caller's run goes on there when it is sent later, and leaves it open."""
    import mlflow

    folder = study_folder([split(0)])
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run() as mine:
            begin_tracking(folder, uri=uri)
            with mirrored(folder):
                pass
            SplitStore(folder).save(split(1))
        mlflow.MlflowClient().update_run(mine.info.run_id, status="RUNNING")
        sync(folder)
        found = held(uri)
        assert found["runs"]["study", mine.info.run_name].info.status == "RUNNING"
        assert [step for step, _ in found["history"]["arm", "gan"]["accuracy"]] == [0, 1]
    finally:
        mlflow.set_tracking_uri(None)


def test_new_study_in_an_old_folder_gets_a_run_of_its_own(uri, tmp_path):
    """A study that is begun anew does not go on in the run of the one before; a resumed one does."""
    first = begin_tracking(tmp_path, uri=uri)
    assert begin_tracking(tmp_path, uri=uri, resume=True).key == first.key
    assert begin_tracking(tmp_path, uri=uri).key != first.key


def test_tracker_that_comes_back_finds_the_caller_run_as_it_was(uri, split, learner, monkeypatch, study_folder):
    """In a run of the caller's, too, a tracker that is back gets what it missed, and nothing twice."""
    import mlflow

    folder = study_folder([split(index, learners=(learner(),)) for index in range(2)])
    monkeypatch.setattr("synthaug.experiment.tracking.mirror._SECONDS_BETWEEN_TRIES", 0.0)
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run():
            begin_tracking(folder, uri=uri)
            with tracker_away(monkeypatch, after=4), pytest.warns(TrackingWarning), mirrored(folder):
                pass
            with mirrored(folder):
                pass
    finally:
        mlflow.set_tracking_uri(None)
    found = held(uri)
    assert [step for step, _ in found["history"]["arm", "gan"]["accuracy"]] == [0, 1]
    assert found["n"] == len(found["runs"])


def test_study_sent_elsewhere_and_back_is_sent_once(uri, split, study_folder):
    """A study that was sent somewhere else too is found again where it was first: nothing is sent twice."""
    folder = study_folder([split(0), split(1)])
    begin_tracking(folder, uri=uri)
    assert sync(folder).n_sent == 2
    assert sync(folder, experiment="elsewhere").n_sent == 2
    assert sync(folder, experiment="synthaug").n_sent == 0
    assert sync(folder, experiment="elsewhere").n_sent == 0


def test_study_whose_run_was_deleted_is_sent_anew(uri, split, study_folder):
    """Where somebody deleted the study's run, all of it goes into a new one, which is said; then nothing is missing."""
    from mlflow import MlflowClient

    folder = study_folder([split(index) for index in range(4)])
    begin_tracking(folder, uri=uri)
    assert sync(folder).n_sent == 4
    first = read_destination(folder).run_id
    MlflowClient(uri).delete_run(first)
    with pytest.warns(
        TrackingWarning, match=rf"must be in the tracker .* got '{first}' \(deleted.* A new run is begun"
    ):
        again = sync(folder)
    assert (again.n_sent, again.summary_sent) == (4, True)
    study = MlflowClient(uri).get_run(read_destination(folder).run_id)
    assert (study.info.run_id != first, study.info.status) == (True, "FINISHED")
    assert study.info.run_id in again.page
    assert held(uri)["history"]["arm", "gan"]["accuracy"] == [(0, 0.82), (1, 0.83), (2, 0.84), (3, 0.85)]
    assert sync(folder).n_sent == 0


def test_study_whose_store_is_new_goes_on(uri, split, study_folder, tmp_path, migrated):
    """A study that is resumed after the store's file was deleted, and made anew, is sent there whole."""
    folder = study_folder([split(0), split(1)])
    begin_tracking(folder, uri=uri)
    sync(folder)
    (tmp_path / "new.db").write_bytes(migrated.read_bytes())
    replace(read_destination(folder), uri=f"sqlite:///{tmp_path}/new.db").save(folder)
    with pytest.warns(TrackingWarning, match="A new run is begun") as told, mirrored(folder) as mirror:
        mirror.update()
    assert len(told) == 1
    found = held(f"sqlite:///{tmp_path}/new.db")["history"]
    assert [step for step, _ in found["arm", "gan"]["accuracy"]] == [0, 1]
