"""Training that is killed, cut, stopped or out of disk: what was done is kept, and going on gives the same weights.

Run as a program (folder, number of kills, before which step, steps), this file trains learners in processes that are
killed; the tests then go on from what is left. There rows are held out, and every fourth step is looked at.
"""

import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, ImageSchema, TableSchema
from synthaug.errors import BudgetWarning, FileError
from synthaug.generators import GENERATORS, Limits
from synthaug.training import watch
from synthaug.training.checkpoint import Checkpoint

NETWORKED = {name: make for name, make in GENERATORS.items() if "batch_size" in make().get_params()}
N_STEPS = 24
SCHEMAS = {
    "images": ImageSchema((1, 9, 8), 2),
    "table": TableSchema((Column("a", "number"), Column("b", "number")), 2),
}
CASES = list(itertools.product(NETWORKED, SCHEMAS))


def learn(case, *, n_steps=N_STEPS, seed=3, shift=0.0, on_step=lambda record: None, **limits):
    """Return a fitted learner of one case."""
    name, kind = case
    early_stopping = limits.pop("early_stopping", "auto")
    x = torch.randn(20, *SCHEMAS[kind].shape, generator=torch_stream(0)).clamp(-1, 1) + shift
    learner = GENERATORS[name](n_steps=n_steps, batch_size=8, width=4, early_stopping=early_stopping)
    return learner.fit(
        x, torch.arange(20) % 2, schema=SCHEMAS[kind], seed=seed, on_step=on_step, limits=Limits(**limits)
    )


def write_at_every_step():
    """Let checkpoints be written after every step instead of every twenty seconds."""
    Checkpoint.__init__.__defaults__ = (0.0,)


@pytest.fixture
def often(monkeypatch):
    """Write checkpoints after every step, for the time of a test."""
    monkeypatch.setattr(Checkpoint.__init__, "__defaults__", (0.0,))


@pytest.fixture
def look_often(monkeypatch):
    """Look at every fourth step, for the time of a test."""
    monkeypatch.setattr(watch, "_FEWEST_STEPS_APART", 4)


def assert_same(first, second):
    """Assert that two learners are the same bit for bit, and saw and decided the same."""
    ours, theirs = first.state()[0], second.state()[0]
    assert set(ours) == set(theirs)
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name
    assert [record.terms for record in first.story_] == [record.terms for record in second.story_]
    assert first.ending_ == second.ending_
    assert repr(first.looks_) == repr(second.looks_)  # NaN is what NaN was
    for (step, shown), (other, too) in zip(first.snapshots_, second.snapshots_, strict=True):
        assert step == other
        assert torch.equal(shown, too)


def header_of(path):
    """Return what a checkpoint says of itself."""
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["synthaug"])


def train_and_be_killed(case, folder, at, n_steps):
    """Train in a process of its own, which is killed once the steps ``at`` are reached, each time gone on from."""
    for step in at:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            learn(
                case,
                n_steps=n_steps,
                early_stopping=True,
                checkpoint_dir=folder,
                resume=True,
                on_step=lambda record, pipe=writer: os.write(pipe, b"%d\n" % record.step) and None,
            )
            os._exit(1)
        os.close(writer)
        with os.fdopen(reader) as told:
            while int(told.readline() or n_steps) < step:
                pass
            time.sleep(random.Random(step).uniform(0, 0.01))
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)  # killed, or, where it had settled before, at its end


def kill(folder, n_kills, before, n_steps):
    """Train every case in processes killed so many times; return the steps reached."""
    command = [sys.executable, __file__, folder, *map(str, (n_kills, before, n_steps))]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    left = [header_of(path)["facts"]["step"] for path in folder.glob("[!.]*.safetensors")]
    assert len(left) == len(CASES)
    assert all(0 < step < n_steps for step in left)
    return folder


@pytest.fixture(scope="module")
def killed_three_times(tmp_path_factory):
    """Return the folder of checkpoints, from the middle of training, of runs that were killed three times."""
    return kill(tmp_path_factory.mktemp("killed"), 3, 20, N_STEPS)


