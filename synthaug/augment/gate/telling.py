"""What the gate found, in a sentence or two."""

import math

from synthaug.augment.gate.candidates import NOTHING, Candidates
from synthaug.augment.gate.experience import adds_synthetic
from synthaug.augment.gate.rules import Found, Scores, best_of, usual_of
from synthaug.statistics import PairedTest, crossed_t_test
from synthaug.statistics.units import Unit

_MOST_TIMES = 10  # beyond so many times the rows nobody can tell whether a gain stays the same


def sentence_of(found: Found, scores: Scores, candidates: Candidates, unit: Unit) -> str:
    """Return what was chosen, what it gained, and what it would take for what was not."""
    if found.chosen == NOTHING:
        shown = best_of(scores, candidates)
        gain = crossed_t_test(scores[shown] - scores[NOTHING])
        doubt = found.doubt if gain.difference > 0 else "which is no gain"
        told = f"the best mix, {shown}, gained {_gain(gain, unit)} on rows held back from it, {doubt}."
        return f"Not augmented: {told}{_needed(gain, found)}"
    mix, gain = candidates[found.chosen], crossed_t_test(scores[found.chosen] - scores[NOTHING])
    head = "Augmented with" if mix.amount else "Not augmented, but trained with"
    doubt = "" if gain.difference > 0 else f", too unsure to go against what {found.chosen} gains elsewhere"
    told = f"it gained {_gain(gain, unit)} over adding nothing, on rows held back from it{doubt}."
    more = _over_the_usual if adds_synthetic(mix) else _without
    return f"{head} {found.chosen}: {told}{more(found, scores, candidates, unit)}"


def _over_the_usual(found: Found, scores: Scores, candidates: Candidates, unit: Unit) -> str:
    """Return what synthetic rows gained over real ones again, where these are ahead of nothing."""
    usual = usual_of(scores, candidates)
    if usual == NOTHING:
        return ""
    more = crossed_t_test(scores[found.chosen] - scores[usual])
    return f" Over {usual}, without a synthetic row, it gained {_gain(more, unit)}."


def _without(found: Found, scores: Scores, candidates: Candidates, unit: Unit) -> str:
    """Return why none of the added rows is synthetic."""
    shown = best_of(scores, [name for name, mix in candidates.items() if adds_synthetic(mix)])
    if not shown:
        return " No synthetic row is used."
    more = crossed_t_test(scores[shown] - scores[found.chosen])
    told = f" No synthetic row is used: over this the best mix with some, {shown}, gained"
    return f"{told} {_gain(more, unit)}.{_needed(more, found)}"


def _gain(gain: PairedTest, unit: Unit) -> str:
    return f"{unit.gain(gain.difference)} ({unit.difference(gain.low)} to {unit.difference(gain.high)})"


def _needed(gain: PairedTest, found: Found) -> str:
    """Return with how many times the rows such a gain would count, where that can be told; else nothing.

    The standard error falls as one over the square root of the rows.
    """
    if gain.difference <= 0:
        return ""
    times = found.times_the_rows(gain)
    if times <= 1:  # such a gain counts already, and another way is ahead
        return ""
    if times > _MOST_TIMES:
        return " To tell so small a gain from luck would take more than ten times as many rows."
    return f" With about {max(2, math.ceil(times))} times as many rows such a gain would count, if it stayed the same."
