"""What the commands show: answers on standard output, everything else on standard error."""

import contextlib
import json
import math
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthaug.errors import SynthaugError, SynthaugWarning

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from synthaug.experiment.arm_study import Estimate, Progress
    from synthaug.experiment.comparison import Comparison
    from synthaug.training.loop import StepRecord

_STYLES = {"helps": "bold blue", "hurts": "bold dark_orange3", "no evidence": "dim", "baseline": "dim"}
_MARKS = {"helps": "▲ helps", "hurts": "▼ hurts", "no evidence": "○ no evidence", "baseline": "baseline"}
_METRICS_A_TABLE = 3


def console(*, stderr: bool = False) -> "Console":
    """Return a rich console on standard output or standard error as it is now."""
    from rich.console import Console

    return Console(file=sys.stderr if stderr else sys.stdout, highlight=False)


def say(text: str, *, stderr: bool = False) -> None:
    """Print a line as it is: no markup, and nothing broken that a person may want to copy."""
    console(stderr=stderr).print(text, markup=False, soft_wrap=True)


@contextlib.contextmanager
def quiet_stdout(wanted: bool) -> Iterator[None]:
    """Send what libraries print to standard error, so that standard output holds the answer only."""
    with contextlib.redirect_stdout(sys.stderr) if wanted else contextlib.nullcontext():
        yield


