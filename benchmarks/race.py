"""Seconds until synthetic rows alone teach a classifier as well as the textbook GAN's best do; see ``speed.py``.

The textbook GAN learns for the given time; at 24 moments its clock is stopped, 200 rows of each class are drawn, the
small network of ``convnet.py`` (500 steps, classic transforms as strong as ``quality.py`` has them for the task) learns
from them alone, and its balanced accuracy on the task's judging rows, which no learner saw, is noted. The target is
98 % of the best of those. Each draws as it does by default: ours selects, and the time to learn how is in its seconds.

Ours is asked the same question the other way round, for its schedule depends on how long it may learn: runs from
scratch, each half as long again as the one before, until one reaches the target. Its seconds are the wall time of
``SyntheticAugmenter.fit`` of that run; the shorter ones, which only look for it, are not counted. The peer runs like
the textbook GAN. Whoever does not get there in the given time is censored.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from convnet import Recipe, balanced_accuracy, learn
from sklearn.base import clone
from store import Store
from tasks import Problem
from torch import Tensor

from synthaug import SyntheticAugmenter
from synthaug.generators import Limits
from synthaug.training.loop import StepRecord

DRAWN_PER_CLASS = 200
TARGET_FRACTION = 0.98  # of the textbook's best: the best of 24 noisy looks itself is reached late by luck alone
FIRST_STEPS, LONGER = 40, 1.5
Point = tuple[float, int, float]


@dataclass(frozen=True)
class Race:
    """What all runners share.

    Attributes
    ----------
    problem
        The rows.
    most_seconds
        When to stop.
    seed
        Of learners and judges.
    n_moments
        How often a learner that draws while it learns is looked at.
    judge
        How the judging network learns.
    """

    problem: Problem
    most_seconds: float
    seed: int
    n_moments: int = 24
    judge: Recipe = field(default_factory=lambda: Recipe(n_steps=500))


def accuracy(draw: Callable[[Tensor], Tensor], race: Race) -> float:
    """Return the balanced accuracy on real rows of a classifier that learned from drawn rows alone."""
    schema = race.problem.schema
    labels = torch.arange(schema.n_classes).repeat_interleave(DRAWN_PER_CLASS)
    network = learn(draw(labels), labels, schema=schema, recipe=race.judge, seed=race.seed)
    return balanced_accuracy(network, *race.problem.reference)


def run_peer(learner: Any, race: Race) -> list[Point]:
    """Return (seconds, step, accuracy) at each moment of one run of a learner that draws while it learns."""
    curve: list[Point] = []
    due = np.geomspace(race.most_seconds / 60, race.most_seconds, race.n_moments).tolist()

    def look(record: StepRecord) -> None:
        if due and record.seconds >= min(due[0], race.most_seconds):
            due[:] = [moment for moment in due if moment > record.seconds]
            seed = race.seed
            seconds = min(record.seconds, race.most_seconds)
            curve.append((seconds, record.step, accuracy(lambda labels: learner.draw(labels, seed), race)))

    x, y = race.problem.train
    limits = Limits(max_seconds=race.most_seconds)
    learner.fit(x, y, schema=race.problem.schema, seed=race.seed, on_step=look, limits=limits)
    return curve


def run_ours(learner: Any, race: Race, target: float, store: Store, name: str) -> list[Point]:
    """Return (seconds, step, accuracy) of runs from scratch, longer and longer, until the target or the end of time."""
    found = store.get(name) or []
    curve: list[Point] = [tuple(point) for point in found]
    n_steps = FIRST_STEPS if not curve else round(curve[-1][1] * LONGER)
    while not curve or (curve[-1][2] < target and curve[-1][0] * LONGER <= race.most_seconds):
        curve.append(_one_run(clone(learner).set_params(n_steps=n_steps), race, n_steps))
        store.put(name, curve)
        n_steps = round(n_steps * LONGER)
    return curve


def _one_run(learner: Any, race: Race, n_steps: int) -> Point:
    x, y = race.problem.train
    augmenter = SyntheticAugmenter(learner, image_format="channels_last", random_state=race.seed)
    began = time.perf_counter()
    augmenter.fit(as_pixels(x), y.numpy())
    seconds = time.perf_counter() - began

    def draw(labels: Tensor) -> Tensor:
        return as_tensor(augmenter.sample(DRAWN_PER_CLASS)[0])

    return seconds, n_steps, accuracy(draw, race)


def as_pixels(x: Tensor) -> np.ndarray:
    """Return images (n, c, h, w) in [-1, 1] as uint8 (n, h, w, c)."""
    return ((x + 1.0) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def as_tensor(images: np.ndarray) -> Tensor:
    """Return uint8 images (n, h, w, c) as float32 (n, c, h, w) in [-1, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def seconds_until(curve: list[Point], target: float, most_seconds: float) -> float | None:
    """Return when a curve first reached the target, or None where it did not in time (censored)."""
    return next((seconds for seconds, _, score in curve if score >= target and seconds <= most_seconds), None)


def race_table(curves: dict[str, list[Point]], most_seconds: float) -> str:
    """Return the result as a table; the first runner sets the target."""
    (first, textbook), *_ = curves.items()
    target = TARGET_FRACTION * max(score for _, _, score in textbook)
    theirs = seconds_until(textbook, target, most_seconds) or most_seconds
    lines = ["| learner | best accuracy | seconds until the target | sooner by |", "|---|---|---|---|"]
    for name, curve in curves.items():
        seconds = seconds_until(curve, target, most_seconds)
        best = max((score for _, _, score in curve), default=float("nan"))
        when = f"{seconds:.1f}" if seconds is not None else f"not in {most_seconds:.0f}"
        ratio = "1" if name == first else f"{theirs / seconds:.1f} x" if seconds is not None else "-"
        lines.append(f"| {name} | {best:.3f} | {when} | {ratio} |")
    return "\n".join([f"Target: balanced accuracy {target:.3f}.", "", *lines])
