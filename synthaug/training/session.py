"""What watches over a training run: caps, checkpoints, looks, and the story told to whoever listens."""

import time
import warnings
from dataclasses import dataclass

from torch import Tensor

from synthaug.errors import BudgetWarning, DivergedError, FileError, TrainingWarning
from synthaug.training.checkpoint import Checkpoint
from synthaug.training.loop import OnStep, StepRecord, Training
from synthaug.training.watch import PATIENCE, Watch, look_steps

_RECORDS_A_RUN = 100
KINDS = ("finished", "settled", "stopped", "cut", "collapsed", "diverged")


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes
    ----------
    kind
        One of ``KINDS``: ``finished`` (the last step), ``settled`` (held-out rows came no nearer), ``stopped`` (by a
        callback), ``cut`` (by a limit of seconds), ``collapsed`` or ``diverged``.
    step, kept_step
        The last step, and that whose weights were kept.
    """

    kind: str
    step: int
    kept_step: int


class Session:
    """The callback of ``train``: answers True where training is to stop.

    Parameters
    ----------
    training
        What a checkpoint holds.
    on_step
        Is told every hundredth of the run; its True stops the run.
    checkpoint
        Where to write, or None.
    max_seconds
        A cap on training time, or None.
    watch
        Who looks at what is learned, or None.
    """

    def __init__(
        self,
        training: Training,
        on_step: OnStep,
        *,
        checkpoint: Checkpoint | None,
        max_seconds: float | None,
        watch: Watch | None = None,
    ) -> None:
        self.training = training
        self.on_step = on_step
        self.checkpoint = checkpoint
        self.max_seconds = max_seconds
        self.watch = watch
        self.story: list[StepRecord] = []
        self.kind = "finished"
        self.ending: Ending | None = None
        self._written = time.perf_counter()

    @property
    def was_cut(self) -> bool:
        """Whether the limit of seconds ended the run."""
        return self.kind == "cut"

    @property
    def is_over(self) -> bool:
        """Whether what was seen forbids another step."""
        return self.kind in ("settled", "collapsed", "diverged")

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one, and tell the story so far again.

        Raises
        ------
        FileError
            If the checkpoint is damaged or another learner's.
        """
        found = self.checkpoint.read() if self.checkpoint else None
        if found is None:
            return
        tensors, facts = found
        try:
            self.story = [StepRecord(**record) for record in facts["story"]]
            self.training.unpack(tensors, step=int(facts["step"]), seconds=float(facts["seconds"]))
            if self.watch is not None:
                self.watch.unpack(_under("watch", tensors), facts["looks"])
                self.kind = self.watch.verdict() or "finished"
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            path = self.checkpoint.path if self.checkpoint else None
            raise FileError(f"checkpoint must fit the networks; '{path}' does not. Delete it to start anew.") from error
        for record in self.story:
            self.on_step(record)

    def __call__(self, record: StepRecord) -> bool:
        """Take note of a step; return whether to stop."""
        last = record.step == record.n_steps
        stop = False
        if last or record.step % max(1, record.n_steps // _RECORDS_A_RUN) == 0:
            self.story.append(record)
            stop = bool(self.on_step(record))
        if stop and not last:
            self.kind = "stopped"
        if not last and self.max_seconds is not None and record.seconds >= self.max_seconds:
            self.kind = "cut"
        if self.watch is not None and (last or self._is_time_to_look(record)):
            self.watch.look(record.step)
            self.kind = self.watch.verdict() or self.kind
        stop = self.kind != "finished"
        if last or stop or self._is_due():
            self._write()
        return stop

    def survive(self, error: DivergedError) -> None:
        """End a run that diverged with the best weights of before, if there is enough of it; else raise."""
        if self.watch is None or len(self.watch.looks) < PATIENCE:
            raise error
        self.kind = "diverged"

    def finish(self) -> None:
        """Say how the run ended, after a last look, and put the weights that are to be kept into the average.

        Warns
        -----
        TrainingWarning
            If the run collapsed or diverged.
        """
        step = self.training.step
        kept = step if self.watch is None else self._keep_the_best(self.watch)
        if self.kind in ("collapsed", "diverged"):
            warnings.warn(_WORDS[self.kind].format(step=step, kept=kept), TrainingWarning, stacklevel=2)
        self.ending = Ending(self.kind, step, kept)

    def _keep_the_best(self, watch: Watch) -> int:
        self._look_once_more(watch)
        return watch.restore() if self.is_over or watch.reference.is_held_out else self.training.step

    def _look_once_more(self, watch: Watch) -> None:
        if self.is_over or (watch.looks and watch.looks[-1].step == self.training.step):
            return
        try:
            watch.look(self.training.step)
        except DivergedError as error:
            self.survive(error)

    def _is_time_to_look(self, record: StepRecord) -> bool:
        assert self.watch is not None
        return record.step >= self.watch.first_step and record.step % look_steps(record.n_steps) == 0

    def _is_due(self) -> bool:
        return self.checkpoint is not None and time.perf_counter() - self._written > self.checkpoint.every_seconds

    def _write(self) -> None:
        if self.checkpoint is None:
            return
        story = [vars(record) for record in self.story]
        facts = {"step": self.training.step, "seconds": self.training.seconds, "story": story}
        tensors: dict[str, Tensor] = self.training.pack()
        if self.watch is not None:
            seen, facts["looks"] = self.watch.pack()
            tensors |= {f"watch.{name}": value for name, value in seen.items()}
        try:
            self.checkpoint.write(tensors, facts)
        except FileError as error:
            warnings.warn(f"training goes on without checkpoints: {error}", BudgetWarning, stacklevel=2)
            self.checkpoint = None
        self._written = time.perf_counter()


_WORDS = {
    "collapsed": "drawn rows of a class must differ; in at least half of the classes they have become one, so training "
    "stopped at step {step} and keeps the weights of step {kept}. Lower critic_lr, or use the learner 'latent_gan'.",
    "diverged": "losses must stay finite; training diverged at step {step}, so it keeps the weights of step {kept}. "
    "Lower lr and critic_lr, or choose the objective 'hinge'.",
}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): t for name, t in tensors.items() if name.startswith(f"{prefix}.")}
