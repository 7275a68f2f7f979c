"""The gate's rules: which of the candidates is chosen, from their scores on rows held back.

By expectation, where the metric's best value is known; else by one standard error (Breiman et al., "Classification and
Regression Trees", 1984).
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from synthaug.augment.gate.candidates import NOTHING, Candidates
from synthaug.augment.gate.experience import (
    adds_synthetic,
    expected_gain,
    experience_with,
    habit_of,
    times_the_rows,
)
from synthaug.augment.mix import REAL_ALONE
from synthaug.statistics import PairedTest, crossed_t_test
from synthaug.statistics.units import Unit

Scores = dict[str, np.ndarray]


@dataclass(frozen=True)
class Found:
    """What a rule found.

    Attributes
    ----------
    chosen
        The candidate's name.
    why
        In words, of some candidates, why they are chosen or not.
    doubt
        In words, why a candidate that is ahead is not chosen.
    times_the_rows
        With how many times the rows a gain of the best candidate would count; infinity where it never does.
    """

    chosen: str
    why: dict[str, str]
    doubt: str
    times_the_rows: Callable[[PairedTest], float]


def best_of(scores: Scores, names: Collection[str]) -> str:
    """Return the name of the greatest mean score; an empty one of none."""
    return max(names, key=lambda name: float(scores[name].mean()), default="")


def usual_of(scores: Scores, candidates: Candidates) -> str:
    """Return the best of nothing and of what adds no synthetic row, by its score."""
    return best_of(scores, [NOTHING, *(name for name, mix in candidates.items() if not adds_synthetic(mix))])


def by_expectation(
    scores: Scores, candidates: Candidates, *, best_value: float, images: bool, rare: bool, unit: Unit
) -> Found:
    """Return the mix of which the greatest gain over the habit is expected, or the habit where none is.

    Parameters
    ----------
    scores
        Each candidate's score, shared out over mixes and blocks of rows (n_mixes, n_blocks).
    candidates
        Mixes by name.
    best_value
        The best value that the metric can have.
    images
        Whether the rows are images.
    rare
        Whether a class is rare.
    unit
        What gains are said in.
    """
    habit = habit_of(candidates, images=images)
    errors = best_value - float(scores[habit].mean())
    others = {name: mix for name, mix in {NOTHING: REAL_ALONE, **candidates}.items() if name != habit}
    before = {name: experience_with(mix, over_classic=habit != NOTHING, rare=rare) for name, mix in others.items()}
    expected = {
        name: expected_gain(crossed_t_test(scores[name] - scores[habit]), past, errors) for name, past in before.items()
    }
    chosen = max([NOTHING, *candidates], key=lambda name: expected.get(name, 0.0))  # of equals the simplest
    why = {name: f"expected to gain {unit.gain(gain)} over {habit}" for name, gain in expected.items()}
    why[habit] = "no gain is expected over it" if chosen == habit else f"a gain is expected of {chosen} over it"
    synthetic = [name for name, mix in candidates.items() if adds_synthetic(mix)]
    shown = best_of(scores, synthetic)
    return Found(
        chosen,
        why,
        "which is too little beside its error and what such rows gain elsewhere",
        lambda gain: times_the_rows(gain, before[shown], errors) if shown else math.inf,
    )


def by_one_error(scores: Scores, candidates: Candidates) -> Found:
    """Return the simplest of the usual and the mixes of synthetic rows that are within one standard error of the best.

    The error is that of the difference between the two.
    """
    order = [usual_of(scores, candidates), *(name for name, mix in candidates.items() if adds_synthetic(mix))]
    best = best_of(scores, order)
    chosen = next(name for name in order if _within_one_error(scores[best] - scores[name]))
    why = {best: "the best, but not by one standard error over a simpler one"}
    why[chosen] = "the best" if chosen == best else f"the simplest within one standard error of the best ({best})"
    return Found(chosen, why, "which is within one standard error of nothing", _times_for_one_error)


def _within_one_error(behind: np.ndarray) -> bool:
    test = crossed_t_test(behind)
    return test.difference <= test.standard_error


def _times_for_one_error(gain: PairedTest) -> float:
    return (gain.standard_error / gain.difference) ** 2 if gain.difference > 0 else math.inf
