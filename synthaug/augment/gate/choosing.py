"""The gate's rule: of all candidates within one standard error of the best, the simplest (Breiman et al.,
"Classification and Regression Trees", 1984).

Simplest is what training would be without synthetic rows: nothing, or real rows again, as they are or transformed,
where these are ahead of nothing at all, for they are the field's habit and invent nothing. All else must be ahead by a
standard error, which is that of the difference *between the two*, over mixes and blocks of rows (``crossed_t_test``),
not that of either's own score: two candidates that err on the same rows are told apart by few of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from synthaug._card import CardTable, card
from synthaug.augment.gate.candidates import NOTHING, Candidates
from synthaug.augment.gate.trying import Tried
from synthaug.augment.mix import Mix
from synthaug.statistics import PairedTest, crossed_t_test
from synthaug.statistics.units import Unit, unit_of

_MOST_TIMES = 10  # beyond so many times the rows nobody can tell whether a gain stays the same


@dataclass(frozen=True)
class Decision:
    """What the gate found.

    Attributes
    ----------
    chosen
        The candidate's name; ``nothing`` for no added row.
    mix
        Its mix.
    table
        A row a candidate: ``candidate``, its ``score``, its ``gain`` over nothing with ``low`` and ``high`` (95 %),
        ``chosen``, ``why``.
    sentence
        The same in words.
    sources
        The inner learners, which the synthetic rows are drawn from.
    metric
        What the scores are of, by name.
    """

    chosen: str
    mix: Mix
    table: pd.DataFrame
    sentence: str
    sources: tuple
    metric: str = ""

    def _repr_html_(self) -> str:
        tone = "flat" if self.chosen == NOTHING else "helps"
        return card([(tone, self.sentence)], _card_table(self.table, unit_of(self.metric)))


def _card_table(table: pd.DataFrame, unit: Unit) -> CardTable:
    """Return the candidates with their scores and gains, in points or the metric's own unit, the chosen one in bold."""
    rows = [
        [
            str(row["candidate"]),
            unit.value(row["score"]),
            unit.difference(row["gain"]),
            f"{unit.difference(row['low'])} to {unit.difference(row['high'])}",
            str(row["why"]),
        ]
        for row in table.to_dict("records")
    ]
    bold = frozenset(place for place, chosen in enumerate(table["chosen"]) if chosen)
    gain = f"gain, {unit.points}" if unit.points else "gain"
    return CardTable(["candidate", "score", gain, "95 % interval", "why"], rows, bold)


def choose(tried: Tried, candidates: Candidates, *, metric: str = "") -> Decision:
    """Return the decision for scores shared out over mixes and blocks; ``metric`` names their unit."""
    scores = tried.scores
    usual = max([NOTHING, *filter(lambda name: _is_usual(candidates[name]), candidates)], key=_mean_of(scores))
    order = [usual, *(name for name, mix in candidates.items() if not _is_usual(mix))]
    best = max(order, key=_mean_of(scores))
    chosen = next(name for name in order if _within_one_error(scores[best] - scores[name]))
    gains = {name: crossed_t_test(scores[name] - scores[NOTHING]) for name in (NOTHING, *candidates)}
    rows = [
        {
            "candidate": name,
            "score": float(scores[name].mean()),
            "gain": gain.difference,
            "low": gain.low,
            "high": gain.high,
            "chosen": name == chosen,
            "why": _why(name, chosen=chosen, best=best),
        }
        for name, gain in gains.items()
    ]
    sentence = _sentence(scores, candidates, chosen=chosen, best=best, metric=metric)
    mix = candidates.get(chosen, Mix(amount=0.0))
    return Decision(chosen, mix, pd.DataFrame(rows), sentence, tried.sources, metric)


def refuse(why: str) -> Decision:
    """Return the decision to add nothing because nothing could be tried."""
    row = {"candidate": NOTHING, "score": np.nan, "gain": 0.0, "low": 0.0, "high": 0.0, "chosen": True, "why": why}
    sentence = f"Not augmented: {why}, so nothing could be tried."
    return Decision(NOTHING, Mix(amount=0.0), pd.DataFrame([row]), sentence, ())


def _is_usual(mix: Mix) -> bool:
    return not mix.synthetic_fraction


def _mean_of(scores: dict[str, np.ndarray]) -> Callable[[str], float]:
    return lambda name: float(scores[name].mean())


def _within_one_error(behind: np.ndarray) -> bool:
    test = crossed_t_test(behind)
    return test.difference <= test.standard_error


def _why(name: str, *, chosen: str, best: str) -> str:
    if name == chosen:
        return "the best" if name == best else f"the simplest within one standard error of the best ({best})"
    return "the best, but not by one standard error over a simpler one" if name == best else ""


def _sentence(scores: dict[str, np.ndarray], candidates: Candidates, *, chosen: str, best: str, metric: str) -> str:
    if chosen == NOTHING:
        shown = best if best != NOTHING else max(candidates, key=_mean_of(scores))
        gain = crossed_t_test(scores[shown] - scores[NOTHING])
        doubt = "which is within one standard error of nothing" if gain.difference > 0 else "which is no gain"
        found = f"the best mix, {shown}, gained {_gain(gain, metric)} on rows held back from it, {doubt}."
        return f"Not augmented: {found}{_needed(gain)}"
    gain = crossed_t_test(scores[chosen] - scores[NOTHING])
    words = f"Augmented with {chosen}: it gained {_gain(gain, metric)} over adding nothing, on rows held back from it."
    return words + ("" if candidates[chosen].synthetic_fraction else _without(scores, candidates, chosen, metric))


def _without(scores: dict[str, np.ndarray], candidates: Candidates, chosen: str, metric: str) -> str:
    """Return in words why none of the added rows is synthetic."""
    synthetic = [name for name, mix in candidates.items() if mix.amount and mix.synthetic_fraction]
    if not synthetic:
        return " None of the added rows is synthetic."
    shown = max(synthetic, key=_mean_of(scores))
    more = crossed_t_test(scores[shown] - scores[chosen])
    found = f" None of the added rows is synthetic: over these the best mix with some, {shown}, gained"
    return f"{found} {_gain(more, metric)}.{_needed(more)}"


def _gain(gain: PairedTest, metric: str) -> str:
    unit = unit_of(metric)
    of = f" {unit.points}" if unit.points else ""
    return f"{unit.difference(gain.difference)}{of} ({unit.difference(gain.low)} to {unit.difference(gain.high)})"


def _needed(gain: PairedTest) -> str:
    """Return with how many times the rows such a gain would count, where that can be told; else nothing.

    The standard error falls as one over the square root of the rows.
    """
    if gain.difference <= 0:
        return ""
    times = (gain.standard_error / gain.difference) ** 2
    if times > _MOST_TIMES:
        return " To tell so small a gain from luck would take more than ten times as many rows."
    return f" With about {max(2, math.ceil(times))} times as many rows such a gain would count, if it stayed the same."
