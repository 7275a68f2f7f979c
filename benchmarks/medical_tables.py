"""The tables of the medical study, as Markdown: levels, differences and what the gate did, from the answers on disk.

Levels and differences are means over draws or folds. Their intervals come from resampling groups of near-duplicates
and, for draws, the draws too. The differences of folds have the corrected resampled t-test's interval, which counts
the luck of training, beside which the bootstrap of the test rows would be too narrow.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from medical_tasks import MedicalRows

from synthaug._seed import numpy_stream
from synthaug.augment.fitting import Answers
from synthaug.augment.metrics import score, score_resamples
from synthaug.statistics import Interval, corrected_resampled_t_test, pooled_interval, resample_groups
from synthaug.statistics.units import unit_of

METRICS = {
    "AUROC": "roc_auc",
    "sensitivity at 90 % specificity": "sensitivity_at_90_specificity",
    "average precision": "average_precision",
    "Brier score, negative": "neg_brier_score",
}
PRIMARY = "AUROC"
_N_RESAMPLES = 1000
_SEED = 20261122
_NORMAL_95, _NORMAL_80 = 1.959964, 0.841621

Piece = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Measured:
    """The finished pieces of one task and estimator, by the number of the split, and the task's rows."""

    task: str
    estimator: str
    rows: MedicalRows
    pieces: Mapping[int, Piece]

    def with_arms(self, arms: Sequence[str]) -> list[int]:
        """Return the splits on which all of these arms are there."""
        return [index for index, piece in sorted(self.pieces.items()) if all(arm in piece for arm in arms)]

    def values(self, arm: str, metric: str, splits: Sequence[int]) -> np.ndarray:
        """Return an arm's score on each split, shape (n_splits,)."""
        return np.array([score(METRICS[metric], *self._answers(arm, index)) for index in splits])

    def replicates(self, arm: str, metric: str, splits: Sequence[int]) -> np.ndarray:
        """Return an arm's score on each resample of the groups, shape (n_splits, n_resamples)."""
        drawn = [
            score_resamples(METRICS[metric], *self._answers(arm, index), self.times[:, self.rows.splits[index].test])
            for index in splits
        ]
        return np.stack(drawn)

    @cached_property
    def times(self) -> np.ndarray:
        """How often each row is in each resample; the same for all tasks with these rows."""
        rng, rows = numpy_stream(_SEED, "resamples"), self.rows
        if not rows.common_test:
            return resample_groups(rows.y, rows.groups, n_resamples=_N_RESAMPLES, rng=rng)
        test = rows.splits[0].test
        times = np.zeros((_N_RESAMPLES, len(rows.y)), dtype=np.uint16)
        times[:, test] = resample_groups(rows.y[test], rows.groups[test], n_resamples=_N_RESAMPLES, rng=rng)
        return times

    def draws(self) -> np.random.Generator | None:
        """Return what draws are resampled by, the same for every arm, and for every size, for a larger draw holds the
        smaller one of its number; None for folds.
        """
        return numpy_stream(_SEED, "draws") if self.rows.common_test else None

    def _answers(self, arm: str, index: int) -> tuple[Answers, np.ndarray]:
        share = np.asarray(self.pieces[index][arm]["answers"], dtype=float)
        values = {"predict": (share > 0.5).astype(np.int64), "predict_proba": np.stack([1 - share, share], axis=1)}
        return Answers(np.array([0, 1]), values), self.rows.y[self.rows.splits[index].test]


def level(found: Measured, arm: str, metric: str) -> Interval:
    """Return an arm's mean score, with the interval of its groups and draws."""
    splits = found.with_arms([arm])
    return pooled_interval(
        found.values(arm, metric, splits), found.replicates(arm, metric, splits), draws=found.draws()
    )


def difference(found: Measured, arm: str, other: str, metric: str) -> Interval:
    """Return an arm's mean score less that of another on the same splits."""
    splits = found.with_arms([arm, other])
    gains = found.values(arm, metric, splits) - found.values(other, metric, splits)
    if not found.rows.common_test:
        parts = [found.rows.splits[index] for index in splits]
        sizes = {name: float(np.mean([len(getattr(part, name)) for part in parts])) for name in ("train", "test")}
        test = corrected_resampled_t_test(gains, n_train=sizes["train"], n_test=sizes["test"])
        return Interval(test.difference, test.low, test.high)
    drawn = found.replicates(arm, metric, splits) - found.replicates(other, metric, splits)
    return pooled_interval(gains, drawn, draws=found.draws())


