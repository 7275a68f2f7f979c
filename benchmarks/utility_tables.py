"""The tables of the utility study, as Markdown. All differences are in points of balanced accuracy.

What a way is compared with on a draw, the best way without a GAN row, is chosen on the other draws. Of several
estimators on one task, which share their draws and test rows, the differences are averaged within draw and test block
before anything is tested, of those that ran on the most draws; tasks are independent.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import t
from tasks import is_here
from utility_run import SCORING, Plan, mean_score, results, study_of, with_arms
from utility_tasks import STUDY
from utility_ways import TREES

from synthaug.experiment.designs import Draws, compare_arms
from synthaug.experiment.results import SplitResult, is_learned
from synthaug.statistics import PairedTest, corrected_resampled_t_test, crossed_t_test, holm, verdict

USUAL = ("classic", "smote+classic", "class_weight")  # what a rare class gets today
REFERENCE = "the best way without a GAN row"
_GATED = "gated"
_OF_EXPERIENCE = ("none", "repeat", "class_weight", "threshold", "smote", "smote+classic", "classic twice")
_OF_EXPERIENCE += ("gan", "gan low weight", "classic+gan")
_ADDED = ("classic twice", "classic+gan")  # what the gate may add to transformed images

Pair = tuple[str, str]
Found = Mapping[Pair, Sequence[SplitResult]]


@dataclass(frozen=True)
class Pooled:
    """A mean difference over tasks: in the metric's unit, with standard error and degrees of freedom."""

    difference: float
    standard_error: float
    df: float
    n_tasks: int

    def __str__(self) -> str:
        """Return the difference in points, its 95 % interval and its one-sided 95 % bound."""
        return f"{_told(self)}, above {_points(self.bound)} with 95 %, over {self.n_tasks} tasks"

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.difference - t.isf(0.025, self.df) * self.standard_error

    @property
    def high(self) -> float:
        """The upper end of the 95 % interval."""
        return self.difference + t.isf(0.025, self.df) * self.standard_error

    @property
    def bound(self) -> float:
        """What the difference exceeds with 95 %."""
        return self.difference - t.isf(0.05, self.df) * self.standard_error


def found_of(plan: Plan, tasks: Iterable[str]) -> dict[Pair, list[SplitResult]]:
    """Return the finished draws by task and estimator, where there are at least two."""
    pairs = [(task, estimator) for task in tasks for estimator in plan.estimators_of(task)]
    found = {pair: results(plan, *pair) for pair in pairs}
    return {pair: splits for pair, splits in found.items() if len(splits) > 1}


