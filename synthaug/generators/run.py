"""A run: what every learner's training has in common, whatever it minimises: its rows, limits, checkpoint and watch.

A learner's ``fit`` is ``plan_run``, networks of its own, ``train_within`` and ``remember``.

From 100 rows in the smallest class on, a fifth of each class's rows (at most 50) is held out from training, to tell
when to stop and which weights to keep. With fewer a held-out distance is noise: all rows are learned from, for a fixed
number of steps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from synthaug._files import make_folder
from synthaug._seed import derive, torch_stream
from synthaug._version import __version__
from synthaug.data.mapped import take_rows
from synthaug.data.schema import Schema
from synthaug.errors import ConfigError, DivergedError
from synthaug.generators.choices import PRECISIONS
from synthaug.generators.protocol import Limits
from synthaug.training.checkpoint import Checkpoint, fingerprint
from synthaug.training.loop import OnStep, Rows, TakeStep, Training, train
from synthaug.training.session import KINDS, Session
from synthaug.training.step import Stabilisers
from synthaug.training.threads import fixed_threads, threads_of
from synthaug.training.watch import Draw, Look, Reference, Watch, shares_shown

FEWEST_TO_HOLD_OUT = 100
_HELD_OUT_FRACTION, _MOST_HELD_OUT = 0.2, 50
_FEWEST_HELD_OUT = 2
_FEW_ROWS = 512


class Trained(Protocol):
    """The hyper-parameters of every learner that is trained in steps; ``CGAN`` says what each means."""

    n_steps: int
    batch_size: int
    n_threads: int | str
    early_stopping: bool | str

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the hyper-parameters by name."""


