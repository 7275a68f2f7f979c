"""How good drawn images are: one table a run, learners in rows, figures in columns, most as ratios to their floors.

::

    SYNTHAUG_DATA=data python benchmarks/quality.py --tasks fashion-50 mnist-20 --seconds 60
    python benchmarks/quality.py --table          # the table of everything measured so far

Every finished cell is kept in ``--out``, one file a task and half, and not measured again (delete it after a change of
the code); two processes may work on different tasks. The figures come from the report halves (``--half dev`` is for
choosing settings; see ``tasks.py``);
``figures.py`` says what they are. ``pupil`` is the balanced accuracy of a small convolutional network (``convnet.py``)
trained on the synthetic rows only, with classic transforms, over that of the same network trained on the real training
rows only, with classic transforms of the same strength, which was the best for real rows on the dev half.

``--seconds`` are turned into steps by the rate of the learner, measured once with both cores its own (``rates.json``
beside the results); cells then run on one core each, two processes at a time, and what else the machine does does not
matter.
"""

import argparse
import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from convnet import ConvNet, Recipe, balanced_accuracy, learn
from figures import Eyes, judge, open_eyes
from store import Store
from tasks import TASKS, Labelled, Problem, available, problem
from textbook import TextbookGAN

from synthaug import CGAN, VAE, LatentGAN, SyntheticAugmenter

FLIPPED = ("fashion-50", "fashion-20", "retina", "breast", "brain")  # left and right may be swapped
N_PER_CLASS = 200
_ORACLE = Recipe(2000)
_PUPIL = Recipe(1500)
_STRENGTHS = {"fashion-50": 0.5, "fashion-20": 0.5, "breast": 1.5}  # elsewhere 1; the best on the dev halves
_N_CORES = 2
_WARM_STEPS = 100
SHOWN = {
    "agreement": "agreement",
    "agreement_before": "before selection",
    "diversity": "diversity",
    "coverage": "coverage",
    "density": "density",
    "copies": "copies",
    "pupil": "pupil",
}


Maker = Callable[[], Any]
Drawn = tuple[Labelled, Labelled, dict[str, float]]  # selected rows, unselected rows, facts


def _augmenter(learner: Any, **parameters: Any) -> SyntheticAugmenter:
    return SyntheticAugmenter(learner, image_format="channels_first", **parameters)


