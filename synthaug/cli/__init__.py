"""The command line: ``synthaug run | fit | sample | augment | compare | report | sync | list``.

Exit codes: 0 done, 1 an error of synthaug (its message on standard error), 2 wrong use, 130 interrupted. Answers go to
standard output, with ``--json`` as one object; progress and notes go to standard error. Nothing heavy is imported
before a command needs it.
"""

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from synthaug._version import __version__
from synthaug.cli.learning import augment, fit, sample
from synthaug.cli.listing import list_choices
from synthaug.cli.studies import compare, report, run
from synthaug.cli.sync import sync
from synthaug.cli.terminal import say, tell_error, warnings_as_notes
from synthaug.errors import SynthaugError

__all__ = ["app", "main"]

_INTERRUPTED = 130
_EXAMPLES: dict[Callable[..., None], str] = {
    run: "synthaug run pipelines/digits.yaml --draws 3",
    fit: "synthaug fit rows.csv --label diagnosis --out models/rows --steps 1000",
    sample: "synthaug sample models/rows -n malignant=200 -n benign=50 --out synthetic.csv --seed 0",
    augment: "synthaug augment rows.csv --label diagnosis --model models/rows --out more_rows.csv",
    compare: "synthaug compare rows.csv --label diagnosis --estimator SVC --arms none,smote,gan --folds 5",
    report: "synthaug report runs/digits",
    sync: "synthaug sync runs/digits",
    list_choices: "synthaug list arms",
}

app = typer.Typer(
    name="synthaug",
    help="Learn a generator from few labelled rows, mix its samples into training, and prove whether they helped.",
    epilog="Example: synthaug run pipelines/digits.yaml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command, _example in _EXAMPLES.items():
    _name = "list" if _command is list_choices else _command.__name__
    app.command(_name, epilog=f"Example: {_example}")(_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"synthaug {__version__}")
        raise typer.Exit


@app.callback()
def _synthaug(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Learn a generator from few labelled rows, mix its samples into training, and prove whether they helped."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments
        What stands behind ``synthaug``; the process's own by default.

    Examples
    --------
    >>> from synthaug.cli import main
    >>> main(["list", "policies", "--json"])  # doctest: +ELLIPSIS
    {
      "policies": {
        "none": "nothing",
    ...
    0
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with warnings_as_notes():
            app(args=words, prog_name="synthaug")
    except SynthaugError as error:
        tell_error(error, as_json="--json" in words)
        return 1
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
        if code == _INTERRUPTED:
            _tell_interrupted(words)
        return code
    return 0


def _tell_interrupted(words: Sequence[str]) -> None:
    say("\nInterrupted.", stderr=True)
    if words[:1] == ["run"] and "--dry-run" not in words:
        again = shlex.join(["synthaug", *(word for word in words if word != "--resume"), "--resume"])
        say(f"What is finished is kept. Go on with:\n  {again}", stderr=True)
