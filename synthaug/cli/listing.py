"""``list``: what there is to choose from."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from synthaug.cli.options import Json
from synthaug.cli.terminal import console, print_json
from synthaug.errors import unknown_word


def list_choices(
    what: Annotated[
        str | None, typer.Argument(help="learners, arms, data, estimators, ...; everything without.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what there is to choose from."""
    if what is not None and what not in CHOICES:
        raise typer.BadParameter(str(unknown_word("it", what, CHOICES)))
    names = [what] if what else list(CHOICES)
    if json:
        print_json({name: CHOICES[name]() for name in names})
        return
    for number, name in enumerate(names):
        _print(("\n" if number else "") + name, CHOICES[name]())


def _print(heading: str, entries: Mapping[str, str]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    for name, meaning in entries.items():
        table.add_row(Text(f"  {name}"), Text(meaning))
    console().print(f"[bold]{heading}[/]")
    console().print(table)


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ").replace("``", "").removeprefix("Return ")


def _described(things: Mapping[str, Any]) -> dict[str, str]:
    return {name: _first_line(thing) for name, thing in things.items()}


def _learners() -> dict[str, str]:
    from synthaug.generators import find_generator, known_generators

    return _described({name: find_generator(name) for name in known_generators()})


def _arms() -> dict[str, str]:
    from synthaug.augment.arms import ARMS

    return _described(ARMS)


def _data() -> dict[str, str]:
    from synthaug.data.datasets import DATASETS

    return _described(DATASETS)


def _estimators() -> dict[str, str]:
    from synthaug.experiment.estimators import ESTIMATORS

    return {name: place.replace(":", ".") for name, place in ESTIMATORS.items()}


def _objectives() -> dict[str, str]:
    from synthaug.training.objectives import OBJECTIVES

    return {name: _first_line(objective.critic) for name, objective in OBJECTIVES.items()}


def _policies() -> dict[str, str]:
    from synthaug.training.diffaug import POLICIES

    return {name: _joined(step.__name__ for step in steps) for name, steps in POLICIES.items()}


def _joined(words: Iterable[str]) -> str:
    return ", ".join(words) or "nothing"


def _metrics() -> dict[str, str]:
    from synthaug.experiment.config import SCORINGS

    return SCORINGS


# What needs no heavy import comes first, so that the first lines are there at once.
CHOICES: dict[str, Callable[[], dict[str, str]]] = {
    "data": _data,
    "estimators": _estimators,
    "metrics": _metrics,
    "objectives": _objectives,
    "policies": _policies,
    "learners": _learners,
    "arms": _arms,
}
