"""The study's tables by their titles, and the page that shows them: ``utility.md``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from utility_run import Plan
from utility_tables import (
    differences,
    everywhere_table,
    experience_table,
    found_of,
    gate_table,
    label_table,
    ranks,
    table_of_differences,
    targets,
    task_table,
)

PAGE = Path(__file__).with_name("utility.md")
_EXPERIENCE = "Experience"
_HEAD = """# Do they help a classifier: every task, classifier and way

The tables behind the [summary](README.md#do-they-help-a-classifier), where the commands are too. Points of balanced
accuracy, 95 % intervals; *helps* and *hurts* after Holm over the ways of a line. What a draw is compared with, the best
way without a GAN row, is chosen on the other draws, among the ways that ran on the same ones. An empty cell: the way
does not fit the rows or the classifier, or is itself the best without on every draw. The draws are in
`utility_results.jsonl.xz`, and `python benchmarks/utility.py --page` writes this page. The ways were picked in a
[screening of all](utility_screen.md)."""
_OF_EXPERIENCE = """What ways gain over *classic* for images, over *none* for tables, as a share of the errors that
these leave: what the gate weighs its own measurements with (`synthaug/augment/gate/experience.py`) comes from the dev
halves (`python benchmarks/utility.py --half dev`):

{dev}

The same on the report halves, which nothing was chosen on:

{report}"""


def tables(plan: Plan, tasks: Sequence[str], way: str) -> dict[str, str]:
    """Return the tables of what is there, by title; differences go into a file too."""
    found = found_of(plan, tasks)
    if not found:
        return {}
    table = differences(found)
    table.to_csv(plan.folder / plan.half / "differences.csv", index=False)
    return {
        "Targets": targets(found, way),
        "By task": task_table(found),
        "Differences from the best way without a GAN row": table_of_differences(table),
        "Ranks": ranks(found),
        "What it is worth in labels": label_table(plan, found),
        "What the gate did": gate_table(found),
        "Instead of the gate, one way for all": everywhere_table(found),
        _EXPERIENCE: experience_table(found),
    }


def page(plan: Plan, tasks: Sequence[str], way: str) -> str:
    """Return the page: the report halves' tables, and beside their experience that of the dev halves."""
    dev, report = (tables(replace(plan, half=half), tasks, way) for half in ("dev", "report"))
    experience = _OF_EXPERIENCE.format(dev=dev[_EXPERIENCE], report=report[_EXPERIENCE])
    parts = {**report, _EXPERIENCE: experience}
    return "\n\n".join([_HEAD, *(f"## {title}\n\n{text}" for title, text in parts.items())]) + "\n"