def differences(found: Found) -> pd.DataFrame:
    """Return every way beside the best without a GAN row: task, estimator, arm, reference, difference, low, high."""
    rows = []
    for (task, estimator), splits in found.items():
        tests, chosen = {}, {}
        for arm in _arms(splits):
            judged = with_reference(with_arms(splits, [arm]), [name for name in _arms(splits) if not is_learned(name)])
            if len(judged) > 1 and any(split.scores[arm] != split.scores[REFERENCE] for split in judged):
                chosen[arm] = references(judged)
                tests[arm] = compare_arms(_kind(task), tuple(judged), arm, REFERENCE, scoring=SCORING)
        adjusted = holm([test.p_value for test in tests.values()]) if tests else []
        for (arm, test), p in zip(tests.items(), adjusted, strict=True):
            word = verdict(test, p_adjusted=p)
            rows.append((task, estimator, arm, chosen[arm], test.difference, test.low, test.high, word))
    columns = ["task", "estimator", "arm", "reference", "difference", "low", "high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def with_reference(splits: Sequence[SplitResult], among: Sequence[str]) -> list[SplitResult]:
    """Return the splits with one more arm, ``REFERENCE``: of the arms that ran on all of them the best on the others.

    What a split is judged by was so chosen without it; the best of many on the same rows would be lucky too.
    """
    common = [arm for arm in among if splits and all(arm in split.scores for split in splits)]
    if len(splits) < 2 or not common:
        return []
    found = []
    for split in splits:
        best = best_of([other for other in splits if other.index != split.index], common)
        named = {
            name: {**getattr(split, name), REFERENCE: getattr(split, name)[best]}
            for name in ("scores", "blocks")
            if best in getattr(split, name)
        }
        found.append(replace(split, **named, explanation=best))
    return found


def references(splits: Sequence[SplitResult]) -> str:
    """Return the names of what ``with_reference`` chose, the most frequent first."""
    return ", ".join(pd.Series([split.explanation for split in splits]).value_counts().index)


def best_of(splits: Sequence[SplitResult], arms: Sequence[str]) -> str:
    """Return the arm of the best mean score."""
    return max(arms, key=lambda arm: mean_score(with_arms(splits, [arm]), arm))


def table_of_differences(table: pd.DataFrame) -> str:
    """Return a line a task and estimator, a column an arm that has GAN rows or is among the usual ways."""
    arms = [arm for arm in dict.fromkeys(table["arm"]) if is_learned(arm) or arm in USUAL]
    head = ["task", "estimator", "best way without a GAN row", *arms]
    lines = [_line(head), "|---" * len(head) + "|"]
    for (task, estimator), part in table.groupby(["task", "estimator"], sort=False):
        cells = {row.arm: _cell(row) for row in part.itertuples()}
        chosen = ", ".join(dict.fromkeys(name for names in part["reference"] for name in names.split(", ")))
        lines.append(_line([str(task), str(estimator), chosen, *(cells.get(arm, "") for arm in arms)]))
    return "\n".join(lines)


def task_table(found: Found) -> str:
    """Return a line a task, its estimators together: ways with GAN rows less tuned *classic*, as much of it again, and
    the best way without a GAN row.
    """
    asked = [
        ("classic+gan", ("classic",), "classic+gan less classic"),
        ("classic+gan", ("classic twice",), "less classic twice"),
        ("classic+gan", None, "less the best without"),
        ("gan", None, "gan less the best without"),
        (_GATED, None, "gated less the best without"),
    ]
    head = ["task", "draws (of these with the gate)", *(title for _, _, title in asked)]
    lines = [_line(head), "|---" * len(head) + "|"]
    for task in dict.fromkeys(task for task, _ in found):
        tests = [_way_less(found, task, way, usual) for way, usual, _ in asked]
        counts = [
            (len(splits), len(with_arms(splits, [_GATED]))) for (name, _), splits in found.items() if name == task
        ]
        n_all, n_screened = (max(column) for column in zip(*counts, strict=True))
        lines.append(_line([task, f"{n_all} ({n_screened})", *("" if test is None else _told(test) for test in tests)]))
    return "\n".join(lines)


def ranks(found: Found) -> str:
    """Return the mean rank of each arm over tasks and estimators that ran it on every one of the first draws."""
    scores = {
        pair: {arm: mean_score(splits, arm) for arm in _arms(splits)}
        for pair, splits in ((pair, _widest(splits)) for pair, splits in found.items())
    }
    table = pd.DataFrame(scores).T
    placed = table.rank(axis=1, ascending=False)
    order = placed.mean().sort_values()
    lines = [_line(["arm", "mean rank", "of", "tasks and estimators"]), "|---|---|---|---|"]
    sizes = table.notna().sum(axis=1)
    for arm, rank in order.items():
        ran = placed[arm].notna()
        lines.append(_line([str(arm), f"{rank:.1f}", f"{sizes[ran].mean():.0f}", str(int(ran.sum()))]))
    return "\n".join(lines)


def label_table(plan: Plan, found: Found) -> str:
    """Return what the ways with GAN rows are worth in real labels, where the learning curve was measured and the data
    are here.
    """
    lines = [_line(["task", "estimator", "labels", "arm", "worth"]), "|---" * 5 + "|"]
    for (task, estimator), splits in found.items():
        measured = [split for split in splits if split.curve]
        if len(measured) < 2 or not is_here(STUDY[task].data):
            continue
        worth = study_of(plan, task, estimator).comparison(measured).label_equivalence()
        for arm, row in worth[[is_learned(str(arm)) for arm in worth.index]].iterrows():
            lines.append(_line([task, estimator, str(row["base_rows"]), str(arm), str(row["text"])]))
    return "\n".join(lines) if len(lines) > 2 else "Not measured yet."


def gate_table(found: Found) -> str:
    """Return how often the gate added anything, and how often GAN rows."""
    lines = [_line(["task", "gates", "added rows", "added GAN rows"]), "|---|---|---|---|"]
    for task in dict.fromkeys(task for task, _ in found):
        chosen = [
            split.decision.loc[split.decision["chosen"], "candidate"].iloc[0]
            for (name, _), splits in found.items()
            for split in splits
            if name == task and len(split.decision)
        ]
        if chosen:
            shares = [np.mean([test(name) for name in chosen]) for test in (lambda name: name != "nothing", is_learned)]
            lines.append(_line([task, str(len(chosen)), *(f"{100 * share:.0f} %" for share in shares)]))
    return "\n".join(lines)


def everywhere_table(found: Found) -> str:
    """Return what each way would do that is taken for every task and classifier, and the gate's choices beside it.

    Of draws with the gate, and of ways that ran on all tasks of images or all of tables.
    """
    gated = {pair: with_arms(splits, [_GATED]) for pair, splits in found.items()}
    head = ["rows", "always", "less the best without", "significantly behind (Holm)", f"{_GATED} less it"]
    lines = [_line(head), "|---" * len(head) + "|"]
    for rows in ("images", "tables"):
        there = {pair: splits for pair, splits in gated.items() if len(splits) > 1 and _rows_of(pair[0]) == rows}
        tasks = dict.fromkeys(task for task, _ in there)
        for way in dict.fromkeys(arm for splits in there.values() for arm in _arms(splits)):
            plain = {task: _way_less(there, task, way, None) for task in tasks}
            beside = {task: _way_less(there, task, _GATED, (way,)) for task in tasks}
            if None not in plain.values():
                behind = f"{_n_harmed(plain)} of {len(tasks)} tasks"
                less = "" if way == _GATED else _told(pool(_there(beside)))
                lines.append(_line([rows, way, _told(pool(_there(plain))), behind, less]))
    return "\n".join(lines) if len(lines) > 2 else "Not measured yet."


def experience_table(found: Found) -> str:
    """Return what ways gained over the habit (images: *classic*; tables: *none*), as a share of the errors left by it.

    The gate's rule rests on it (``synthaug.augment.gate.experience``): mean and standard deviation over tasks and
    estimators, then the mean of the estimators by task. What is added to transformed images is told for trees and for
    other classifiers, where a class is rare and where none is.
    """
    head = ["rows", "way", "over", "classifiers", "mean", "standard deviation", "by task"]
    lines = [_line(head), "|---" * len(head) + "|"]
    for rows, habit in (("tables", "none"), ("images", "classic")):
        for way in _OF_EXPERIENCE:
            shares = {pair: share for pair, share in _shares(found, way, habit) if _rows_of(pair[0]) == rows}
            for whose, those in _by_kind(shares) if way in _ADDED and rows == "images" else [("all", shares)]:
                if len(those) > 1:
                    spread = [np.mean([*those.values()]), np.std([*those.values()], ddof=1)]
                    told = ", ".join(f"{task} {_percent(mean)}" for task, mean in _means_by_task(those).items())
                    lines.append(_line([rows, way, habit, whose, *map(_percent, spread), told]))
    return "\n".join(lines)


def _shares(found: Found, way: str, habit: str) -> Iterator[tuple[Pair, float]]:
    """Yield the gain of a way over the habit as a share of the errors that this leaves, by task and estimator."""
    for pair, splits in found.items():
        both = with_arms(splits, [way, habit])
        if way != habit and len(both) > 1:
            usual = mean_score(both, habit)
            yield pair, (mean_score(both, way) - usual) / (1.0 - usual)


def _by_kind(shares: Mapping[Pair, float]) -> Iterator[tuple[str, dict[Pair, float]]]:
    """Yield the shares of trees and of other classifiers, where a class is rare and where none is."""
    for rare, trees in itertools.product((True, False), repeat=2):
        whose = f"{'trees' if trees else 'others'}, {'a rare class' if rare else 'none rare'}"
        yield (
            whose,
            {
                (task, estimator): share
                for (task, estimator), share in shares.items()
                if (STUDY[task].kind == "rare", estimator in TREES) == (rare, trees)
            },
        )


def _means_by_task(shares: Mapping[Pair, float]) -> dict[str, float]:
    tasks = dict.fromkeys(task for task, _ in shares)
    return {name: float(np.mean([share for (task, _), share in shares.items() if task == name])) for name in tasks}


def _habit_of(task: str) -> str:
    return "class_weight" if _rows_of(task) == "tables" else "classic"


def _rows_of(task: str) -> str:
    return "tables" if STUDY[task].kind == "table" else "images"


def targets(found: Found, way: str) -> str:
    """Return the figures that the study is held to, each beside its bound."""
    balanced = {task: _way_less(found, task, way, ("classic",)) for task in _of_kind(found, "balanced")}
    rare = {task: _way_less(found, task, way, USUAL) for task in _of_kind(found, "rare")}
    tasks = dict.fromkeys(task for task, _ in found)
    plain = {task: _way_less(found, task, _GATED, None) for task in tasks}
    habit = {task: _way_less(found, task, _GATED, (_habit_of(task),)) for task in tasks}
    lines = [
        f"* {way} less tuned classic, balanced image tasks (target: at least 0.5): {_pooled(balanced)}",
        f"* {way} less the best of {', '.join(USUAL)}, rare-class tasks (target: at least 3, significant on half): "
        f"{_pooled(rare)}; significant on {_n_significant(rare)} of {len(_there(rare))}",
        f"* {_GATED} less the best way without a GAN row, all tasks (target: bound above -0.5): {_pooled(plain)}; "
        f"significantly negative on {_n_harmed(plain)} (Holm)",
        f"* {_GATED} less what is usual, classic for images and class weights for tables: {_pooled(habit)}",
        f"* of the gain of the GAN arm that was chosen on half of the draws {_GATED} keeps, on the other half (target: "
        f"half): {_kept_gain(found)}",
    ]
    return "\n".join(lines)


def _way_less(found: Found, task: str, way: str, usual: Sequence[str] | None) -> PairedTest | None:
    """Return the test of a way less the best of the usual ones (all without GAN rows for None), over estimators."""
    effects, sizes = [], []
    for (name, _), splits in found.items():
        others = [arm for arm in _arms(splits) if (not is_learned(arm) if usual is None else arm in usual)]
        alone = others if len(others) == 1 else []  # one arm to compare with, on whichever draws it ran
        judged = with_reference(with_arms(splits, [way, *alone]), others) if name == task else []
        if judged:
            effects.append({split.index: _effect(split, way, REFERENCE, task) for split in judged})
            sizes = [(split.n_train, split.n_test) for split in judged]
    widest = [part for part in effects if len(part) == max(map(len, effects))]
    common = sorted(set.intersection(*map(set, widest))) if widest else []
    if len(common) < 2:
        return None
    mean = np.array([np.mean([part[index] for part in widest], axis=0) for index in common])
    if _kind(task) == "draws":
        return crossed_t_test(mean)
    n_train, n_test = np.mean(sizes, axis=0)
    return corrected_resampled_t_test(mean, n_train=n_train, n_test=n_test)


def _effect(split: SplitResult, arm: str, reference: str, task: str) -> np.ndarray:
    if _kind(task) == "draws":
        return split.blocks[arm] - split.blocks[reference]
    return np.array(split.scores[arm][SCORING] - split.scores[reference][SCORING])


def pool(tests: Sequence[PairedTest]) -> Pooled:
    """Return the mean of independent differences; degrees of freedom by Satterthwaite (1946)."""
    variances = np.array([test.standard_error**2 for test in tests])
    df = variances.sum() ** 2 / (variances**2 / [test.df for test in tests]).sum() if variances.any() else np.inf
    mean = float(np.mean([test.difference for test in tests]))
    return Pooled(mean, float(np.sqrt(variances.sum()) / len(tests)), float(df), len(tests))


def _kept_gain(found: Found) -> str:
    """Return what the gate keeps of the gain of the GAN arm that is best on half of the draws, measured on the others:
    where it gains on these, and where it gained on the first, which luck on the others has no part in.
    """
    cases = [
        (gain, *_gains(judged, arm, reference))
        for splits in found.values()
        for arm, reference, gain, judged in _chosen_on_half(with_arms(splits, [_GATED]))
    ]
    told = []
    for where, number in (("where it gains on these", 1), ("where it gained on the first", 0)):
        picked = [case for case in cases if case[number] > 0]
        if not picked:
            return "no GAN arm gained"
        _, gains, kept = np.mean(picked, axis=0)
        told.append(f"{where}, {_points(kept)} of {_points(gains)} points, in {len(picked)} cases")
    return "; ".join(told)


def _chosen_on_half(splits: Sequence[SplitResult]) -> Iterator[tuple[str, str, float, Sequence[SplitResult]]]:
    """Yield, for each half of the draws, the best arm with GAN rows, the best without, the gain, and the other half."""
    if len(splits) < 2:
        return
    learned = [arm for arm in _arms(splits) if is_learned(arm) and arm != _GATED]
    plain = [arm for arm in _arms(splits) if not is_learned(arm)]
    for chosen, judged in ((splits[::2], splits[1::2]), (splits[1::2], splits[::2])):
        arm, reference = best_of(chosen, learned), best_of(chosen, plain)
        yield arm, reference, mean_score(chosen, arm) - mean_score(chosen, reference), judged


def _gains(splits: Sequence[SplitResult], arm: str, reference: str) -> tuple[float, float]:
    """Return what an arm and the gate gain over a reference."""
    usual = mean_score(splits, reference)
    return mean_score(splits, arm) - usual, mean_score(splits, _GATED) - usual


def _arms(splits: Sequence[SplitResult]) -> list[str]:
    """Return the arms that were run on two draws at least."""
    names = dict.fromkeys(arm for split in splits for arm in split.scores)
    return [arm for arm in names if len(with_arms(splits, [arm])) > 1]


def _widest(splits: Sequence[SplitResult]) -> list[SplitResult]:
    """Return the draws that ran the most arms."""
    most = max(len(split.scores) for split in splits)
    return [split for split in splits if len(split.scores) == most]


def _kind(task: str) -> str:
    return "draws" if isinstance(STUDY[task].design, Draws) else "folds"


def _of_kind(found: Found, kind: str) -> list[str]:
    return [task for task in dict.fromkeys(task for task, _ in found) if STUDY[task].kind == kind]


def _there(tests: Mapping[str, PairedTest | None]) -> list[PairedTest]:
    return [test for test in tests.values() if test is not None]


def _pooled(tests: Mapping[str, PairedTest | None]) -> str:
    return str(pool(_there(tests))) if _there(tests) else "not measured"


def _n_significant(tests: Mapping[str, PairedTest | None]) -> int:
    return sum(test.low > 0 for test in _there(tests))


def _n_harmed(tests: Mapping[str, PairedTest | None]) -> int:
    there = _there(tests)
    adjusted = holm([test.p_value for test in there]) if there else []
    return sum(verdict(test, p_adjusted=p) == "hurts" for test, p in zip(there, adjusted, strict=True))


def _cell(row: object) -> str:
    mark = {"helps": " **helps**", "hurts": " **hurts**"}.get(row.verdict, "")
    return f"{_told(row)}{mark}"


def _told(test: object) -> str:
    return f"{_points(test.difference)} ({_points(test.low)} to {_points(test.high)})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _points(value: float) -> str:
    return f"{100 * value:.1f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
