"""What a study found: paired differences, a corrected test, a verdict in plain words."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthaug._check import check_choice
from synthaug.experiment.designs import compare_arms
from synthaug.experiment.results import SplitResult
from synthaug.experiment.verdict import Verdict
from synthaug.statistics import (
    DEFAULT_ROPE,
    PairedTest,
    Practical,
    detectable_gain,
    holm,
    practical_equivalence,
    verdict,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ALPHA = 0.05


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

    @property
    def learned_arms(self) -> list[str]:
        """The arms that train on rows of a learned generator, or may: by what they did; by their names where that was
        not noted.
        """
        learned = {arm for split in self.splits for arm in split.learned_arms}
        return [arm for arm in self.arms if arm in learned]

    def summary(self) -> pd.DataFrame:
        """Return a row for each arm: mean score, rows added, difference from the baseline with interval, and verdict.

        Columns: ``score``, ``n_added``, ``difference``, ``low``, ``high``, ``p_value``, ``p_adjusted`` (Holm over the
        arms), ``p_gain`` (the probability that the difference is above ``rope``), ``detectable`` (the smallest gain the
        study could have seen, power 0.8) and ``verdict``.
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

        The p value is adjusted by Holm over the arms that the study asks about beside one of the two: all beside the
        baseline, those with learned rows beside the best way without; for other pairs it is not adjusted.

        Raises
        ------
        ConfigError
            If one of them was not run.
        """
        for arm in (a, b):
            check_choice("arm", arm, self.arms)
        test, same = self._test(a, b), a != b and self._same(a, b)
        asked = next((asked for arm, asked in ((a, self._p_adjusted(b)), (b, self._p_adjusted(a))) if arm in asked), {})
        p_value = asked.get(a, asked.get(b, test.p_value))
        word = verdict(test, p_adjusted=p_value)
        found = (test.difference, test.low, test.high, p_value, _detectable(test, n_asked=len(asked)))
        return Verdict(a, b, word, *found, self.scoring, same)

    def _p_adjusted(self, beside: str) -> dict[str, float]:
        """Return Holm's p of each arm that the study asks about beside this one."""
        if beside == self.baseline:
            return dict(self._summary["p_adjusted"].dropna())
        return self._p_beside_reference if beside == self.reference else {}

    @cached_property
    def _p_beside_reference(self) -> dict[str, float]:
        asked = self.learned_arms
        return dict(zip(asked, holm([self._test(arm, self.reference).p_value for arm in asked]), strict=True))

    @property
    def rope(self) -> float:
        """Differences up to this count as none, in the metric's unit: half the region of practical equivalence."""
        return float(self.settings.get("rope", DEFAULT_ROPE))

    def practical(self, a: str, b: str, *, rope: float | None = None) -> Practical:
        """Return how probable it is that arm ``a`` is better than ``b`` by more than ``rope``, as good, or worse.

        Parameters
        ----------
        a, b
            The two arms.
        rope
            Differences up to this count as none; the study's if None.

        Raises
        ------
        ConfigError
            If one of the arms was not run, or ``rope`` is negative.
        """
        for arm in (a, b):
            check_choice("arm", arm, self.arms)
        return practical_equivalence(self._test(a, b), rope=self.rope if rope is None else rope)

    def intervals(self, *, over: str | None = None) -> pd.DataFrame:
        """Return every arm's score in every metric, or its difference from the arm ``over``, with intervals that come
        of resampling whole groups of test rows (patients), and the draws where the training rows were drawn.

        Columns: ``arm``, ``metric``, ``value``, ``low``, ``high`` (95 %, percentiles). Empty where ``bootstrap`` was
        not asked for. Of folds they speak of the classifiers as they were trained; the verdict counts training too.

        Raises
        ------
        ConfigError
            If the arm ``over`` was not run.
        """
        from synthaug.experiment.intervals import interval_table

        return interval_table(self, over=over)

    def recalls(self) -> pd.DataFrame:
        """Return each arm's recall of each class, mean over the splits with test rows of the class.

        Columns: ``arm``, ``class``, ``recall`` and ``difference`` from the baseline. Empty for studies of before
        recalls were kept.
        """
        from synthaug.experiment.recalls import recall_table

        return recall_table(self.splits, self.arms, self.baseline, self.class_names)

    @property
    def learning_curve(self) -> pd.DataFrame:
        """Scores against the number of labelled rows: columns arm, rows_fraction, n_rows, split, value.

        Every arm at fraction 1; the best way without a generator's rows at all fractions that were asked for by
        ``compare(..., label_equivalence=...)``; with cross-validation the other arms at the smallest fraction too.
        Empty where label-equivalence was not asked for.
        """
        from synthaug.experiment.label_equivalence import curve_table

        return curve_table(self)

    def label_equivalence(self) -> pd.DataFrame:
        """Return how many real labels each arm is worth beside the best way without a generator's rows.

        A row an arm, with columns ``word`` (worth, more than, less than none, cannot tell), ``rows``, ``low``, ``high``
        (extra real labels; NaN for what lies outside of the learning curve), ``base_rows`` (how many labelled rows
        the arm had) and ``text``, such as "worth 12 real labels (3 to 20)". Empty where it was not asked for, or the
        multiples came to one number of rows.
        """
        from synthaug.experiment.label_equivalence import worth_table

        return worth_table(self)

    def sentence(self) -> str:
        """Return in plain words what the study found about each arm with synthetic rows, beside the best way without,
        or, where there is none, about every arm beside the baseline.
        """
        chosen = self.learned_arms or self.arms[1:]
        other = self.reference if self.learned_arms else self.baseline
        return " ".join(str(self.verdict(arm, other)) for arm in chosen if arm != other)

    @property
    def reference(self) -> str:
        """The way without a synthetic row that scored best: what rows of a generator have to beat."""
        plain = [arm for arm in self.arms if arm not in self.learned_arms] or [self.baseline]
        return str(self._summary.loc[plain, "score"].idxmax())

    def plot(self) -> "Figure":
        """Return the report's charts as one figure: differences, scores, worth in labels, recalls."""
        from synthaug.experiment.study_figure import plot_study

        return plot_study(self)

    def _repr_html_(self) -> str:
        from synthaug.experiment.report_card import study_card

        return study_card(self)

    def to_html(self, path: str | Path, *, include_real_rows: bool = False) -> Path:
        """Write the report, one file, and return its path."""
        from synthaug.experiment.report import write_report

        return write_report(self, path, include_real_rows=include_real_rows)

    def to_mlflow(self, *, uri: str | None = None, experiment: str = "synthaug") -> str:
        """Log the finished study into MLflow and return its run: arms, learners, verdicts, tables, figure and report.

        It goes into the caller's active run, which stays open, or into a run of its own (see `track_study`). Nothing of
        the study is lost where the server is away: call it again. ``synthaug run`` logs while a study runs, learners as
        models among it.

        Parameters
        ----------
        uri
            Where MLflow keeps runs: ``sqlite:///runs/mlflow.db``, a server's address, ... By default where the caller
            does.
        experiment
            MLflow's experiment; made where it is missing. A caller's run keeps its own.

        Returns
        -------
        The run's id.

        Raises
        ------
        ConfigError
            If mlflow is not installed, or the URI names no store that MLflow 3 writes to.

        Examples
        --------
        >>> from sklearn.datasets import load_wine
        >>> from synthaug import Folds, compare
        >>> result = compare(*load_wine(return_X_y=True), arms=["none", "smote"], cv=Folds(3, 2), random_state=0)
        >>> run_id = result.to_mlflow(uri="sqlite:///mlflow.db")
        """
        from synthaug.experiment.tracking import log_comparison

        return log_comparison(self, uri=uri, experiment=experiment)

    def _test(self, arm: str, baseline: str) -> PairedTest:
        return compare_arms(self.design, self.splits, arm, baseline, scoring=self.scoring)

    def _same(self, a: str, b: str) -> bool:
        return all(
            a in split.answers and split.answers[a] == split.answers.get(b) and split.n_added[a] == split.n_added[b]
            for split in self.splits
        )

    def _row(self, arm: str, test: PairedTest | None, p_adjusted: float | None) -> dict[str, Any]:
        score = float(np.mean([split.scores[arm][self.scoring] for split in self.splits]))
        n_added = float(np.mean([split.n_added[arm] for split in self.splits]))
        if test is None or p_adjusted is None:
            empty = dict.fromkeys(
                ("difference", "low", "high", "p_value", "p_adjusted", "p_gain", "detectable"), np.nan
            )
            return {"score": score, "n_added": n_added, **empty, "verdict": "baseline"}
        return {
            "score": score,
            "n_added": n_added,
            "difference": test.difference,
            "low": test.low,
            "high": test.high,
            "p_value": test.p_value,
            "p_adjusted": p_adjusted,
            "p_gain": practical_equivalence(test, rope=self.rope).gain,
            "detectable": _detectable(test, n_asked=len(self.arms) - 1),
            "verdict": verdict(test, p_adjusted=p_adjusted),
        }


def _detectable(test: PairedTest, *, n_asked: int) -> float:
    """Return the smallest gain that would have been seen, where so many arms were asked about (Bonferroni, which Holm
    never undercuts).
    """
    return detectable_gain(test, alpha=_ALPHA / max(1, n_asked))
