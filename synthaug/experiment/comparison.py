"""What a study found: paired differences, a corrected test, a verdict in plain words."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug._check import check_choice
from synthaug.experiment.axis import unit_of
from synthaug.experiment.designs import compare_arms
from synthaug.experiment.results import SplitResult
from synthaug.statistics import PairedTest, detectable_gain, holm, verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ALPHA = 0.05


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
        Two-sided; adjusted by Holm where it stands in a summary.
    detectable
        The smallest gain that a study of this size would have seen four times in five.
    metric
        What was measured.
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

    def __str__(self) -> str:
        """Return the verdict as a sentence, in points (hundredths) or, for a loss, in its own unit."""
        unit = unit_of(self.metric)
        of = f" {unit.points}" if unit.points else ""
        interval = f"({unit.difference(self.low)} to {unit.difference(self.high)})"
        found = f"{unit.difference(self.difference)}{of} {interval}"
        if self.word != "no evidence":
            return f"{self.arm} {self.word}: {found} over {self.baseline}."
        return (
            f"{self.arm}: no evidence of a difference from {self.baseline}, {found}; "
            f"this study could have seen {unit.size(self.detectable)}{of}."
        )


@dataclass(frozen=True)
class Comparison:
    """The arms of a study side by side.

    Attributes
    ----------
    name
        The study's name.
    design
        ``draws`` (few labels drawn many times, common test rows) or ``folds`` (cross-validation).
    scoring
        The primary metric, named beforehand.
    baseline
        The arm that differences are taken from: the first.
    splits
        What each split gave.
    settings
        Everything to reproduce it.
    class_names
        The classes, in the order of the labels.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from synthaug import CGAN, SyntheticAugmenter, compare
    >>> from synthaug.experiment.designs import Folds
    >>> X, y = load_wine(return_X_y=True)
    >>> result = compare(X, y, arms=["none", "gan"], augmenter=SyntheticAugmenter(CGAN(n_steps=5, width=8)),
    ...     cv=Folds(2, 2), random_state=0)
    >>> list(result.summary().index)
    ['none', 'gan']
    >>> result.verdict("gan", "none").word in ("helps", "hurts", "no evidence")
    True
    """

    name: str
    design: str
    scoring: str
    baseline: str
    splits: tuple[SplitResult, ...]
    settings: dict[str, Any]
    class_names: tuple[str, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """Every score: a row for each arm, repeat, fold and metric, with its value."""
        rows = [
            (arm, split.repeat, split.fold, metric, value)
            for split in self.splits
            for arm, scores in split.scores.items()
            for metric, value in scores.items()
        ]
        return pd.DataFrame(rows, columns=["arm", "repeat", "fold", "metric", "value"])

    @property
    def skipped(self) -> dict[str, str]:
        """The arms that do not apply, each with the reason."""
        return {arm: why for split in self.splits for arm, why in split.skipped.items()}

    @property
    def arms(self) -> list[str]:
        """The arms that were run on every split, the baseline first."""
        return [arm for arm in self.splits[0].scores if all(arm in split.scores for split in self.splits)]

    def summary(self) -> pd.DataFrame:
        """Return a row for each arm: mean score, rows added, difference from the baseline with interval, and verdict.

        Columns: ``score``, ``n_added``, ``difference``, ``low``, ``high``, ``p_value``, ``p_adjusted`` (Holm over the
        arms), ``detectable`` (the smallest gain the study could have seen, power 0.8) and ``verdict``.
        """
        return self._summary.copy()

    @cached_property
    def _summary(self) -> pd.DataFrame:
        tests = {arm: self._test(arm, self.baseline) for arm in self.arms if arm != self.baseline}
        adjusted = dict(zip(tests, holm([test.p_value for test in tests.values()]), strict=True)) if tests else {}
        rows = {arm: self._row(arm, tests.get(arm), adjusted.get(arm)) for arm in self.arms}
        return pd.DataFrame.from_dict(rows, orient="index")

    def verdict(self, a: str, b: str) -> Verdict:
        """Return whether arm ``a`` is better than arm ``b``.

        Raises
        ------
        ConfigError
            If one of them was not run.
        """
        for arm in (a, b):
            check_choice("arm", arm, self.arms)
        if b == self.baseline and a != b:
            row = self._summary.loc[a].to_dict()
            p_value, word = float(row["p_adjusted"]), str(row["verdict"])
        else:
            p_value, word = self._test(a, b).p_value, verdict(self._test(a, b))
        test = self._test(a, b)
        return Verdict(a, b, word, test.difference, test.low, test.high, p_value, self._detectable(test), self.scoring)

    def sentence(self) -> str:
        """Return in plain words what the study found about each arm with synthetic rows, or about every arm."""
        chosen = [arm for arm in self.arms if "gan" in arm or arm == "gated"] or self.arms[1:]
        reference = self.reference
        return " ".join(str(self.verdict(arm, reference)) for arm in chosen if arm != reference)

    @property
    def reference(self) -> str:
        """The way without a synthetic row that scored best: what rows of a generator have to beat."""
        plain = [arm for arm in self.arms if "gan" not in arm and arm != "gated"] or [self.baseline]
        return str(self._summary.loc[plain, "score"].idxmax())

    def plot(self) -> "Figure":
        """Return a figure of the differences with their intervals."""
        from synthaug.experiment.figures import plot_differences

        return plot_differences(self)

    def to_html(self, path: str | Path, *, include_real_rows: bool = True) -> Path:
        """Write the report, one file, and return its path."""
        from synthaug.experiment.report import write_report

        return write_report(self, path, include_real_rows=include_real_rows)

    def _test(self, arm: str, baseline: str) -> PairedTest:
        return compare_arms(self.design, self.splits, arm, baseline, scoring=self.scoring)

    def _detectable(self, test: PairedTest) -> float:
        """Return the smallest gain that would have been seen beside the other arms (Bonferroni, which Holm never
        undercuts).
        """
        return detectable_gain(test, alpha=_ALPHA / max(1, len(self.arms) - 1))

    def _row(self, arm: str, test: PairedTest | None, p_adjusted: float | None) -> dict[str, Any]:
        score = float(np.mean([split.scores[arm][self.scoring] for split in self.splits]))
        n_added = float(np.mean([split.n_added[arm] for split in self.splits]))
        if test is None or p_adjusted is None:
            empty = dict.fromkeys(("difference", "low", "high", "p_value", "p_adjusted", "detectable"), np.nan)
            return {"score": score, "n_added": n_added, **empty, "verdict": "baseline"}
        return {
            "score": score,
            "n_added": n_added,
            "difference": test.difference,
            "low": test.low,
            "high": test.high,
            "p_value": test.p_value,
            "p_adjusted": p_adjusted,
            "detectable": self._detectable(test),
            "verdict": verdict(test, p_adjusted=p_adjusted),
        }
