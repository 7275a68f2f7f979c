"""The gate's rules: the candidate of which the greatest gain over the habit is expected, from scores on rows held back.

The habit is what the field does without a synthetic row: for images to transform the real ones, where a candidate does
so, else nothing. What is expected of a candidate is its gain on rows held back, weighed with what such candidates
gained elsewhere (``experience``); so is what is expected of leaving the habit for nothing. The error of a gain is that
of the difference *between the two*, over mixes and blocks of rows (``crossed_t_test``), not that of either's own score:
two candidates that err on the same rows are told apart by few of them.

Where the metric's best value is not known, so that gains elsewhere say nothing, the simplest mix within one standard
error of the best is taken (Breiman et al., "Classification and Regression Trees", 1984).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from synthaug.augment.gate.candidates import NOTHING, Candidates
from synthaug.augment.gate.experience import Situation, expected_gain, experience_with
from synthaug.augment.mix import REAL_ALONE, adds_synthetic
from synthaug.statistics import PairedTest, crossed_t_test
from synthaug.statistics.units import Unit

Scores = dict[str, np.ndarray]

_MOST_TIMES = 10  # beyond so many times the rows nobody can tell whether a gain stays the same


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
    n_times
        With how many times the rows, ten at most, a mix with synthetic rows would be chosen if every gain stayed the
        same; None where one is, or none would be.
    """

    chosen: str
    why: dict[str, str]
    doubt: str
    n_times: int | None


def best_of(scores: Scores, names: Collection[str]) -> str:
    """Return the name of the greatest mean score; an empty one of none."""
    return max(names, key=lambda name: float(scores[name].mean()), default="")


def usual_of(scores: Scores, candidates: Candidates) -> str:
    """Return the best of nothing and of what adds no synthetic row, by its score."""
    return best_of(scores, [NOTHING, *(name for name, mix in candidates.items() if not adds_synthetic(mix))])


def by_expectation(
    scores: Scores, candidates: Candidates, *, habit: str, situation: Situation, best_value: float, unit: Unit
) -> Found:
    """Return the mix of which the greatest gain over the habit is expected, or the habit where none is.

    Parameters
    ----------
    scores
        Each candidate's score, shared out over mixes and blocks of rows (n_mixes, n_blocks).
    candidates
        Mixes by name.
    habit
        The candidate that is taken in doubt.
    situation
        What is known of the task beforehand.
    best_value
        The best value that the metric can have.
    unit
        What gains are said in.
    """
    errors = best_value - float(scores[habit].mean())
    others = {name: mix for name, mix in {NOTHING: REAL_ALONE, **candidates}.items() if name != habit}
    before = {name: experience_with(mix, situation) for name, mix in others.items()}
    measured = {name: crossed_t_test(scores[name] - scores[habit]) for name in others}

    def expected(n_times: int) -> dict[str, float]:
        return {
            name: expected_gain(with_times_the_rows(test, n_times), before[name], errors)
            for name, test in measured.items()
        }

    def chosen_with(n_times: int) -> str:
        gains = expected(n_times)
        return max([NOTHING, *candidates], key=lambda name: gains.get(name, 0.0))  # of equals the simplest

    chosen = chosen_with(1)
    why = {name: f"expected to gain {unit.gain(gain)} over {habit}" for name, gain in expected(1).items()}
    why[habit] = "no gain is expected over it" if chosen == habit else f"a gain is expected of {chosen} over it"
    doubt = "which is too little beside its error and what such rows gain elsewhere"
    return Found(chosen, why, doubt, _times_until_synthetic(candidates, chosen_with))


def by_one_error(scores: Scores, candidates: Candidates) -> Found:
    """Return the simplest of the usual and the mixes of synthetic rows that are within one standard error of the best.

    The error is that of the difference between the two.
    """
    order = [usual_of(scores, candidates), *(name for name, mix in candidates.items() if adds_synthetic(mix))]
    best = best_of(scores, order)
    behind = {name: crossed_t_test(scores[best] - scores[name]) for name in order}

    def chosen_with(n_times: int) -> str:
        return next(name for name in order if _within_one_error(with_times_the_rows(behind[name], n_times)))

    chosen = chosen_with(1)
    why = {best: "the best, but not by one standard error over a simpler one"}
    why[chosen] = "the best" if chosen == best else f"the simplest within one standard error of the best ({best})"
    doubt = "which is within one standard error of nothing"
    return Found(chosen, why, doubt, _times_until_synthetic(candidates, chosen_with))


def with_times_the_rows(measured: PairedTest, n_times: int) -> PairedTest:
    """Return a gain as sure as it would be with so many times the rows: its error falls as one over their root."""
    return replace(measured, standard_error=measured.standard_error / n_times**0.5)


def _within_one_error(behind: PairedTest) -> bool:
    return behind.difference <= behind.standard_error


def _times_until_synthetic(candidates: Candidates, chosen_with: Callable[[int], str]) -> int | None:
    found = (n for n in range(1, _MOST_TIMES + 1) if adds_synthetic(candidates.get(chosen_with(n), REAL_ALONE)))
    first = next(found, 1)
    return first if first > 1 else None