@dataclass(frozen=True)
class Run:
    """One training to come.

    Attributes
    ----------
    learner, schema, seed
        Who learns what, and what decides everything random.
    rows
        What to learn from, on the learner's device.
    watched
        The real rows, samples and classes, that drawn ones are compared with.
    is_held_out
        Whether ``watched`` are rows held out; else they are the rows learned from.
    limits, checkpoint
        How far to go, and where to leave word of it; None where no checkpoints are kept.
    on_step
        Who is told.
    """

    learner: Trained
    schema: Schema
    seed: int
    rows: Rows
    watched: tuple[Tensor, Tensor]
    is_held_out: bool
    limits: Limits
    checkpoint: Checkpoint | None
    on_step: OnStep

    @property
    def n_steps(self) -> int:
        """How many steps there will be: the learner's own, or the limit if that is less."""
        return _n_steps(self.learner, self.limits)

    def few_rows(self) -> tuple[Tensor, Tensor]:
        """Return samples and classes of the rows learned from, at most about 500, chosen at random in every class."""
        share, stream = max(2, _FEW_ROWS // self.schema.n_classes), torch_stream(self.seed, "few rows")
        starts = zip(self.rows.first.tolist(), self.rows.count.tolist(), strict=True)
        places = torch.cat([first + torch.randperm(count, generator=stream)[:share] for first, count in starts])
        labels = torch.arange(self.schema.n_classes).repeat_interleave(self.rows.count.cpu().clamp(max=share))
        return self.rows.x[places.to(self.rows.x.device)].cpu(), labels


def plan_run(
    learner: Trained,
    x: Tensor,
    y: Tensor,
    *,
    schema: Schema,
    seed: int,
    on_step: OnStep,
    limits: Limits,
    x_unlabeled: Tensor | None = None,
    groups: np.ndarray | None = None,
    max_repeats: int | None = None,
) -> Run:
    """Return the run that learns samples x (n, ...) of classes y (n,), and samples without classes (m, ...) if any.

    Rows of one of the ``groups`` (n,), such as a patient's, are held out together or not at all. No row is shown more
    than ``max_repeats`` times, as far as other classes can take its place.

    Raises
    ------
    ConfigError
        If ``early_stopping`` is impossible.
    FileError
        If the folder of checkpoints cannot be written to.
    """
    held = hold_out(learner.early_stopping, y, n_classes=schema.n_classes, seed=seed, groups=groups)
    tensors = (x, y) if x_unlabeled is None else (x, y, x_unlabeled)
    checkpoint = own_checkpoint(learner, tensors, schema=schema, seed=seed, limits=limits)
    is_held_out = bool(held.any())
    left = take_rows(x, torch.nonzero(~held).flatten()) if is_held_out else x
    most = 1.0 if max_repeats is None else max_repeats / (_n_steps(learner, limits) * learner.batch_size)
    rows = Rows.by_class(left, y[~held], schema.n_classes, limits.device, max_share_a_row=most)
    watched = (take_rows(x, torch.nonzero(held).flatten()), y[held]) if is_held_out else (x, y)
    return Run(learner, schema, seed, rows, watched, is_held_out, limits, checkpoint, on_step)


def _n_steps(learner: Trained, limits: Limits) -> int:
    return learner.n_steps if limits.max_steps is None else min(learner.n_steps, limits.max_steps)


def hold_out(
    early_stopping: bool | str, y: Tensor, *, n_classes: int, seed: int, groups: np.ndarray | None = None
) -> Tensor:
    """Return which rows of classes y (n,) are held out from training, bool (n,).

    Parameters
    ----------
    early_stopping
        ``auto``: hold rows out if every class has at least 100; True: hold rows out; False: none.
    y
        The rows' classes.
    n_classes
        How many classes there are.
    seed
        Decides which rows of a class.
    groups
        Which rows belong together, shape (n,): about a fifth of the groups are held out, whole. Where a class would
        keep fewer than 2 rows on either side, ``auto`` holds out none.

    Raises
    ------
    ConfigError
        If ``early_stopping`` is something else, or True where a class has too few rows, or too few groups.
    """
    if early_stopping != "auto" and not isinstance(early_stopping, bool | np.bool_):
        raise ConfigError(f"early_stopping must be 'auto', True or False; got {early_stopping!r}.")
    fewest = int(torch.bincount(y, minlength=n_classes).min())
    held = torch.zeros(len(y), dtype=torch.bool)
    if not early_stopping or (early_stopping == "auto" and fewest < FEWEST_TO_HOLD_OUT):
        return held
    if groups is not None:
        return _hold_out_groups(early_stopping, y, groups, n_classes=n_classes, seed=seed)
    if fewest * _HELD_OUT_FRACTION < _FEWEST_HELD_OUT:
        raise ConfigError(
            f"early_stopping=True must have at least 10 rows in every class to hold some out; got {fewest}. "
            "Use 'auto' or False."
        )
    for number in range(n_classes):
        places = torch.nonzero(y == number)[:, 0]
        order = torch.randperm(len(places), generator=torch_stream(seed, "held out", number))
        held[places[order[: min(_MOST_HELD_OUT, int(_HELD_OUT_FRACTION * len(places)))]]] = True
    return held


def _hold_out_groups(early_stopping: bool | str, y: Tensor, groups: np.ndarray, *, n_classes: int, seed: int) -> Tensor:
    names = np.unique(groups, return_inverse=True)[1]
    luck = torch.rand(int(names.max()) + 1, generator=torch_stream(seed, "held out"))
    held = (luck < luck.quantile(_HELD_OUT_FRACTION))[torch.from_numpy(names)]
    if all(int(torch.bincount(y[side], minlength=n_classes).min()) >= _FEWEST_HELD_OUT for side in (held, ~held)):
        return held
    if early_stopping == "auto":
        return torch.zeros(len(y), dtype=torch.bool)
    raise ConfigError(
        f"early_stopping=True must find at least {_FEWEST_HELD_OUT} rows of every class in a fifth of the groups and "
        f"as many in the rest; got {len(luck)} groups where it does not. Use 'auto' or False."
    )


def train_within(run: Run, training: Training, *, take_step: TakeStep, draw: Draw | None = None) -> Session:
    """Train from the checkpoint, if that is wanted, to the last step or limit; return what watched over it.

    Parameters
    ----------
    run
        What ``plan_run`` gave.
    training
        Where to begin; it is moved on, and its average becomes what is to be kept, in main memory wherever it was
        trained: it is drawn from in forked workers, and loaded where no GPU is.
    take_step
        What a step does: see ``train``.
    draw
        ``draw(labels, seed)`` returns a sample of the average's for each label (b,), on any device; the same labels
        and seed give the same noise. Without it nothing is drawn while training, so nothing is watched.

    Raises
    ------
    DivergedError
        If a loss or a drawn number is not finite before a quarter of the looks; later the best weights are kept, with
        a warning.

    Warns
    -----
    TrainingWarning
        If the run collapsed or diverged.
    """
    with fixed_threads(threads_of(run.learner, run.schema)):
        session = Session(
            training,
            run.on_step,
            checkpoint=run.checkpoint,
            max_seconds=run.limits.max_seconds,
            watch=None if draw is None else _watch(run, training, draw),
        )
        if run.limits.resume:
            session.resume()
        if not session.is_over:
            _train(run, training, session, take_step)
        session.finish()
        training.average.module.cpu()
    return session


def _train(run: Run, training: Training, session: Session, take_step: TakeStep) -> None:
    size = run.learner.batch_size
    try:
        train(training, run.rows, batch_size=size, n_steps=run.n_steps, on_step=session, take_step=take_step)
    except DivergedError as error:
        session.survive(error)


def _watch(run: Run, training: Training, draw: Draw) -> Watch:
    seed = derive(run.seed, "watch")
    reference = Reference.of(*run.watched, schema=run.schema, is_held_out=run.is_held_out, seed=seed)
    ramp = getattr(training.players, "stabilisers", Stabilisers()).ramp_fraction
    return Watch(
        training.average.module, draw, reference, run.schema.n_classes, seed, first_step=math.ceil(ramp * run.n_steps)
    )


def remember(learner: Any, session: Session) -> None:
    """Set what a learner tells of its training.

    ``story_`` (the records), ``was_cut_``, ``ending_`` (an ``Ending``), ``looks_`` (a list of ``Look``), ``snapshots_``
    (pairs of a step and samples (k, ...), of the same noise each time) and ``snapshot_labels_`` (k,).
    """
    learner.story_, learner.was_cut_, learner.ending_ = session.story, session.was_cut, session.ending
    watch = session.watch
    learner.looks_ = [] if watch is None else watch.looks
    steps = [look.step for look in learner.looks_]
    learner.snapshots_ = [] if watch is None else list(zip(steps, watch.snapshots, strict=True))
    learner.snapshot_labels_ = torch.empty(0, dtype=torch.int64) if watch is None else watch.shown_labels
    learner.watched_ = "held-out rows" if watch and watch.reference.is_held_out else "training rows"


def join_memories(learner: Any, parts: Sequence[Any]) -> None:
    """Set what ``remember`` sets, but for the story, from learners of one class each, their looks joined in order."""
    learner.was_cut_ = any(part.was_cut_ for part in parts)
    learner.ending_ = max((part.ending_ for part in parts), key=lambda ending: KINDS.index(ending.kind))
    learner.watched_ = parts[0].watched_
    learner.looks_ = [_one_look(looks) for looks in zip(*(part.looks_ for part in parts), strict=False)]
    counts = _shown_together(parts)
    together = zip(*(_first_shown(part, n) for part, n in zip(parts, counts, strict=True)), strict=False)
    learner.snapshots_ = [(look.step, torch.cat(each)) for look, each in zip(learner.looks_, together, strict=True)]
    learner.snapshot_labels_ = torch.arange(len(parts)).repeat_interleave(torch.tensor(counts))


def _shown_together(parts: Sequence[Any]) -> list[int]:
    """Return how many samples of each part are shown: no more in all than one learner shows of all its classes."""
    samples = [samples for part in parts for _, samples in part.snapshots_]
    alone = [len(part.snapshot_labels_) for part in parts]
    return shares_shown(alone, samples[0][0].numel()) if samples else alone


def _first_shown(part: Any, n: int) -> list[Tensor]:
    return [samples[:n].clone() for _, samples in part.snapshots_]


def _one_look(looks: tuple[Look, ...]) -> Look:
    distance, diversity = (tuple(getattr(look, name)[0] for look in looks) for name in ("distance", "diversity"))
    return Look(looks[0].step, distance, diversity)


def own_checkpoint(
    learner: Trained, tensors: tuple[Tensor, ...], *, schema: Schema, seed: int, limits: Limits
) -> Checkpoint | None:
    """Return the checkpoint of the rows in these tensors, the parameters and the seed, or None where none are kept."""
    if limits.checkpoint_dir is None:
        return None
    parameters = {"learner": type(learner).__name__, **learner.get_params(), "n_jobs": None}
    settings = {
        "version": __version__,
        "parameters": parameters,
        "seed": seed,
        "schema": repr(schema),
        "max_steps": limits.max_steps,
        "device": limits.device.type,
        "dtype": str(PRECISIONS[getattr(learner, "precision", "float32")](limits.device)),
        "n_threads": threads_of(learner, schema),
    }
    return Checkpoint(make_folder(limits.checkpoint_dir), fingerprint(tensors, settings))
