"""The figures of the quality table: per class, beside their floors, then the mean over classes and the worst class.

Everything is measured with the eyes of an oracle: a classifier trained on rows that the learner never saw. Where the
oracle gives fewer than 80 % of held-out real rows their label, the figures that need it are NaN, and copies are
told in pixels alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from convnet import ConvNet, answers, features
from scipy.stats import mannwhitneyu
from tasks import Labelled, Problem
from torch import Tensor

from synthaug.quality.copying import is_copy, nearest_distances
from synthaug.quality.distances import density_coverage, diversity_ratio

K = 5
WEAKEST_ORACLE = 0.8
_NAN = float("nan")


@dataclass(frozen=True)
class Eyes:
    """What looks at rows.

    Attributes
    ----------
    problem
        Training rows and judging rows.
    oracle
        The classifier.
    embed
        Rows to its features, standardised over the judging rows.
    held_agreement
        The share of judging rows that get their label from the oracle.
    flip
        Whether a mirrored copy is a copy.
    even
        Places of judging rows, equally many of each class.
    held_nearest
        Distances of the judging rows to their nearest training row, in pixels and in features, shape (2, n).
    """

    problem: Problem
    oracle: ConvNet
    embed: Callable[[Tensor], Tensor]
    held_agreement: float
    flip: bool
    even: Tensor
    held_nearest: Tensor


def open_eyes(problem: Problem, oracle: ConvNet, *, flip: bool) -> Eyes:
    """Return what looks at the rows of a problem."""
    judging = torch.cat([problem.reference[0], problem.second[0]])
    labels = torch.cat([problem.reference[1], problem.second[1]])
    raw = features(oracle, judging)
    centre, scale = raw.mean(0), raw.std(0) + 1e-3

    def embed(x: Tensor) -> Tensor:
        return (features(oracle, x) - centre) / scale

    agreement = float((answers(oracle, judging) == labels).double().mean())
    nearest = _nearest(judging, problem, embed, flip)
    return Eyes(problem, oracle, embed, agreement, flip, _even(labels), nearest)


def judge(eyes: Eyes, synthetic: Labelled, unselected: Labelled | None = None) -> dict[str, float]:
    """Return the figures of synthetic rows; those of ``unselected`` rows give the agreement before selection.

    Each figure stands as ``name`` (mean over classes) and ``name_worst``.
    """
    x, y = synthetic
    rows: dict[str, list[float]] = {}
    sets = synthetic, eyes.problem.reference, eyes.problem.second
    drawn, reference, second = (eyes.embed(part[0]) for part in sets)
    for label in y.unique().tolist():
        real, other = (part[labels == label] for part, labels in _with_labels(reference, second, eyes.problem))
        mine = drawn[y == label][: len(real)]
        for name, value in _class_figures(real, other, mine, eyes.held_agreement).items():
            rows.setdefault(name, []).append(value)
    weak = eyes.held_agreement < WEAKEST_ORACLE
    found = {name: _NAN if weak else float(np.nanmean(values)) for name, values in rows.items()}
    found |= {f"{name}_worst": _NAN if weak else _worst(name, values) for name, values in rows.items()}
    found |= _agreements(eyes, synthetic, "agreement", weak)
    found |= _agreements(eyes, unselected or synthetic, "agreement_before", weak)
    return found | _copies(eyes, x)


def _with_labels(reference: Tensor, second: Tensor, problem: Problem) -> list[tuple[Tensor, Tensor]]:
    return [(reference, problem.reference[1]), (second, problem.second[1])]


def _class_figures(real: Tensor, other: Tensor, drawn: Tensor, agreement: float) -> dict[str, float]:
    if min(len(real), len(drawn)) <= K:
        return {"diversity": _NAN, "density": _NAN, "coverage": _NAN}
    density, coverage = density_coverage(real, drawn, k=K)
    floor_density, floor_coverage = density_coverage(real, other, k=K)
    return {
        "diversity": diversity_ratio(real, drawn),
        "density": density / floor_density,
        "coverage": coverage / floor_coverage,
    }


def _worst(name: str, values: list[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return _NAN
    return max(finite, key=lambda value: abs(value - 1)) if name == "diversity" else min(finite)


def _agreements(eyes: Eyes, rows: Labelled, name: str, weak: bool) -> dict[str, float]:
    x, y = rows
    right = (answers(eyes.oracle, x) == y).double()
    real_x = torch.cat([eyes.problem.reference[0], eyes.problem.second[0]])
    real_y = torch.cat([eyes.problem.reference[1], eyes.problem.second[1]])
    real = (answers(eyes.oracle, real_x) == real_y).double()
    ratios = [float(right[y == label].mean() / real[real_y == label].mean()) for label in y.unique().tolist()]
    return {name: _NAN if weak else float(np.mean(ratios)), f"{name}_worst": _NAN if weak else min(ratios)}


def _copies(eyes: Eyes, x: Tensor) -> dict[str, float]:
    """Return the share of copies, and how often a synthetic row lies nearer than a held-out one (0.5: alike).

    Where the oracle is too weak, copies are told in pixels alone.
    """
    weak = eyes.held_agreement < WEAKEST_ORACLE
    nearest = _nearest(x, eyes.problem, eyes.embed, eyes.flip)
    held = eyes.held_nearest[:, eyes.even]
    views = slice(0, 1) if weak else slice(None)
    pixels, by_features = (
        float(mannwhitneyu(theirs, mine).statistic) / (theirs.size * mine.size)
        for mine, theirs in zip(nearest.numpy(), held.numpy(), strict=True)
    )
    return {
        "copies": float(is_copy(nearest[views], held[views]).double().mean()),
        "nearer_pixels": pixels,
        "nearer_features": _NAN if weak else by_features,
    }


def _even(labels: Tensor) -> Tensor:
    """Return places of equally many rows of each class: held-out rows stand for drawn ones, whose classes are even."""
    most = int(torch.bincount(labels).max())
    places = [torch.nonzero(labels == label)[:, 0] for label in labels.unique().tolist()]
    return torch.cat([each.repeat(-(-most // len(each)))[:most] for each in places])


def _nearest(x: Tensor, problem: Problem, embed: Callable[[Tensor], Tensor], flip: bool) -> Tensor:
    """Return distances to the nearest training row, the least over shifts by a pixel and, if it counts, the mirror."""
    train = problem.train[0]
    return nearest_distances(x, torch.cat([train, train.flip(3)]) if flip else train, embed=embed)
