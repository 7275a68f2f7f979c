"""What the gate found, in a sentence or two."""

from synthaug.augment.gate.candidates import NOTHING, Candidates
from synthaug.augment.gate.rules import Found, Scores, best_of, usual_of
from synthaug.augment.mix import REAL_ALONE, Mix, adds_synthetic
from synthaug.augment.plan import Counts
from synthaug.statistics import PairedTest, crossed_t_test
from synthaug.statistics.units import Unit


def sentence_of(found: Found, scores: Scores, candidates: Candidates, unit: Unit, counts: Counts) -> str:
    """Return what was chosen, what it gained, and what it would take for what was not."""
    needed = _needed(found, scores, candidates, counts)
    if found.chosen == NOTHING:
        shown = best_of(scores, candidates)
        gain = crossed_t_test(scores[shown] - scores[NOTHING])
        doubt = found.doubt if gain.difference > 0 else "which is no gain"
        told = f"the best mix, {shown}, gained {_gain(gain, unit)} on rows held back from it, {doubt}."
        return f"Not augmented: {told}{needed}"
    mix, gain = candidates[found.chosen], crossed_t_test(scores[found.chosen] - scores[NOTHING])
    head = "Augmented with" if mix.amount else "Not augmented, but trained with"
    doubt = "" if gain.difference > 0 else f", too unsure to go against what {found.chosen} gains elsewhere"
    told = f"it gained {_gain(gain, unit)} over adding nothing, on rows held back from it{doubt}."
    more = _over_the_usual if adds_synthetic(mix) else _without
    return f"{head} {found.chosen}: {told}{more(found, scores, candidates, unit)}{needed}"


def sentence_without_gate(mix: Mix, n_added: int) -> str:
    """Return what was done where the gate was off."""
    what = "" if adds_synthetic(mix) else "transformed real " if mix.classic else "repeated real "
    done = f"Augmented with {n_added} {what}rows" if n_added else "Trained on the real rows alone"
    weighed = ", every class weighing the same" if mix.class_weight else ""
    return f"{done}{weighed}: the gate was off, so nobody checked whether {'they help' if n_added else 'that helps'}."


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
    return f" No synthetic row is used: over this the best mix with some, {shown}, gained {_gain(more, unit)}."


def _gain(gain: PairedTest, unit: Unit) -> str:
    return f"{unit.gain(gain.difference)} ({unit.difference(gain.low)} to {unit.difference(gain.high)})"


def _needed(found: Found, scores: Scores, candidates: Candidates, counts: Counts) -> str:
    """Return with how many rows synthetic ones would be added, where none are and that can be told; else nothing."""
    if adds_synthetic(candidates.get(found.chosen, REAL_ALONE)):
        return ""
    if found.n_times is not None:
        rows = _rows_a_class(counts, found.n_times)
        told = f"With about {found.n_times} times as many rows, {rows}, synthetic ones would be used"
        return f" {told}, if every gain stayed the same."
    if adds_synthetic(candidates.get(best_of(scores, [NOTHING, *candidates]), REAL_ALONE)):
        return " To tell so small a gain from luck would take more than ten times as many rows."
    return ""


def _rows_a_class(counts: Counts, n_times: int) -> str:
    fewest, most = (n_times * extreme(counts.values()) for extreme in (min, max))
    return f"{most:,} a class" if fewest == most else f"{fewest:,} to {most:,} a class"