def pooled_difference(parts: Sequence[Measured], arm: str, other: str, metric: str) -> Interval:
    """Return the mean over tasks with common test rows of an arm's score less another's, on the draws that all have."""
    splits = common_splits(parts, [arm, other])
    gains = [found.values(arm, metric, splits) - found.values(other, metric, splits) for found in parts]
    drawn = [found.replicates(arm, metric, splits) - found.replicates(other, metric, splits) for found in parts]
    return pooled_interval(np.mean(gains, axis=0), np.mean(drawn, axis=0), draws=parts[0].draws())


def common_splits(parts: Sequence[Measured], arms: Sequence[str]) -> list[int]:
    """Return the splits on which every task has all of these arms."""
    return sorted(set.intersection(*(set(found.with_arms(arms)) for found in parts)))


def tables(found: Sequence[Measured], *, arm: str, other: str) -> Iterator[str]:
    """Yield the tables, each under its heading."""
    there = [part for part in found if len(part.with_arms([arm, other])) > 1]
    if not there:
        yield "nothing is measured yet, or one split only, which no interval can come from"
        return
    yield f"### {arm} less {other}\n\n" + _differences(there, arm, other)
    for metric in METRICS:
        yield f"### {metric}\n\n" + _levels(there, metric)
    yield "### What the gate chose\n\n" + _choices(there)


def _differences(found: Sequence[Measured], arm: str, other: str) -> str:
    lines = [_line(["task", "estimator", "splits", *METRICS, f"{PRIMARY}: could have seen"]), _rule(len(METRICS) + 4)]
    for part in found:
        gains = {metric: difference(part, arm, other, metric) for metric in METRICS}
        lines.append(_row(part.task, part.estimator, str(len(part.with_arms([arm, other]))), gains))
    for estimator in dict.fromkeys(part.estimator for part in found):
        drawn = [part for part in found if part.estimator == estimator and part.rows.common_test]
        if len(drawn) > 1 and len(common := common_splits(drawn, [arm, other])) > 1:
            gains = {metric: pooled_difference(drawn, arm, other, metric) for metric in METRICS}
            lines.append(_row(f"all {len(drawn)} sizes", estimator, str(len(drawn) * len(common)), gains))
    return "\n".join(lines)


def _row(task: str, estimator: str, n_splits: str, gains: Mapping[str, Interval]) -> str:
    cells = [_signed(gains[metric], METRICS[metric]) for metric in METRICS]
    primary = gains[PRIMARY]
    seen = (_NORMAL_95 + _NORMAL_80) * (primary.high - primary.low) / (2 * _NORMAL_95)
    return _line([task, estimator, n_splits, *cells, unit_of(METRICS[PRIMARY]).size(seen)])


def _levels(found: Sequence[Measured], metric: str) -> str:
    arms = list(dict.fromkeys(arm for part in found for piece in part.pieces.values() for arm in piece))
    lines = [_line(["task", "estimator", *arms]), _rule(len(arms) + 2)]
    for part in found:
        cells = [_spoken(level(part, arm, metric), METRICS[metric]) if part.with_arms([arm]) else "" for arm in arms]
        lines.append(_line([part.task, part.estimator, *cells]))
    return "\n".join(lines)


def _choices(found: Sequence[Measured]) -> str:
    lines = [_line(["task", "estimator", "chosen, of how many splits"]), _rule(3)]
    for part in found:
        chosen = [str(arm["chosen"]) for piece in part.pieces.values() for arm in piece.values() if "chosen" in arm]
        if chosen:
            counts = {name: chosen.count(name) for name in sorted(set(chosen), key=chosen.count, reverse=True)}
            told = ", ".join(f"{name} {n}" for name, n in counts.items())
            lines.append(_line([part.task, part.estimator, f"{told}; of {len(chosen)}"]))
    return "\n".join(lines)


def _spoken(found: Interval, metric: str) -> str:
    unit = unit_of(metric)
    return f"{unit.value(found.value)} ({unit.value(found.low)} to {unit.value(found.high)})".replace(" %", "")


def _signed(found: Interval, metric: str) -> str:
    unit = unit_of(metric)
    return f"{unit.difference(found.value)} ({unit.difference(found.low)} to {unit.difference(found.high)})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _rule(n: int) -> str:
    return "|---" * n + "|"
