"""A progress bar with the time left, for those who ask for one."""

from contextlib import ExitStack
from typing import Any, Self

from synthaug.training.loop import StepRecord


class ShowProgress:
    """A context manager whose value is told about steps and draws them as a bar on standard error.

    Parameters
    ----------
    wanted
        Whether to show anything.
    """

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted
        self._stack = ExitStack()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if self.wanted:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("learning"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = self._stack.enter_context(Progress(*columns, console=Console(stderr=True)))
            self._task = self._bar.add_task("learning", total=None)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def __call__(self, record: StepRecord) -> None:
        """Show how far it is."""
        if self._bar is not None:
            self._bar.update(self._task, completed=record.step, total=record.n_steps)