@pytest.fixture(scope="module")
def killed_twenty_times(tmp_path_factory):
    """Return the folder of checkpoints of longer runs that were killed twenty times."""
    return kill(tmp_path_factory.mktemp("killed"), 20, 40, 5 * N_STEPS)  # before any has settled


def assert_goes_on(case, folder, n_steps):
    """Assert that going on from a folder gives the weights, looks and story of an undisturbed run."""
    steps = []
    how = {"n_steps": n_steps, "early_stopping": True}
    resumed = learn(case, checkpoint_dir=folder, resume=True, on_step=lambda record: steps.append(record.step), **how)
    whole = learn(case, **how)
    assert steps == [record.step for record in whole.story_]
    assert_same(resumed, whole)


@pytest.mark.usefixtures("look_often")
@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_run_killed_three_times_ends_as_if_undisturbed(case, killed_three_times):
    """After kill -9 at random moments, going on gives the same weights bit for bit, and the whole story."""
    assert_goes_on(case, killed_three_times, N_STEPS)


@pytest.mark.slow
@pytest.mark.usefixtures("look_often")
@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_run_killed_twenty_times_ends_as_if_undisturbed(case, killed_twenty_times):
    """However often: nothing adds up."""
    assert_goes_on(case, killed_twenty_times, 5 * N_STEPS)


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_finished_run_is_not_trained_again(case, tmp_path):
    """Going on from the end tells the same story, in no time, and gives the same weights."""
    first = learn(case, checkpoint_dir=tmp_path)
    again = learn(case, checkpoint_dir=tmp_path, resume=True)
    assert_same(first, again)
    assert again.story_ == first.story_


def test_without_resume_everything_begins_anew(tmp_path):
    """A checkpoint is only gone on from when asked for."""
    case = CASES[0]
    first = learn(case, checkpoint_dir=tmp_path)
    steps = []
    again = learn(case, checkpoint_dir=tmp_path, on_step=lambda record: steps.append(record.seconds))
    assert_same(first, again)
    assert again.story_ != first.story_


@pytest.mark.parametrize("changed", [{"seed": 4}, {"shift": 0.5}, {"n_steps": 10}, {"max_steps": 9}], ids=str)
def test_learners_that_share_a_folder_do_not_meet(changed, tmp_path):
    """Another seed, other rows, parameters or limits of steps: another file, and the weights of a run alone."""
    case = CASES[1]
    learn(case, checkpoint_dir=tmp_path)
    (own,) = tmp_path.iterdir()
    other = learn(case, checkpoint_dir=tmp_path, resume=True, **changed)
    assert own in tmp_path.iterdir()
    assert len(list(tmp_path.iterdir())) == 2
    assert_same(other, learn(case, **changed))


def test_learners_of_two_kinds_do_not_meet(tmp_path):
    """All learners of all cases can leave their checkpoints in one folder."""
    for case in CASES:
        learn(case, n_steps=2, checkpoint_dir=tmp_path, resume=True)
    assert len(list(tmp_path.iterdir())) == len(CASES)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-7] + b"x" + path.read_bytes()[-6:]),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["cut", "empty", "one byte changed", "a folder"],
)
def test_a_damaged_checkpoint_is_refused(tmp_path, damage):
    """Going on from a damaged file is refused with its path and the remedy."""
    learn(CASES[0], checkpoint_dir=tmp_path)
    (path,) = tmp_path.iterdir()
    damage(path)
    with pytest.raises(FileError, match=f"'{path}' is damaged.* Delete it to start anew"):
        learn(CASES[0], checkpoint_dir=tmp_path, resume=True)


def test_a_checkpoint_of_other_networks_is_refused(tmp_path):
    """One whose weights do not fit this learner's networks is named, and nothing is half loaded."""
    first = learn(CASES[0], checkpoint_dir=tmp_path)
    (path,) = tmp_path.iterdir()
    key = header_of(path)["key"]
    tensors, facts = Checkpoint(tmp_path, key).read()
    Checkpoint(tmp_path, key).write({name: value[:1] for name, value in tensors.items() if value.ndim}, facts)
    with pytest.raises(FileError, match=f"must fit the networks; '{path}' does not. Delete it"):
        learn(CASES[0], checkpoint_dir=tmp_path, resume=True)
    assert first.state()[0]


