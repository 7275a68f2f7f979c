"""Whether one arm is better than another, in a word, in figures and in a sentence."""

from dataclasses import dataclass

from synthaug._card import card
from synthaug.statistics.units import unit_of


@dataclass(frozen=True)
class Verdict:
    """Whether one arm is better than another.

    Attributes
    ----------
    arm, baseline
        The two arms.
    word
        ``helps``, ``hurts`` or ``no evidence``.
    difference, low, high
        The arm's score less the baseline's, and its 95 % interval, in the metric's unit.
    p_value
        Two-sided; adjusted by Holm over the arms that the study asks about beside one of the two, else as it is.
    detectable
        The smallest gain that a study of this size would have seen four times in five.
    metric
        What was measured.
    same
        Whether the two gave the same answers to every test row: then one did what the other did.
    """

    arm: str
    baseline: str
    word: str
    difference: float
    low: float
    high: float
    p_value: float
    detectable: float
    metric: str = "accuracy"
    same: bool = False

    @property
    def tied(self) -> bool:
        """Whether the two scored the same on every split, so that nothing can be said of smaller or larger gains."""
        return self.low == self.high

    def _repr_html_(self) -> str:
        tone = {"helps": "helps", "hurts": "hurts"}.get(self.word, "flat")
        return card([(tone, str(self))])

    def __str__(self) -> str:
        """Return the verdict as a sentence, in points (hundredths) or, for a loss, in its own unit."""
        if self.same:
            return f"{self.arm} is the same as {self.baseline}: it gave the same answers on every split."
        if self.tied:
            return f"{self.arm} scored as {self.baseline} did on every split: no evidence of a difference."
        unit = unit_of(self.metric)
        of = f" {unit.points}" if unit.points else ""
        interval = f"({unit.difference(self.low)} to {unit.difference(self.high)})"
        found = f"{unit.difference(self.difference)}{of} {interval}"
        if self.word != "no evidence":
            return f"{self.arm} {self.word}: {found} over {self.baseline}."
        seen = f"this study could have seen {unit.size(self.detectable)}{of}"
        if unit.points and self.detectable > 1:
            seen = "this study has too few rows or splits to see any gain that there can be"
        return f"{self.arm}: no evidence of a difference from {self.baseline}, {found}{self._corrected}; {seen}."

    @property
    def _corrected(self) -> str:
        """Words for an interval without 0 that is no evidence: one arm of several is ahead by chance more often."""
        return f", p {self.p_value:.2f} after Holm's correction" if self.low > 0 or self.high < 0 else ""
