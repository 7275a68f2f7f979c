"""How fast: until synthetic rows teach, training images a second, where a step's time goes, drawing images a second.

::

    python benchmarks/speed.py race --task fashion-50 --minutes 10      # about half an hour; goes on where it stopped
    python benchmarks/speed.py rate                                     # training images a second at 32 x 32
    python benchmarks/speed.py profile --learner latent_gan             # one step by kind of operation
    python benchmarks/speed.py draw                                     # drawn 28 x 28 images a second

Results are kept in ``--out`` (JSON) and not measured again; delete a piece, or the file, to measure anew. Ratios come
from one run: both sides in turn, in alternating order. ``race`` takes a peer besides: ``--peer FOLDER``, see
``torchgan_peer.py``.
"""

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from profile_step import profile_step
from quality import pupil_recipe
from race import TARGET_FRACTION, Race, race_table, run_ours, run_peer
from scaling import Case, images
from store import Store
from tasks import problem
from textbook import TextbookGAN
from torchgan_peer import TorchganPeer

from synthaug import SyntheticAugmenter
from synthaug.data.schema import ImageSchema
from synthaug.generators import Limits, find_generator
from synthaug.training.loop import StepRecord

_WARM_STEPS = 10
_N_DRAWN = 2048
_DRAW_STEPS = 200  # enough for the selector to know its classes


def train_rate(learner: Any, *, shape: tuple[int, int, int], n_steps: int) -> float:
    """Return training images a second of a learner on noise images of 10 classes, after a few warming steps."""
    x = torch.rand(500, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    y = torch.arange(500) % 10
    seen: list[StepRecord] = []
    learner.set_params(n_steps=_WARM_STEPS + n_steps)
    limits = Limits()
    schema = ImageSchema(shape, 10)
    learner.fit(x, y, schema=schema, seed=0, on_step=lambda record: seen.append(record), limits=limits)
    warm = next(record for record in seen if record.step >= _WARM_STEPS)
    return (seen[-1].images_seen - warm.images_seen) / (seen[-1].seconds - warm.seconds)


def rates(names: list[str], *, n_steps: int, repeats: int) -> dict[str, list[float]]:
    """Return each learner's images a second in every repeat, the learners in turn, in alternating order."""
    found: dict[str, list[float]] = {name: [] for name in ["textbook", *names]}
    for repeat in range(repeats):
        for name in list(found)[:: -1 if repeat % 2 else 1]:
            learner = TextbookGAN(record_steps=1) if name == "textbook" else find_generator(name)()
            found[name].append(train_rate(learner, shape=(1, 32, 32), n_steps=n_steps))
    return found


def rate_table(found: dict[str, list[float]]) -> str:
    """Return images a second, medians, and the median ratio to the textbook's in the same repeat."""
    lines = ["| learner | images a second | over the textbook's |", "|---|---|---|"]
    for name, rate in found.items():
        ratios = [ours / theirs for ours, theirs in zip(rate, found["textbook"], strict=True)]
        spread = f" ({min(ratios):.2f} to {max(ratios):.2f})" if name != "textbook" else ""
        lines.append(f"| {name} | {statistics.median(rate):.0f} | {statistics.median(ratios):.2f}{spread} |")
    return "\n".join(lines)


def draw_rate(name: str, selection: str, *, seconds: float) -> float:
    """Return images a second of ``sample`` after a short training on made-up 28 x 28 images of 10 classes."""
    X, y = images(Case(rows=500, px=28, classes=10))
    learner = find_generator(name)().set_params(n_steps=_DRAW_STEPS)
    augmenter = SyntheticAugmenter(learner, selection=selection, random_state=0).fit(X, y)
    augmenter.sample(64)
    began, drawn = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        drawn += len(augmenter.sample(_N_DRAWN // 10)[0])
    return drawn / (time.perf_counter() - began)


def race(options: argparse.Namespace, store: Store) -> str:
    """Run the race, as far as it has not been run, and return its table."""
    rows, judge = problem(options.task, half=options.half, seed=options.seed), pupil_recipe(options.task)
    judge = replace(judge, n_steps=options.judge_steps)
    shared = Race(rows, options.minutes * 60, options.seed, options.moments, judge)
    key = f"race {options.task} {options.half} {options.minutes:g} min, seed {options.seed}: "
    textbook = store.once(f"{key}textbook", lambda: run_peer(TextbookGAN(n_steps=10**9), shared))
    target = TARGET_FRACTION * max(score for _, _, score in textbook)
    curves = {"textbook": textbook}
    for name in options.learner:
        curves[name] = run_ours(find_generator(name)(), shared, target, store, f"{key}{name}")
    if options.peer:
        peer = TorchganPeer(options.peer)
        curves["torchgan"] = store.once(f"{key}torchgan", lambda: run_peer(peer, shared))
    return (
        f"{options.task}, seed {options.seed}, {options.minutes:g} minutes. {race_table(curves, shared.most_seconds)}"
    )


def rate(options: argparse.Namespace, store: Store) -> str:
    """Measure training images a second, where it has not been done, and return the table."""
    key = f"rate {options.steps} steps: {' '.join(options.learner)}"
    return rate_table(store.once(key, lambda: rates(options.learner, n_steps=options.steps, repeats=options.repeats)))


def profile(options: argparse.Namespace, store: Store) -> str:
    """Return a table a learner of where the time of a step goes; never kept."""
    learners: dict[str, Any] = {name: find_generator(name)() for name in options.learner}
    learners["textbook"] = TextbookGAN(record_steps=1)
    return "\n\n".join(f"{name}:\n\n{profile_step(one, n_steps=options.steps)}" for name, one in learners.items())


def draw(options: argparse.Namespace, store: Store) -> str:
    """Measure drawing, where it has not been done, and return the table."""
    lines = ["| learner | selection | images a second |", "|---|---|---|"]
    for name, selection in itertools.product(options.learner, ("none", "auto")):
        measure = partial(draw_rate, name, selection, seconds=options.draw_seconds)
        lines.append(f"| {name} | {selection} | {store.once(f'draw {name} {selection}', measure):.0f} |")
    return "\n".join(lines)


def main() -> int:
    """Print the table of each part asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=list(PARTS))
    parser.add_argument("--learner", nargs="+", default=["latent_gan"], help="names of our learners")
    parser.add_argument("--out", type=Path, default=Path("runs/speed.json"))
    parser.add_argument("--task", default="fashion-50")
    parser.add_argument("--half", choices=["dev", "report"], default="report")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the race; whoever needs longer is censored")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--moments", type=int, default=24, help="how often the textbook GAN is looked at")
    parser.add_argument("--judge-steps", type=int, default=500)
    parser.add_argument("--peer", type=Path, help="the folder of an installed torchgan")
    parser.add_argument("--steps", type=int, default=60, help="steps that rate and profile measure")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--draw-seconds", type=float, default=5.0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for part in options.parts:
        print(f"\n## {part}\n\n{PARTS[part](options, Store(options.out))}", flush=True)
    return 0


PARTS: dict[str, Callable[[argparse.Namespace, Store], str]] = {
    "race": race,
    "rate": rate,
    "profile": profile,
    "draw": draw,
}

if __name__ == "__main__":
    sys.exit(main())
