"""Measuring a learning curve: the same splits with more labelled rows, or with fewer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive, numpy_stream
from synthaug.augment.arms import ARMS, Arm, NotApplicable
from synthaug.data.split import Split
from synthaug.errors import ConfigError
from synthaug.experiment.results import CurvePoint, is_learned
from synthaug.experiment.run_split import blocks_of, quiet_about_few_rows, score_classifier
from synthaug.experiment.work import Work, new_task


def read_factors(factors: Any, work: Work, splits: Sequence[Split]) -> tuple[float, ...]:
    """Return the multiples of labels to try, rising, those that the rows held back allow; none for None.

    Raises
    ------
    ConfigError
        If one is no number above 1, or labels were to be held back and there are too few for any of them.
    """
    if factors is None:
        return ()
    if not work.common_test_rows and not any(map(is_learned, work.arms)) and not any(map(_is_own, work.arms.values())):
        raise ConfigError(
            "label_equivalence tells the worth of arms with learned rows, where no labels are held back; got "
            f"{list(work.arms)}. Add 'gan' or 'gated', or take Draws."
        )
    asked = tuple(factors) if np.iterable(factors) else ()
    if not asked or not all(_is_factor(factor) for factor in asked):
        raise ConfigError(
            f"label_equivalence must be multiples of the labelled rows, each above 1; got {factors!r}. "
            "Write (1.25, 1.5, 2.0, 3.0)."
        )
    asked = tuple(sorted(set(map(float, asked))))
    most = _most(work, splits[0]) if work.common_test_rows else math.inf
    there = tuple(factor for factor in asked if factor <= most)
    if not there:
        raise ConfigError(
            f"label_equivalence needs labels held back; got {list(asked)}, and the rows left beside the test rows "
            f"allow {most:.3g} times as many. Draw fewer rows, or hold out fewer."
        )
    return there


def fractions_to_measure(
    factors: Sequence[float], work: Work, reference: str, others: Sequence[str]
) -> dict[float, tuple[str, ...]]:
    """Return which arms are to be measured at which multiple of the training rows.

    Where labels are held back the reference learns from more rows. In a cross-validation there are none, so labels are
    held back on purpose: the others learn from the fewest rows, the reference from every number up to all.
    """
    if work.common_test_rows:
        return dict.fromkeys(factors, (reference,))
    fewest = 1 / max(factors)
    between = {factor * fewest: (reference,) for factor in factors if factor < max(factors)}
    return {fewest: (reference, *others), **between}


def measure_curve(
    work: Work, index: int, split: Split, asked: Mapping[float, Sequence[str]]
) -> tuple[int, tuple[CurvePoint, ...]]:
    """Return the split's number and what the arms asked for score on its test rows with other numbers of rows."""
    blocks, points = blocks_of(work, split), []
    with quiet_about_few_rows():
        for fraction, arms in asked.items():
            train = resized(work, split, fraction, seed=derive(work.seed, "split", index))
            task = new_task(work, train, derive(work.seed, "curve", index, round(1e6 * fraction)))
            for name in arms:
                try:
                    trained = work.arms[name](task)
                except NotApplicable:
                    continue
                found = score_classifier(work, split, trained.classifier, blocks)
                points.append(CurvePoint(name, fraction, len(train), found.values[work.primary], found.blocks))
    return index, tuple(points)


def resized(work: Work, split: Split, fraction: float, *, seed: int) -> np.ndarray:
    """Return the row numbers of a multiple of a split's training rows, class by class.

    Fewer rows are some of the split's; more rows are all of them and others that no test row's group is among. Rows of
    a smaller multiple are among those of a larger one.
    """
    y, stream = np.asarray(work.y), numpy_stream(seed, "more or fewer rows")
    held_back = _held_back(work, split)
    chosen = []
    for label in np.unique(y[split.train]):
        mine, others = (stream.permutation(rows[y[rows] == label]) for rows in (split.train, held_back))
        wanted = max(min(FEWEST_ROWS, len(mine)), round(fraction * len(mine)))
        chosen.append(np.concatenate([mine, others])[:wanted])
    return np.sort(np.concatenate(chosen))


def _held_back(work: Work, split: Split) -> np.ndarray:
    """Return the numbers of rows that are neither trained nor tested on, nor share a group with a test row."""
    taken = np.concatenate([split.train, split.test])
    rows = np.setdiff1d(np.arange(len(work.y)), taken)
    if work.groups is None:
        return rows
    return rows[~np.isin(work.groups[rows], work.groups[split.test])]


def _most(work: Work, split: Split) -> float:
    """Return the largest multiple of the training rows of every class that can be had."""
    y, held_back = np.asarray(work.y), _held_back(work, split)
    labels, counts = np.unique(y[split.train], return_counts=True)
    return min(1 + float((y[held_back] == label).sum() / n) for label, n in zip(labels, counts, strict=True))


def _is_own(arm: Arm) -> bool:
    return arm not in ARMS.values()


def _is_factor(value: Any) -> bool:
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return bool(is_number and math.isfinite(value) and value > 1)