@pytest.mark.usefixtures("often")
def test_a_folder_that_vanishes_costs_checkpoints_not_training(tmp_path):
    """If the folder is removed while training runs, it warns once, goes on, and learns the same."""
    folder = tmp_path / "gone"

    def remove(record):
        if record.step == 12:
            shutil.rmtree(folder)

    with pytest.warns(BudgetWarning, match="training goes on without checkpoints: '.*' cannot be written") as caught:
        learner = learn(CASES[1], checkpoint_dir=folder, on_step=remove)
    assert len(caught) == 1
    assert_same(learner, learn(CASES[1]))


@contextmanager
def largest_file(n_bytes):
    """Let no file grow beyond a size, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("often")
def test_a_full_disk_costs_checkpoints_not_training(tmp_path):
    """Where no room is left, training warns once, goes on, learns the same, and leaves no half-written file."""
    with (
        largest_file(2000),
        pytest.warns(BudgetWarning, match="without checkpoints: '.*' cannot be written: no room is left") as caught,
    ):
        learner = learn(CASES[0], checkpoint_dir=tmp_path)
    assert len(caught) == 1
    assert list(tmp_path.iterdir()) == []
    assert_same(learner, learn(CASES[0]))


@pytest.mark.usefixtures("often")
def test_a_disk_that_fills_up_leaves_the_last_checkpoint(tmp_path):
    """What was written before there was no room can be gone on from, to the same weights."""
    case = CASES[0]

    def fill(record):
        if record.step == 12:
            limit.__enter__()

    limit = largest_file(2000)
    with pytest.warns(BudgetWarning):
        learn(case, checkpoint_dir=tmp_path, on_step=fill)
    limit.__exit__(None, None, None)
    steps = []
    resumed = learn(case, checkpoint_dir=tmp_path, resume=True, on_step=lambda record: steps.append(record.step))
    assert steps == list(range(1, N_STEPS + 1))
    assert_same(resumed, learn(case))


def test_a_checkpoint_folder_that_cannot_be_is_an_error(tmp_path):
    """A path that is a file is found out before anything is learned."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"folder must be writable; got '.*file'"):
        learn(CASES[0], checkpoint_dir=tmp_path / "file")


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_limit_of_seconds_cuts_the_run(case, tmp_path):
    """The run ends soon after the limit and says so; gone on from without it, it is as if never cut."""
    cut = learn(case, n_steps=2000, checkpoint_dir=tmp_path, max_seconds=0.03)
    assert cut.was_cut_
    assert cut.state()[1]["was_cut"]
    (path,) = tmp_path.iterdir()
    reached = header_of(path)["facts"]["step"]
    assert 1 <= reached < 1000

    def a_little_later(record):
        return record.step > reached

    resumed = learn(case, n_steps=2000, checkpoint_dir=tmp_path, resume=True, on_step=a_little_later)
    assert not resumed.was_cut_
    assert_same(resumed, learn(case, n_steps=2000, on_step=a_little_later))


def test_a_limit_of_steps_is_a_shorter_run():
    """The lesser of n_steps and max_steps counts; it is no cut, for the same seed gives the same weights."""
    case = CASES[0]
    short = learn(case, max_steps=10)
    assert [record.step for record in short.story_] == list(range(1, 11))
    assert not short.was_cut_
    assert_same(short, learn(case, max_steps=10))
    assert learn(case, max_steps=10**6).story_[-1].step == N_STEPS


def test_a_long_enough_limit_of_seconds_changes_nothing():
    """A run that ends within its limit is not cut and is the run without a limit."""
    case = CASES[0]
    limited = learn(case, max_seconds=600.0)
    assert not limited.was_cut_
    assert_same(limited, learn(case))


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_at_every_step()
    watch._FEWEST_STEPS_APART = 4
    steps_of, (n_kills, before, n_steps) = random.Random(0), map(int, sys.argv[2:])
    for each in CASES:
        learn(each, n_steps=1)  # what torch loads on first use is loaded once, not by every child
        at = sorted(steps_of.sample(range(2, before), n_kills))
        train_and_be_killed(each, Path(sys.argv[1]), at, n_steps)