def print_json(record: Mapping[str, Any]) -> None:
    """Print one JSON object on standard output; what is not finite becomes null."""
    sys.stdout.write(json.dumps(as_json(record), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def as_json(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    if hasattr(value, "item"):
        return as_json(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def tell_error(error: SynthaugError, *, as_json: bool) -> None:
    """Print an error without a traceback; with ``--json`` also as an object on standard output."""
    console(stderr=True).print("[bold red]error[/] ", end="")
    say(str(error), stderr=True)
    if as_json:
        print_json({"error": {"kind": type(error).__name__, "message": str(error)}})


@contextlib.contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Show synthaug's own warnings as one line each, once, without the line of code; others as Python does."""
    shown: set[str] = set()
    usual = warnings.showwarning

    def show(message: Any, category: Any, filename: Any, lineno: Any, file: Any = None, line: Any = None) -> None:
        if not issubclass(category, SynthaugWarning):
            usual(message, category, filename, lineno, file, line)
        elif str(message) not in shown:
            shown.add(str(message))
            say(f"note: {message}", stderr=True)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\d+ tasks which were still being processed")  # joblib, interrupted
        warnings.simplefilter("always", SynthaugWarning)
        warnings.showwarning = show
        yield


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, or hours.

    Examples
    --------
    >>> clock(75), clock(3700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass
class StudyProgress:
    """A bar with the time left, told about each split of a study; plain lines where nobody watches.

    Attributes
    ----------
    estimate
        What the study was expected to take.
    n_found
        How many of its splits were finished before.
    """

    estimate: "Estimate"
    n_found: int = 0

    def __enter__(self) -> "StudyProgress":
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("running"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            _time_left(),
        )
        self._watched = console(stderr=True).is_terminal
        self._bar = Progress(*columns, console=console(stderr=True), transient=True, disable=not self._watched)
        self._task = self._bar.add_task("", total=self.estimate.n_splits, expected=self.estimate.seconds)
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def __call__(self, progress: "Progress") -> None:
        """Show how far the study is."""
        fresh = progress.done - self.n_found
        left = progress.seconds / fresh * (progress.total - progress.done) if fresh > 0 else self.estimate.seconds
        self._bar.update(self._task, completed=progress.done, expected=progress.seconds + left)
        if not self._watched and fresh > 0:
            how_far = f"{progress.what}: {progress.done} of {progress.total} done in {clock(progress.seconds)}"
            say(f"{how_far}, about {clock(left)} left", stderr=True)


def _time_left() -> Any:
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class TimeLeft(ProgressColumn):
        """The time that the study is expected to take, less the time it has taken."""

        def render(self, task: Task) -> Text:
            left = max(0.0, task.fields["expected"] - (task.elapsed or 0.0))
            return Text(f"about {clock(left)} left", style="dim")

    return TimeLeft()


class LearningProgress:
    """A bar that is told about the steps of a learner, for those who watch."""

    def __enter__(self) -> "LearningProgress":
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("learning"), BarColumn(bar_width=32), MofNCompleteColumn(), TimeRemainingColumn())
        shown = console(stderr=True)
        self._bar = Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal)
        self._task = self._bar.add_task("", total=None)
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def __call__(self, record: "StepRecord") -> None:
        """Show how far the learner is."""
        self._bar.update(self._task, completed=record.step, total=record.n_steps)


def print_summary(comparison: "Comparison") -> None:
    """Print the table of arms and the verdict in words."""
    from rich.table import Table
    from rich.text import Text

    from synthaug.experiment.axis import metric_text
    from synthaug.experiment.report_verdict import spoken_verdict
    from synthaug.statistics.units import unit_of

    unit = unit_of(comparison.scoring)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("arm", no_wrap=True)
    heads = (metric_text(comparison.scoring), "rows added", f"{unit.points or 'difference'} from {comparison.baseline}")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("verdict")
    for arm, row in comparison.summary().iterrows():
        found = (
            f"{unit.difference(row['difference'])} ({unit.difference(row['low'])} to {unit.difference(row['high'])})"
        )
        word = row["verdict"]
        cells = (unit.value(row["score"]), f"{row['n_added']:,.0f}", found if word != "baseline" else "")
        table.add_row(Text(str(arm)), *cells, Text(_MARKS[word], style=_STYLES[word]))
    for arm, reason in comparison.skipped.items():
        table.add_row(Text(str(arm)), "n/a", "", "", Text(reason, style="dim"))
    console().print(table)
    _print_intervals(comparison)
    _print_labels(comparison)
    say("\n" + "\n".join(spoken_verdict(comparison)))


def _print_intervals(comparison: "Comparison") -> None:
    """Print every metric of every arm with its interval, where groups were resampled; a few metrics side by side."""
    found = comparison.intervals()
    if found.empty:
        return
    say("\nWith 95 % intervals, by resampling the test rows, those of one group together (shares in percent):")
    metrics = list(dict.fromkeys(found["metric"]))
    for first in range(0, len(metrics), _METRICS_A_TABLE):
        shown = metrics[first : first + _METRICS_A_TABLE]
        console().print(_interval_table(found[found["metric"].isin(shown)], shown))


def _print_labels(comparison: "Comparison") -> None:
    """Print what each arm is worth in real labels, where that was measured."""
    found = comparison.label_equivalence()
    if found.empty:
        return
    say(f"\nWorth in real labels, beside the {found['base_rows'].iloc[0]:,.0f} that there are:")
    say("\n".join(f"{arm}: {row['text']}" for arm, row in found.iterrows()))


def _interval_table(found: "pd.DataFrame", metrics: list[str]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    from synthaug.experiment.axis import metric_text
    from synthaug.statistics.units import unit_of

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in ("arm", *map(metric_text, metrics)):
        table.add_column(head)
    for arm, part in found.groupby("arm", sort=False):
        rows = [(unit_of(row["metric"]), row) for row in part.to_dict("records")]
        cells = (f"{unit.value(r['value'])} ({unit.value(r['low'])} to {unit.value(r['high'])})" for unit, r in rows)
        table.add_row(Text(str(arm)), *(cell.replace(" %", "") for cell in cells))
    return table


def comparison_record(comparison: "Comparison") -> dict[str, Any]:
    """Return a comparison as values that JSON can hold."""
    table = comparison.summary()
    return {
        "name": comparison.name,
        "design": comparison.design,
        "scoring": comparison.scoring,
        "baseline": comparison.baseline,
        "n_splits": len(comparison.splits),
        "arms": [{"arm": str(arm), **row.to_dict()} for arm, row in table.iterrows()],
        "skipped": comparison.skipped,
        **({} if (found := comparison.intervals()).empty else {"intervals": found.to_dict("records")}),
        "sentence": comparison.sentence(),
    }
