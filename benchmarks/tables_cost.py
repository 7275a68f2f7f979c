"""What learning and drawing a table cost: beside ctgan on 1,000 x 20, and on 100,000 x 30 alone."""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from store import Store
from tables_made import make_wide
from tables_peers import DEFAULT_EPOCHS, LABEL, ctgan_python, run_ctgan

from synthaug import SyntheticAugmenter
from synthaug.errors import SynthaugWarning

_SMALL, _LARGE = (1000, 20), (100_000, 30)
_REPEATS, _THREADS = 3, 2
_N_DRAWN = 100_000
_MOST_GIB, _LEAST_ROWS_A_SECOND, _MOST_RATIO = 4.0, 50_000, 0.2


def cost_table(store: Store, environment: Path) -> str:
    """Return the costs as Markdown, measured where they are not there yet."""
    pairs = store.once("fit 1,000 x 20", lambda: fit_pairs(ctgan_python(environment)))
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    times = [f"{statistics.median(side):.1f}" for side in zip(*pairs, strict=True)]
    large = store.once("100,000 x 30", lambda: _apart(*_LARGE))
    lines = [
        "| cost | measured | target |",
        "|---|---|---|",
        f"| fit 1,000 x 20, two threads: ours / ctgan's defaults, s | {' / '.join(times)} | |",
        f"| the ratio, median of {len(pairs)} | {ratio:.2f} | {_MOST_RATIO} at most |",
        f"| fit 100,000 x 30, s | {large['fit_seconds']:.0f} | |",
        f"| its peak memory, GiB | {large['peak_gib']:.1f} | {_MOST_GIB:.0f} at most |",
        *(
            f"| rows drawn a second, selection {name} | {large[f'rows_a_second {name}']:,.0f} | {target} |"
            for name, target in (("auto", ""), ("none", f"{_LEAST_ROWS_A_SECOND:,} at least"))
        ),
    ]
    return "\n".join(lines)


def fit_pairs(python: Path) -> list[tuple[float, float]]:
    """Return seconds by the clock to fit, ours and ctgan's, in alternating order."""
    X, y = make_wide(*_SMALL, seed=0)
    pairs = []
    for repeat in range(_REPEATS):
        sides = {"ours": lambda seed=repeat: _ours(X, y, seed), "ctgan": lambda seed=repeat: _ctgan(X, y, python, seed)}
        found = {name: sides[name]() for name in list(sides)[:: -1 if repeat % 2 else 1]}
        pairs.append((found["ours"], found["ctgan"]))
    return pairs


def _ours(X: Any, y: np.ndarray, seed: int) -> float:
    torch.set_num_threads(_THREADS)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SynthaugWarning)
        SyntheticAugmenter(random_state=seed).fit(X, y)
    return time.perf_counter() - began


def _ctgan(X: Any, y: np.ndarray, python: Path, seed: int) -> float:
    table = X.assign(**{LABEL: y})
    job = {"counts": {}, "epochs": DEFAULT_EPOCHS, "seed": seed, "threads": _THREADS, "overhead": False}
    words = [*X.select_dtypes("category").columns, LABEL]
    with tempfile.TemporaryDirectory() as place:
        return run_ctgan(table, job | {"place": place, "words": words}, python)["wall"]


def measure(n_rows: int, n_columns: int, *, n_drawn: int = _N_DRAWN) -> dict[str, float]:
    """Return the costs of learning a made table in this process, and of drawing from it."""
    X, y = make_wide(n_rows, n_columns, seed=0)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SynthaugWarning)
        augmenter = SyntheticAugmenter(random_state=0).fit(X, y)
        found = {"fit_seconds": time.perf_counter() - began}
        found |= {f"rows_a_second {name}": _draw_rate(augmenter, name, n_drawn) for name in ("auto", "none")}
    return found | {"peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def _draw_rate(augmenter: SyntheticAugmenter, selection: str, n_drawn: int) -> float:
    """Return rows drawn a second, with the selection that was fitted or as they come."""
    began = time.perf_counter()
    if selection == "none":
        labels = torch.arange(n_drawn) % len(augmenter.classes_)
        n_there = len(augmenter.codec_.decode(augmenter.generator_.draw(labels, 0)))
    else:
        n_there = len(augmenter.sample(n_drawn // len(augmenter.classes_), random_state=0)[0])
    return n_there / (time.perf_counter() - began)


def _apart(n_rows: int, n_columns: int) -> dict[str, float]:
    """Return the costs, measured in a process of its own: peak memory is of the whole process."""
    command = [sys.executable, __file__, str(n_rows), str(n_columns)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Costs of one made table, as JSON.")
    parser.add_argument("n_rows", type=int)
    parser.add_argument("n_columns", type=int)
    options = parser.parse_args()
    torch.set_num_threads(_THREADS)
    print(json.dumps(measure(options.n_rows, options.n_columns)))


if __name__ == "__main__":
    main()
