"""The gate: on the training rows alone, would added rows help this classifier? It may answer no.

The training rows are cut into inner folds. One learner an inner fold learns on the inner training part; every
candidate, a mix of rows, answers for the inner test part. The answers to all training rows are scored by the user's
score and compared with those of adding nothing, row by row. Of all candidates within one standard error of the best,
the simplest is taken (Breiman et al., "Classification and Regression Trees", 1984), and nothing is simpler than
nothing. The standard error is that of the differences' pseudo-values over blocks of rows. What is then drawn comes
from all inner learners together, so the gate costs no further learner.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone

from synthaug._check import FEWEST_ROWS, check_count
from synthaug._seed import derive
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.fitting import (
    Answers,
    among,
    answers_of,
    as_estimator_wants,
    fit_classifier,
    pool_answers,
    score_blocks,
    weight_parameter,
)
from synthaug.augment.mix import Mix, mix_rows, plan_for
from synthaug.augment.plan import Counts
from synthaug.data.container import join, take
from synthaug.data.labels import fit_label_codec
from synthaug.data.split import stratified_folds
from synthaug.errors import ShortfallWarning, SmallClassWarning
from synthaug.statistics import stratified_blocks

NOTHING = "nothing"
_MOST_BLOCKS = 40
_LOW_WEIGHT = 0.3
_Z = 1.96

Candidates = Mapping[str, Mix]


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
        A row a candidate: ``candidate``, ``gain`` over nothing with ``low`` and ``high`` (95 %), ``chosen``, ``why``.
    sentence
        The same in words.
    sources
        The inner learners, which the synthetic rows are drawn from.
    """

    chosen: str
    mix: Mix
    table: pd.DataFrame
    sentence: str
    sources: tuple[SyntheticAugmenter, ...]


