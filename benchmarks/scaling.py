"""What learning costs against size: rows, pixels, classes. A table, and a plot in ``docs/scaling.png``.

::

    python benchmarks/scaling.py --seconds 20            # about eight minutes; goes on where it stopped

Each case learns in a process of its own, on made-up smooth images, for at most ``--seconds`` seconds (``max_seconds``),
with one size changed and the others at 1,000 rows, 28 pixels, 10 classes. Shown: seconds a step; what ``fit`` takes
beyond its budget (reading, learning to select, measuring); peak memory over that of a process that has imported
everything and made the rows; milliseconds to draw an image. A cost that is bound by the budget shows no cliff in the
second.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from store import Store

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_N_DRAWN = 200


@dataclass(frozen=True)
class Case:
    """What is learned: how many rows, of how many pixels a side, in how many classes."""

    rows: int = 1000
    px: int = 28
    classes: int = 10


SIZES: dict[str, tuple[int, ...]] = {
    "rows": (100, 300, 1000, 3000, 10_000, 30_000, 60_000),
    "px": (8, 16, 28, 32, 48, 64, 96, 128),
    "classes": (2, 5, 10, 30, 100),
}
SHOWN: dict[str, str] = {
    "seconds_a_step": "seconds a step",
    "overrun": "fit beyond its budget, s",
    "peak_mib": "peak memory, MiB",
}


def cases() -> list[tuple[str, Case]]:
    """Return every case with the name of the size that it changes."""
    return [(name, replace(Case(), **{name: size})) for name, sizes in SIZES.items() for size in sizes]


def images(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return smooth made-up images (n, h, w), uint8, and labels (n,), each class around a picture of its own."""
    rng = np.random.default_rng(0)
    y = np.arange(case.rows) % case.classes
    coarse = rng.normal(size=(case.classes, 4, 4))[y] + 0.5 * rng.normal(size=(case.rows, 4, 4))
    tensor = torch.from_numpy(coarse).float()[:, None]
    fine = [
        torch.nn.functional.interpolate(part, case.px, mode="bilinear").mul(50).add(128).clamp(0, 255).byte()
        for part in tensor.split(1000)
    ]
    return torch.cat(fine)[:, 0].numpy(), y


def measure(case: Case, *, learner: str, seconds: float) -> dict[str, float]:
    """Return the costs of one case, learned in this process."""
    from synthaug import SyntheticAugmenter

    X, y = images(case)
    before = _peak_mib()
    augmenter = SyntheticAugmenter(learner, n_synthetic=0, max_seconds=seconds, random_state=0)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        augmenter.fit(X, y)
        wall = time.perf_counter() - began
        fitted: Any = augmenter.generator_
        steps = fitted.ending_.step
        learning = seconds if augmenter.was_cut_ else float(augmenter.history_["seconds"].iloc[-1])
        began = time.perf_counter()
        n_drawn = len(augmenter.sample(max(2, _N_DRAWN // case.classes))[0])
    return {
        "steps": float(steps),
        "seconds_a_step": learning / steps,
        "overrun": wall - learning,
        "peak_mib": _peak_mib() - before,
        "draw_ms": 1e3 * (time.perf_counter() - began) / n_drawn,
    }


def measure_apart(case: Case, options: argparse.Namespace) -> dict[str, float]:
    """Return the costs of one case, learned in a process of its own."""
    asked = ["--case", json.dumps(asdict(case)), "--learner", options.learner, "--seconds", str(options.seconds)]
    command = [sys.executable, __file__, *asked, "--threads", str(options.threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def table(found: list[tuple[str, Case, dict[str, float]]]) -> str:
    """Return a row a case."""
    lines = [
        "| rows | pixels | classes | steps | ms a step | fit beyond its budget, s | peak, MiB | drawing, ms an image |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for _, case, cost in found:
        size = f"{case.rows:,} | {case.px} | {case.classes} | {cost['steps']:.0f}"
        spent = f"{1e3 * cost['seconds_a_step']:.1f} | {cost['overrun']:.1f} | {cost['peak_mib']:.0f}"
        lines.append(f"| {size} | {spent} | {cost['draw_ms']:.2f} |")
    return "\n".join(lines)


def plot(found: list[tuple[str, Case, dict[str, float]]], path: Path) -> None:
    """Draw costs over sizes, a column a size and a row a cost, both axes logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 6.2), layout="constrained")
    grid = figure.subplots(len(SHOWN), len(SIZES), sharex="col", sharey="row")
    for column, name in enumerate(SIZES):
        mine = [(getattr(case, name), cost) for changed, case, cost in found if changed == name]
        for row, (cost_name, title) in enumerate(SHOWN.items()):
            _draw_panel(grid[row, column], [(size, cost[cost_name]) for size, cost in mine])
            grid[row, 0].set_ylabel(title, fontsize=9)
        grid[-1, column].set_xlabel({"px": "pixels a side"}.get(name, name), fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def _draw_panel(axes: "Axes", points: list[tuple[int, float]]) -> None:
    from matplotlib.ticker import LogLocator

    axes.loglog([size for size, _ in points], [max(cost, 1e-3) for _, cost in points], "o-", color="#0072B2", ms=4)
    axes.grid(color="#e4e4de", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_formatter("")
    for numbers in (axes.xaxis, axes.yaxis):
        numbers.set_major_formatter("{x:g}")
    axes.tick_params(labelsize=8)


def main() -> int:
    """Measure what has not been measured; print the table and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learner", default="auto")
    parser.add_argument("--seconds", type=float, default=20.0, help="budget of each case")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--out", type=Path, default=Path("runs/scaling.json"))
    parser.add_argument("--plot", type=Path, default=Path("docs/scaling.png"))
    parser.add_argument("--case", help="measure this one in this process, and print JSON")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.case:
        print(json.dumps(measure(Case(**json.loads(options.case)), learner=options.learner, seconds=options.seconds)))
        return 0
    found = [(name, case, _kept(case, options)) for name, case in cases() if name in options.sizes]
    print(table(found))
    plot(found, options.plot)
    return 0


def _kept(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    name = f"{options.learner}, {options.seconds:g} s: {case}"
    return Store(options.out).once(name, lambda: measure_apart(case, options))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
