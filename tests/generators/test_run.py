"""A run ends for a reason that it tells, keeps the weights that this reason asks for, and holds rows out fairly."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from synthaug._seed import torch_stream
from synthaug.data.schema import Column, TableSchema
from synthaug.errors import ConfigError, DivergedError, TrainingWarning
from synthaug.generators import CGAN, Limits
from synthaug.generators.run import hold_out, join_memories, plan_run, remember, train_within
from synthaug.training import watch as watch_module
from synthaug.training.average import MovingAverage
from synthaug.training.checkpoint import Checkpoint
from synthaug.training.loop import Training
from synthaug.training.session import KINDS
from synthaug.training.watch import PATIENCE

PAIR = TableSchema((Column("a", "number"), Column("b", "number")), 2)
N_STEPS = 32
APART = 2  # steps between looks


class Ball(nn.Module):
    """A Gaussian of a mean and a deviation, both of which a toy step sets."""

    def __init__(self):
        super().__init__()
        self.mean, self.deviation = nn.Parameter(torch.zeros(())), nn.Parameter(torch.ones(()))


@dataclass
class Toy:
    """A learner whose weights after each step are a table: ``course(step) -> (mean, deviation, loss)``."""

    course: object
    n_steps: int = N_STEPS
    batch_size: int = 4
    n_threads: int = 1
    early_stopping: object = True

    def get_params(self, deep=True):
        """Return what makes it another learner."""
        return {"early_stopping": self.early_stopping}

    def fit(self, x, y, *, on_step=lambda record: None, limits=Limits()):  # noqa: B008
        """Learn as the course says."""
        run = plan_run(self, x, y, schema=PAIR, seed=0, on_step=on_step, limits=limits)
        self.ball = Ball()
        average = MovingAverage(self.ball, halflife_images=1e-9)
        training = Training(self, average, torch_stream(0))

        def take_step(players, real, labels, stream):
            mean, deviation, loss = self.course(training.step + 1)
            nn.init.constant_(self.ball.mean, mean)
            nn.init.constant_(self.ball.deviation, deviation)
            return {"loss": torch.tensor(loss)}

        def draw(labels, seed):
            noise = torch.randn(len(labels), 2, generator=torch_stream(seed))
            return (average.module.mean + average.module.deviation * noise).detach()

        self.run, self.average = run, average.module
        remember(self, train_within(run, training, take_step=take_step, draw=draw))
        return self

    def modules(self):
        """Return what trains."""
        return {"ball": self.ball}

    def optimisers(self):
        """Return none."""
        return {}


def rows():
    """Return forty rows of two classes from one Gaussian."""
    return torch.randn(40, 2, generator=torch_stream(1)), torch.arange(40) % 2


def approach(step):
    """Come near to the rows until step 12, then go away."""
    return 0.2 * abs(step - 12), 1.0, 0.0


def fit(course, **more):
    """Return a toy fitted on the rows."""
    limits = {name: more.pop(name) for name in ("on_step", "limits") if name in more}
    return Toy(course, **more).fit(*rows(), **limits)


@pytest.fixture(autouse=True)
def look_often(monkeypatch):
    """Look at every second step."""
    monkeypatch.setattr(watch_module, "_FEWEST_STEPS_APART", APART)


def test_a_run_that_settles_stops_and_keeps_its_best():
    """Four looks after the nearest one it ends, and what was nearest is what stays."""
    toy = fit(approach)
    assert (toy.ending_.kind, toy.ending_.kept_step) == ("settled", 12)
    assert toy.ending_.step == 12 + APART * PATIENCE
    assert toy.average.mean.item() == 0.0
    assert toy.watched_ == "held-out rows"
    assert not toy.was_cut_


def test_without_held_out_rows_the_last_weights_stay():
    """A fixed number of steps, and no look chooses among the weights."""
    toy = fit(approach, early_stopping="auto")
    assert (toy.ending_.kind, toy.ending_.step, toy.ending_.kept_step) == ("finished", N_STEPS, N_STEPS)
    assert toy.average.mean.item() == pytest.approx(4.0)
    assert toy.watched_ == "training rows"


def test_a_run_that_comes_nearer_to_the_end_is_finished():
    """Where the last look is the best one nothing is taken back."""
    toy = fit(lambda step: (0.1 * (N_STEPS - step), 1.0, 0.0))
    assert (toy.ending_.kind, toy.ending_.step, toy.ending_.kept_step) == ("finished", N_STEPS, N_STEPS)


@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_collapse_ends_the_run_and_keeps_what_was_best(early_stopping):
    """When all drawn rows are one it stops, warns, and goes back, whether rows are held out or not."""

    def collapse(step):
        return 0.5, (1.0 if step < 10 else 1e-4), 0.0

    with pytest.warns(
        TrainingWarning, match=r"they have become one, so training stopped at step \d+ and keeps"
    ) as told:
        toy = fit(collapse, early_stopping=early_stopping)
    assert len(told) == 1
    assert toy.ending_.kind == "collapsed"
    assert toy.ending_.step < N_STEPS
    assert toy.ending_.kept_step < 10
    assert toy.average.deviation.item() == 1.0


@pytest.mark.parametrize("early_stopping", [True, False])
def test_divergence_loses_nothing_that_was_learned(early_stopping):
    """A loss that is not finite ends the run with a warning and with the best weights seen before."""

    def diverge(step):
        return (0.1 * abs(step - 14), 1.0, 0.0) if step < 19 else (float("nan"), 1.0, float("inf"))

    with pytest.warns(TrainingWarning, match=r"diverged at step 19, so it keeps the weights of step 14. Lower lr"):
        toy = fit(diverge, early_stopping=early_stopping)
    assert (toy.ending_.kind, toy.ending_.kept_step) == ("diverged", 14)
    assert toy.average.mean.item() == 0.0


def test_divergence_at_the_start_is_an_error():
    """Where next to nothing was learned there is nothing to keep."""
    with pytest.raises(DivergedError, match="got nan for 'loss' at step 3"):
        fit(lambda step: (0.0, 1.0, 0.0 if step < 3 else float("nan")))


def test_weights_that_break_without_a_loss_are_seen():
    """Weights of NaN that no loss told of are never what is kept."""
    with pytest.warns(TrainingWarning, match="diverged"):
        toy = fit(lambda step: (float("nan") if step == N_STEPS else 2.0 / step, 1.0, 0.0))
    assert toy.average.mean.isfinite()


@pytest.mark.parametrize(("stop_at", "kind"), [(N_STEPS + 1, "settled"), (15, "stopped")])
def test_a_callback_stops_the_run_and_the_best_is_kept(stop_at, kind):
    """Stopped from outside, it keeps the nearest of the looks, the last of them made where it stopped."""
    toy = fit(approach, on_step=lambda record: record.step >= stop_at)
    assert toy.ending_.kind == kind
    assert toy.ending_.kept_step == 12
    assert toy.looks_[-1].step == toy.ending_.step


@pytest.mark.parametrize("stop_at", [1, 2, 7, 12, 13, 19, 20])
def test_early_stopping_resumes_to_the_same_end(stop_at, tmp_path):
    """Stopped after any step and gone on from there, it settles at the same step, with the same weights and looks."""
    whole = fit(approach)
    limits = Limits(checkpoint_dir=tmp_path)
    fit(approach, on_step=lambda record: record.step >= stop_at, limits=limits)
    resumed = fit(approach, limits=replace(limits, resume=True))
    assert resumed.ending_ == whole.ending_
    assert resumed.looks_ == whole.looks_
    assert torch.equal(resumed.average.mean, whole.average.mean)
    assert [record.step for record in resumed.story_] == [record.step for record in whole.story_]
    for (step, ours), (other, theirs) in zip(resumed.snapshots_, whole.snapshots_, strict=True):
        assert step == other
        assert torch.equal(ours, theirs)


def test_a_run_that_settled_is_not_trained_again(tmp_path):
    """Going on from its end takes no step."""
    limits = Limits(checkpoint_dir=tmp_path)
    first = fit(approach, limits=limits)

    def never(step):
        raise AssertionError(f"step {step} was taken")

    again = fit(never, limits=replace(limits, resume=True))
    assert again.ending_ == first.ending_
    assert again.average.mean.item() == first.average.mean.item() == 0.0


def test_a_collapsed_run_is_not_trained_again(tmp_path):
    """The same verdict, warning and weights come from the checkpoint."""
    limits = Limits(checkpoint_dir=tmp_path)
    with pytest.warns(TrainingWarning):
        first = fit(lambda step: (0.0, 1e-4, 0.0), limits=limits, early_stopping=False)
    with pytest.warns(TrainingWarning):
        again = fit(lambda step: 1 / 0, limits=replace(limits, resume=True), early_stopping=False)
    assert again.ending_ == first.ending_
    assert again.ending_.kind == "collapsed"


def test_a_checkpoint_without_looks_is_refused(tmp_path):
    """One whose looks are missing is named as one that does not fit."""
    from synthaug.errors import FileError

    limits = Limits(checkpoint_dir=tmp_path)
    toy = fit(approach, limits=limits)
    tensors, facts = toy.run.checkpoint.read()
    Checkpoint(tmp_path, toy.run.checkpoint.key).write(tensors, {k: v for k, v in facts.items() if k != "looks"})
    with pytest.raises(FileError, match="checkpoint must fit the networks"):
        fit(approach, limits=replace(limits, resume=True))


COUNTS = st.lists(st.integers(0, 300), min_size=1, max_size=5).filter(any)


@settings(max_examples=30)
@given(COUNTS, st.integers(0, 5))
def test_rows_are_held_out_from_a_hundred_a_class_on(counts, seed):
    """A fifth of each class, at most 50, where every class has at least 100 rows; else none. The seed says which."""
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    held = hold_out("auto", y, n_classes=len(counts), seed=seed)
    wanted = [min(50, n // 5) if min(counts) >= 100 else 0 for n in counts]
    assert torch.bincount(y[held], minlength=len(counts)).tolist() == wanted
    assert torch.equal(held, hold_out("auto", y, n_classes=len(counts), seed=seed))
    assert not hold_out(False, y, n_classes=len(counts), seed=seed).any()


def test_no_row_is_both_learned_from_and_held_out():
    """What a run trains on and what it watches are the rows, each once."""
    x, y = torch.arange(500.0)[:, None].repeat(1, 2), torch.arange(500) % 2
    run = plan_run(Toy(approach), x, y, schema=PAIR, seed=0, on_step=print, limits=Limits())
    learned, held = run.rows.x[:, 0], run.watched[0][:, 0]
    assert torch.equal(torch.cat([learned, held]).sort().values, x[:, 0])
    assert len(held) == 100
    assert torch.equal(run.watched[1], (held % 2).long())


def test_another_seed_holds_out_other_rows():
    """Which rows are held out is drawn, not the first ones of each class."""
    y = torch.zeros(200, dtype=torch.int64)
    first, other = (hold_out("auto", y, n_classes=1, seed=seed) for seed in (0, 1))
    assert not torch.equal(first, other)
    assert not first[:40].all()


def test_impossible_early_stopping_is_named():
    """A word that is none, or too few rows to hold any out."""
    y = torch.zeros(9, dtype=torch.int64)
    with pytest.raises(ConfigError, match=r"early_stopping must be 'auto', True or False; got 'always'"):
        hold_out("always", y, n_classes=1, seed=0)
    with pytest.raises(ConfigError, match=r"at least 10 rows in every class to hold some out; got 9\. Use 'auto'"):
        hold_out(True, y, n_classes=1, seed=0)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=4))
def test_few_rows_are_of_every_class_and_the_learners_own(counts):
    """About five hundred at most, all where there are fewer, each with its class."""
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    x = torch.stack([torch.arange(len(y)).float(), y.float()], 1)
    schema = replace(PAIR, n_classes=len(counts))
    toy = Toy(approach, early_stopping=False)
    few, labels = plan_run(toy, x, y, schema=schema, seed=0, on_step=print, limits=Limits()).few_rows()
    assert torch.equal(few[:, 1].long(), labels)
    assert len(few[:, 0].unique()) == len(few) <= 512
    share = 512 // len(counts)
    assert torch.bincount(labels).tolist() == [min(n, share) for n in counts]


def test_learners_of_one_class_each_are_told_of_as_one():
    """Looks side by side, snapshots one after another, and the worst ending."""
    parts = [fit(approach), fit(approach, early_stopping="auto")]
    one = Toy(approach)
    join_memories(one, parts)
    assert one.ending_.kind == max("settled", "finished", key=KINDS.index)
    assert [look.step for look in one.looks_] == [look.step for look in parts[0].looks_]
    assert all(len(look.distance) == 2 for look in one.looks_)
    step, samples = one.snapshots_[0]
    assert step == APART
    assert len(samples) == len(one.snapshot_labels_) == 24
    assert one.snapshot_labels_.tolist() == [0] * 12 + [1] * 12


def test_learners_of_one_class_each_show_no_more_than_fits(monkeypatch):
    """Where their samples together are more numbers than a look may hold, each shows its first few."""
    monkeypatch.setattr(watch_module, "_MOST_NUMBERS_SHOWN", 14)
    parts, one = [fit(approach), fit(approach)], Toy(approach)
    join_memories(one, parts)
    assert one.snapshot_labels_.tolist() == [0] * 4 + [1] * 3
    for (_, together), (_, alone) in zip(one.snapshots_, parts[0].snapshots_, strict=False):
        assert torch.equal(together, torch.cat([alone[:4], alone[:3]]))


def test_groups_are_held_out_whole():
    """No group has rows on both sides, about a fifth of the groups are held out, and every class is on both sides."""
    groups = np.repeat(np.arange(60), 5)
    y = torch.from_numpy(groups % 2)
    held = hold_out("auto", y, n_classes=2, seed=0, groups=groups)
    assert not set(groups[held.numpy()]) & set(groups[~held.numpy()])
    assert 0.1 < held.float().mean() < 0.3
    assert y[held].unique().tolist() == y[~held].unique().tolist() == [0, 1]


def test_too_few_groups_hold_nothing_out():
    """Where a class would be on one side alone, ``auto`` holds nothing out and True is refused."""
    groups, y = np.repeat([0, 1], 120), torch.arange(2).repeat_interleave(120)
    assert not hold_out("auto", y, n_classes=2, seed=0, groups=groups).any()
    with pytest.raises(ConfigError, match="early_stopping=True must find at least 2 rows of every class"):
        hold_out(True, y, n_classes=2, seed=0, groups=groups)


@pytest.mark.parametrize("no", [np.False_, False])
def test_any_kind_of_false_holds_nothing_out(no):
    """A numpy boolean, as a search over parameters hands it over, means what it says."""
    assert not hold_out(no, torch.zeros(240, dtype=torch.int64), n_classes=1, seed=0).any()


def test_nothing_is_looked_at_while_the_label_is_brought_in():
    """Early looks at a network that does not know the label yet cannot decide which weights are kept."""
    x, y = torch.randn(240, 2, generator=torch_stream(0)), torch.arange(2).repeat(120)
    learner = CGAN(n_steps=400, batch_size=4, width=4, ramp_fraction=0.9)
    learner.fit(x, y, schema=PAIR, seed=0, on_step=lambda record: None, limits=Limits())
    assert min(look.step for look in learner.looks_) >= 360
    assert learner.ending_.kept_step >= 360