@dataclass(frozen=True)
class PooledSource:
    """Several fitted augmenters as one: each draws an equal share."""

    sources: tuple[SyntheticAugmenter, ...]

    def sample(self, n_per_class: Mapping[Any, int], *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for, from those learners that learned the class."""
        parts = []
        for number, source in enumerate(self.sources):
            share = {label: self._share(label, int(n), number) for label, n in n_per_class.items()}
            seed = None if random_state is None else derive(random_state, "source", number)
            parts.append(source.sample(share, random_state=seed))
        X, y = parts[0]
        for more_X, more_y in parts[1:]:
            X, y = join(X, more_X), join(y, more_y)
        return X, y

    def _share(self, label: Any, n: int, number: int) -> int:
        able = [place for place, source in enumerate(self.sources) if source.class_counts_.get(label, 0) >= FEWEST_ROWS]
        if number not in able:
            return 0
        return n // len(able) + (able.index(number) < n % len(able))


def auto_candidates(estimator: Any, *, images: bool) -> dict[str, Mix]:
    """Return the gate's candidates beside nothing, the simplest first.

    Half and all of the planned rows as synthetic ones; the same with a low weight for estimators that take weights;
    for images shifted real rows alone, and half and half with synthetic ones.
    """
    candidates = {"classic": Mix(synthetic_fraction=0.0, classic=True)} if images else {}
    candidates |= {"gan x0.5": Mix(amount=0.5), "gan": Mix()}
    if images:
        candidates["classic+gan"] = Mix(synthetic_fraction=0.5, classic=True)
    if weight_parameter(estimator) is not None:
        candidates["gan, low weight"] = Mix(synthetic_weight=_LOW_WEIGHT)
    return candidates


def decide(
    X: Any,
    y: Any,
    *,
    estimator: Any,
    augmenter: SyntheticAugmenter,
    candidates: Candidates,
    scoring: Any,
    transform: Any = "shift",
    n_splits: int = 3,
    groups: np.ndarray | None = None,
    X_unlabeled: Any = None,
    n_jobs: int | None = None,
    seed: int = 0,
) -> Decision:
    """Return which candidate, if any, the training rows speak for.

    Parameters
    ----------
    X, y
        Training rows and labels, as the user has them; no other row is looked at.
    estimator
        The classifier the rows are for.
    augmenter
        The augmenter to learn with; it is cloned.
    candidates
        Mixes by name, the simplest first.
    scoring
        A scorer, its name, or None for the estimator's own score.
    transform
        What *classic* mixes do to images.
    n_splits
        Inner folds, at least 2.
    groups
        Which rows belong together (n,).
    X_unlabeled
        Rows without labels that every inner learner sees beside its own; none of X is among them.
    n_jobs
        Inner folds at a time.
    seed
        Decides everything random.
    """
    check_count("n_splits", n_splits)
    labels = fit_label_codec(y).encode(y)
    if np.bincount(labels).max() < n_splits or (groups is not None and len(np.unique(groups)) < n_splits):
        return _refuse(f"the training rows are too few for {n_splits} inner folds")
    tried = {NOTHING: Mix(amount=0.0), **candidates}
    task = _Task(X, y, estimator, augmenter, tried, transform, groups, X_unlabeled, seed)
    folds = stratified_folds(labels, n_splits=n_splits, seed=derive(seed, "gate"), groups=groups)
    if any(len(np.unique(labels[train])) < 2 for train, _ in folds):
        return _refuse(f"{n_splits} inner folds would leave one of them with a single class to learn from")
    parts = Parallel(n_jobs)(delayed(_try_fold)(task, k, train, test) for k, (train, test) in enumerate(folds))
    scores = _scores(parts, [test for _, test in folds], labels, np.asarray(y), scoring)
    return _choose(scores, dict(candidates), tuple(part.source for part in parts))


@dataclass(frozen=True)
class _Task:
    X: Any
    y: Any
    estimator: Any
    augmenter: SyntheticAugmenter
    candidates: dict[str, Mix]
    transform: Any
    groups: np.ndarray | None
    X_unlabeled: Any
    seed: int


@dataclass(frozen=True)
class _Part:
    answers: dict[str, Answers]
    source: SyntheticAugmenter


def _try_fold(task: _Task, number: int, train: np.ndarray, test: np.ndarray) -> _Part:
    """Learn on one inner training part, train with every candidate, and answer for the inner test part."""
    X, y = take(task.X, train), take(task.y, train)
    groups = None if task.groups is None else task.groups[train]
    seed = derive(task.seed, "inner", number)
    with warnings.catch_warnings():
        for category in (SmallClassWarning, ShortfallWarning):  # of inner parts; the user hears of the outer one
            warnings.simplefilter("ignore", category)
        source = clone(task.augmenter).set_params(random_state=seed)
        source.fit(X, y, groups=groups, X_unlabeled=task.X_unlabeled)
        plan = final_plan(source, y, (source,))
        X_test = as_estimator_wants(task.estimator, take(task.X, test))

        def answer(mix: Mix) -> Answers:
            mixed = mix_rows(
                mix,
                X,
                y,
                source=source,
                augmenter=source,
                plan=plan,
                transform=task.transform,
                seed=derive(seed, "mix"),
            )
            rows = as_estimator_wants(task.estimator, mixed.X)
            return answers_of(fit_classifier(task.estimator, rows, mixed.y, mixed.weight), X_test)

        return _Part({name: answer(mix) for name, mix in task.candidates.items()}, source)


def _scores(
    parts: list[_Part], tests: list[np.ndarray], labels: np.ndarray, y: np.ndarray, scoring: Any
) -> dict[str, np.ndarray]:
    """Return each candidate's pseudo-values over blocks of all training rows, every row answered by what never saw
    it.
    """
    counts = np.bincount(labels)
    able = np.flatnonzero(counts[labels] >= FEWEST_ROWS)
    blocks = [able[block] for block in stratified_blocks(labels[able], min(_MOST_BLOCKS, len(able)))]
    classes = np.unique(y[able])
    pooled = {
        name: among(classes, pool_answers([part.answers[name] for part in parts], tests)) for name in parts[0].answers
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true", UserWarning)  # a class of one row
        return {name: score_blocks(scoring, answers, y, blocks) for name, answers in pooled.items()}


def _choose(
    scores: dict[str, np.ndarray], candidates: dict[str, Mix], sources: tuple[SyntheticAugmenter, ...]
) -> Decision:
    differences = {name: scores[name] - scores[NOTHING] for name in candidates}
    gain = {name: float(values.mean()) for name, values in differences.items()}
    error = {name: float(values.std(ddof=1) / np.sqrt(len(values))) for name, values in differences.items()}
    gain[NOTHING], error[NOTHING] = 0.0, 0.0
    order = [NOTHING, *candidates]
    best = max(order, key=lambda name: gain[name])
    chosen = next(name for name in order if gain[name] >= gain[best] - error[best])
    rows = [
        {
            "candidate": name,
            "gain": gain[name],
            "low": gain[name] - _Z * error[name],
            "high": gain[name] + _Z * error[name],
            "chosen": name == chosen,
            "why": _why(name, chosen=chosen, best=best),
        }
        for name in order
    ]
    table = pd.DataFrame(rows)
    mix = candidates.get(chosen, Mix(amount=0.0))
    return Decision(chosen, mix, table, _sentence(table, chosen), sources)


def _why(name: str, *, chosen: str, best: str) -> str:
    if name == chosen:
        return "the best" if name == best else f"the simplest within one standard error of the best ({best})"
    return "the best, but not by one standard error over a simpler one" if name == best else ""


def _sentence(table: pd.DataFrame, chosen: str) -> str:
    named = table[table["candidate"] != NOTHING]
    row = named.iloc[int(named["gain"].argmax())] if chosen == NOTHING else table[table["candidate"] == chosen].iloc[0]
    points = f"{100 * row['gain']:.1f} points ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
    if chosen == NOTHING:
        doubt = "which is within one standard error of nothing" if row["gain"] > 0 else "which is no gain"
        return f"Not augmented: the best mix, {row['candidate']}, gained {points} on rows held back from it, {doubt}."
    words = f"Augmented with {chosen}: it gained {points} over adding nothing, on rows held back from it."
    return words + (" None of the added rows is synthetic." if chosen == "classic" else "")


def _refuse(why: str) -> Decision:
    table = pd.DataFrame([{"candidate": NOTHING, "gain": 0.0, "low": 0.0, "high": 0.0, "chosen": True, "why": why}])
    return Decision(NOTHING, Mix(amount=0.0), table, f"Not augmented: {why}, so nothing could be tried.", ())


def final_plan(augmenter: SyntheticAugmenter, y: Any, sources: tuple[SyntheticAugmenter, ...]) -> Counts:
    """Return the plan for all training rows, with 0 for classes that no inner learner has learned."""
    plan = plan_for(augmenter, y)
    learned = {label for source in sources for label, n in source.class_counts_.items() if n >= FEWEST_ROWS}
    return {label: n if label in learned else 0 for label, n in plan.items()}