def rate_of(learner: Any, shape: tuple[int, int, int]) -> float:
    """Return how many steps a second a learner takes on 500 images of noise, both cores its own."""
    x = np.random.default_rng(0).integers(0, 256, size=(500, *shape), dtype=np.uint8)
    learner = learner.set_params(n_steps=_WARM_STEPS, n_threads=_N_CORES)
    history = _augmenter(learner, selection="none", random_state=0).fit(x, np.arange(500) % 10).history_
    first, last = history[history["step"] >= _WARM_STEPS // 5].iloc[0], history.iloc[-1]
    return float((last["step"] - first["step"]) / (last["seconds"] - first["seconds"]))


def by_learner(learner: Any, rows: Problem, seed: int, selection: str = "auto") -> Drawn:
    """Return selected rows and unselected ones of a learner that learned a problem's rows."""
    augmenter = _augmenter(learner, selection=selection, random_state=seed).fit(
        as_pixels(rows.train[0]), rows.train[1].numpy()
    )
    selected = augmenter.sample(N_PER_CLASS, random_state=seed)
    labels = torch.arange(rows.schema.n_classes).repeat_interleave(N_PER_CLASS)
    pixels = augmenter.codec_.decode(augmenter.generator_.draw(labels, seed))
    facts = {"seconds": augmenter.seconds_, "n_steps": float(learner.n_steps)}
    return (as_model(selected[0]), torch.as_tensor(selected[1])), (as_model(pixels), labels), facts


def by_smote(rows: Problem, seed: int) -> Drawn:
    """Return rows on the line between a training row and one of its five nearest of the class (Chawla et al. 2002)."""
    rng, began = np.random.default_rng(seed), time.perf_counter()
    parts = [_smote_class(rows.train[0][rows.train[1] == label].numpy(), rng) for label in range(rows.schema.n_classes)]
    x = as_model(as_pixels(torch.from_numpy(np.concatenate(parts)).float()))
    drawn = x, torch.arange(rows.schema.n_classes).repeat_interleave(N_PER_CLASS)
    return drawn, drawn, {"seconds": time.perf_counter() - began}


def _smote_class(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    flat = x.reshape(len(x), -1)
    distance = np.square(flat[:, None] - flat[None]).sum(2)
    nearest = np.argsort(distance, axis=1)[:, 1 : 1 + min(5, len(x) - 1)]
    first = rng.integers(len(x), size=N_PER_CLASS)
    second = nearest[first, rng.integers(nearest.shape[1], size=N_PER_CLASS)]
    return x[first] + rng.random((N_PER_CLASS, 1, 1, 1)) * (x[second] - x[first])


def as_pixels(x: torch.Tensor) -> np.ndarray:
    """Return images in [-1, 1] as uint8."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).numpy()


def as_model(x: np.ndarray) -> torch.Tensor:
    """Return uint8 images in [-1, 1]."""
    return torch.as_tensor(x).float() / 127.5 - 1.0


NOVELTY = "latent_gan novelty"  # near-copies of training rows are dropped
MAKERS: dict[str, Maker] = {
    "latent_gan": partial(LatentGAN, n_threads=1),
    NOVELTY: partial(LatentGAN, n_threads=1),
    "cgan": partial(CGAN, n_threads=1),
    "vae": partial(VAE, n_threads=1),
    "textbook": partial(TextbookGAN, n_threads=1, record_steps=10),
}


@dataclass(frozen=True)
class Cell:
    """One learner on one task: what is measured at a time."""

    learner: str
    task: str
    half: str
    seconds: float
    seed: int

    @property
    def key(self) -> str:
        """Its name in the task's file."""
        return f"{self.learner} {self.seconds:g} {self.seed}"


def rate_kept(name: str, make: Maker, shape: tuple[int, ...], folder: Path) -> float:
    """Return how many steps a second a learner takes on such images, measured once."""
    return Store(folder / "rates.json").once(rate_name(name, shape), partial(rate_of, make(), shape))


def rate_name(name: str, shape: tuple[int, ...]) -> str:
    """Return the name of a learner's rate among those kept."""
    return f"{name} {'x'.join(map(str, shape))}"


def measure(cell: Cell, store: Store, makers: Mapping[str, Maker]) -> dict[str, float]:
    """Return the figures of a cell; its learner is one of ``makers``, or ``smote``."""
    rows = problem(cell.task, half=cell.half, seed=cell.seed)
    eyes = open_eyes(rows, _oracle(cell.task, cell.half, rows), flip=cell.task in FLIPPED)
    real = store.once(f"real {cell.seed}", lambda: _pupil(rows.train, eyes, cell.task))
    if cell.learner == "smote":
        drawn, unselected, facts = by_smote(rows, cell.seed)
    else:
        make = makers[cell.learner]
        rate = rate_kept(cell.learner.removesuffix(" novelty"), make, rows.schema.shape, store.path.parent)
        learner = make().set_params(n_steps=int(cell.seconds * rate))
        selection = "agreement+novelty" if cell.learner == NOVELTY else "auto"
        drawn, unselected, facts = by_learner(learner, rows, cell.seed, selection)
    found = judge(eyes, drawn, unselected) | facts
    found["pupil"] = _pupil(drawn, eyes, cell.task) / real
    return found | {"held_agreement": eyes.held_agreement, "real_accuracy": real}


_ORACLES: dict[tuple[str, str], ConvNet] = {}


def _oracle(task: str, half: str, rows: Problem) -> ConvNet:
    key = (TASKS[task].data, half)
    if key not in _ORACLES:
        recipe = Recipe(_ORACLE.n_steps, flip=task in FLIPPED)
        _ORACLES[key] = learn(*rows.oracle, schema=rows.schema, recipe=recipe, seed=0)
    return _ORACLES[key]


def pupil_recipe(task: str) -> Recipe:
    """Return how the network that learns from drawn rows is trained."""
    return replace(_PUPIL, strength=_STRENGTHS.get(task, 1.0), flip=task in FLIPPED)


def _pupil(rows: Labelled, eyes: Eyes, task: str) -> float:
    network = learn(*rows, schema=eyes.problem.schema, recipe=pupil_recipe(task), seed=0)
    parts = eyes.problem.reference, eyes.problem.second
    return balanced_accuracy(network, torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts]))


def table(folder: Path, tasks: Iterable[str] = TASKS) -> str:
    """Return everything measured as Markdown: mean ± standard deviation over seeds, the worst class in brackets."""
    head = ["task", "learner", "seconds", "seeds", *SHOWN.values()]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for task in tasks:
        cells: dict[tuple[str, str], list[dict[str, float]]] = {}
        for key, found in Store(folder / f"{task}.json").all().items():
            if key.startswith("real "):
                continue
            name, seconds, _ = key.rsplit(maxsplit=2)
            cells.setdefault((name, seconds), []).append(found)
        for (name, seconds), seeds in sorted(cells.items()):
            shown = [_cell(seeds, figure) for figure in SHOWN]
            lines.append("| " + " | ".join([task, name, seconds, str(len(seeds)), *shown]) + " |")
    return "\n".join(lines)


def _cell(seeds: list[dict[str, float]], figure: str) -> str:
    values = [found[figure] for found in seeds]
    if not all(map(math.isfinite, values)):
        return "oracle too weak"
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    worst = [found[f"{figure}_worst"] for found in seeds if f"{figure}_worst" in found]
    return f"{statistics.mean(values):.2f}{spread}" + (f" ({statistics.mean(worst):.2f})" if worst else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument(
        "--learners", nargs="+", choices=[*MAKERS, "smote"], default=["latent_gan", "textbook", "smote"]
    )
    parser.add_argument("--seconds", nargs="+", type=float, default=[60.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--half", choices=["dev", "report"], default="report")
    parser.add_argument("--out", type=Path, default=Path("runs/quality"))
    parser.add_argument("--table", action="store_true", help="only print the table")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for task in () if options.table else options.tasks:
        if not available(task):
            print(f"{task}: its data are not here; see tasks.py")
            continue
        store = Store(options.out / options.half / f"{task}.json")
        store.path.parent.mkdir(parents=True, exist_ok=True)
        for seed, name in itertools.product(options.seeds, options.learners):
            for seconds in options.seconds if name != "smote" else [0.0]:
                cell = Cell(name, task, options.half, seconds, seed)
                store.once(cell.key, partial(measure, cell, store, MAKERS))
                print(task, cell.key, flush=True)
    print(table(options.out / options.half))


if __name__ == "__main__":
    main()
