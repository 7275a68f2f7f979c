"""What watches over a training run: caps, checkpoints, and the story told to whoever listens."""

import time
import warnings

from torch import Tensor

from synthaug.errors import BudgetWarning, FileError
from synthaug.training.checkpoint import Checkpoint
from synthaug.training.loop import OnStep, StepRecord, Training

_RECORDS_A_RUN = 100


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
    """

    def __init__(
        self, training: Training, on_step: OnStep, *, checkpoint: Checkpoint | None, max_seconds: float | None
    ) -> None:
        self.training = training
        self.on_step = on_step
        self.checkpoint = checkpoint
        self.max_seconds = max_seconds
        self.story: list[StepRecord] = []
        self.was_cut = False
        self._written = time.perf_counter()

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
        if not last and self.max_seconds is not None and record.seconds >= self.max_seconds:
            self.was_cut = stop = True
        if last or stop or self._is_due():
            self._write()
        return stop

    def _is_due(self) -> bool:
        return self.checkpoint is not None and time.perf_counter() - self._written > self.checkpoint.every_seconds

    def _write(self) -> None:
        if self.checkpoint is None:
            return
        story = [vars(record) for record in self.story]
        facts = {"step": self.training.step, "seconds": self.training.seconds, "story": story}
        tensors: dict[str, Tensor] = self.training.pack()
        try:
            self.checkpoint.write(tensors, facts)
        except FileError as error:
            warnings.warn(f"training goes on without checkpoints: {error}", BudgetWarning, stacklevel=2)
            self.checkpoint = None
        self._written = time.perf_counter()
