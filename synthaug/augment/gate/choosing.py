"""``choose``: what the gate found, as a table, a sentence and the mix that was chosen (``rules`` says how)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from synthaug._card import CardTable, card
from synthaug.augment.gate.candidates import NOTHING, Candidates
from synthaug.augment.gate.experience import Situation, best_value, fills_up, habit_of, has_rare_class
from synthaug.augment.gate.rules import by_expectation, by_one_error
from synthaug.augment.gate.telling import sentence_of
from synthaug.augment.gate.trying import Tried
from synthaug.augment.mix import REAL_ALONE, Mix, adds_synthetic
from synthaug.augment.plan import Counts
from synthaug.statistics import crossed_t_test
from synthaug.statistics.units import Unit, unit_of


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
        ``chosen``, ``why``, and whether it adds ``synthetic`` rows.
    sentence
        The same in words.
    sources
        The inner learners, which the synthetic rows are drawn from; none where no candidate adds any.
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


def choose(
    tried: Tried, candidates: Candidates, *, counts: Counts, metric: str = "", images: bool = False, trees: bool = False
) -> Decision:
    """Return the decision for scores shared out over mixes and blocks.

    Parameters
    ----------
    tried
        The candidates' scores, and the inner learners.
    candidates
        Mixes by name, the simplest first.
    counts
        Training rows of each class.
    metric
        What the scores are of.
    images
        Whether the rows are images.
    trees
        Whether the classifier grows trees.
    """
    scores, unit, best = tried.scores, unit_of(metric), best_value(metric)
    habit = habit_of(candidates, images=images)
    situation = Situation(habit != NOTHING, has_rare_class(counts), trees, fills_up(counts, metric))
    found = (
        by_one_error(scores, candidates)
        if best is None
        else by_expectation(scores, candidates, habit=habit, situation=situation, best_value=best, unit=unit)
    )
    gains = {name: crossed_t_test(scores[name] - scores[NOTHING]) for name in (NOTHING, *candidates)}
    rows = [
        {
            "candidate": name,
            "score": float(scores[name].mean()),
            "gain": gain.difference,
            "low": gain.low,
            "high": gain.high,
            "chosen": name == found.chosen,
            "why": found.why.get(name, ""),
            "synthetic": adds_synthetic(candidates.get(name, REAL_ALONE)),
        }
        for name, gain in gains.items()
    ]
    mix = candidates.get(found.chosen, REAL_ALONE)
    sentence = sentence_of(found, scores, candidates, unit, counts)
    return Decision(found.chosen, mix, pd.DataFrame(rows), sentence, tried.sources, metric)


def refuse(why: str) -> Decision:
    """Return the decision to add nothing because nothing could be tried."""
    row = {"candidate": NOTHING, "score": np.nan, "gain": 0.0, "low": 0.0, "high": 0.0, "chosen": True, "why": why}
    row["synthetic"] = False
    sentence = f"Not augmented: {why}, so nothing could be tried."
    return Decision(NOTHING, REAL_ALONE, pd.DataFrame([row]), sentence, ())
