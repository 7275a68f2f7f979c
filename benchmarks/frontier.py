"""What a learner's rows are worth against what they give up: the frontier of everything that ``quality.py`` measured.

::

    python benchmarks/frontier.py                              # docs/frontier.png from runs/quality/report

Two charts, a mark for each task, learner and budget, means over seeds. On the left how well a network learns from
drawn rows alone, against the share of them that are copies: up and to the left is better, and a source of new rows has
to be there, for handing the training rows on costs nothing and teaches everything. On the right how true rows are to
their class against how diverse they are, both over real rows'; where the oracle is too weak there is no mark.
"""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from store import Store
from tasks import TASKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHARTS = (
    ("copies", "pupil", "share of copies", "pupil, over real rows'"),
    ("diversity", "agreement", "diversity, over real rows'", "label agreement, over real rows'"),
)
COLOURS = {
    "latent_gan 300": "#08519c",
    "latent_gan 60": "#6baed6",
    "latent_gan novelty 300": "#238b45",
    "textbook 60": "#d94801",
    "smote 0": "#525252",
}
MARKS = dict(zip(TASKS, "osD^vP*", strict=False))

Means = dict[str, float]


def points(folder: Path) -> Iterator[tuple[str, str, Means]]:
    """Yield task, learner with seconds, and the means over seeds of every figure."""
    for task in TASKS:
        seeds: dict[str, list[Means]] = {}
        for key, found in Store(folder / f"{task}.json").all().items():
            if not key.startswith("real "):
                seeds.setdefault(key.rsplit(maxsplit=1)[0], []).append(found)
        for source, cells in seeds.items():
            yield (
                task,
                source,
                {figure: fmean(cell[figure] for cell in cells) for chart in CHARTS for figure in chart[:2]},
            )


def draw(folder: Path, path: Path) -> None:
    """Draw both charts into a file."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    found = list(points(folder))
    for axis, (x, y, x_label, y_label) in zip(axes, CHARTS, strict=True):
        for task, source, means in found:
            if source in COLOURS and math.isfinite(means[x]) and math.isfinite(means[y]):
                axis.scatter(means[x], means[y], color=COLOURS[source], marker=MARKS[task], s=45, alpha=0.9)
        axis.set(xlabel=x_label, ylabel=y_label)
        axis.axhline(1.0, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes[0].axvline(0.05, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes[1].axvspan(0.85, 1.1, color="#eeeeee", zorder=0)
    _explain(axes[1], [task for task in MARKS if any(task == name for name, _, _ in found)])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def _explain(axis: "Axes", tasks: list[str]) -> None:
    """Put colours and marks beside the right-hand chart."""
    for source, colour in COLOURS.items():
        name, seconds = source.rsplit(maxsplit=1)
        axis.scatter([], [], color=colour, marker="s", label=name if seconds == "0" else f"{name}, {seconds} s")
    for task in tasks:
        axis.scatter([], [], color="#999999", marker=MARKS[task], label=task)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("runs/quality/report"))
    parser.add_argument("--out", type=Path, default=Path("docs/frontier.png"))
    options = parser.parse_args()
    draw(options.results, options.out)
    print(options.out)


if __name__ == "__main__":
    main()
