"""Inner folds of the training rows: one learner a fold, and every candidate's answers to the rows it never saw."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed  # which hand on scikit-learn's configuration

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.fitting import Answers, among, answers_of, as_estimator_wants, pool_answers
from synthaug.augment.gate.candidates import NOTHING, Candidates
from synthaug.augment.learning import new_learner, on_one_thread
from synthaug.augment.metrics import score_blocks
from synthaug.augment.mix import REAL_ALONE, Mix, Source, adds_synthetic, plan_for, reads_images
from synthaug.augment.plan import counts_of, plan_of_part, without_small_classes
from synthaug.augment.ways import Setting, fit_mix
from synthaug.data.container import take
from synthaug.data.labels import fit_label_codec
from synthaug.data.split import stratified_folds
from synthaug.errors import ConfigError, ShortfallWarning, SmallClassWarning
from synthaug.statistics import stratified_blocks

N_MIXES = 2  # each candidate is mixed and trained so often, with other seeds, that its luck can be told
LEARNING = 1.5  # all inner learners together cost so many times the steps of one
_MOST_BLOCKS = 40

Folds = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Trial:
    """What the gate tries candidates on; nothing here is a row of any test part.

    Attributes
    ----------
    X, y
        Training rows and labels, as the user has them.
    estimator
        The classifier the rows are for; cloned.
    augmenter
        The augmenter to learn with; cloned.
    candidates
        Mixes by name, the simplest first.
    scoring
        A scorer, its name, or None for accuracy.
    transform
        What *classic* mixes do to images.
    n_splits
        Inner folds, at least 2.
    groups
        Which rows belong together (n,).
    weight
        Weights of the rows (n,), for training; scores count every row alike.
    X_unlabeled
        Rows without labels that every inner learner sees beside its own; none of X is among them.
    n_jobs
        Inner folds at a time.
    seed
        Decides everything random.
    """

    X: Any
    y: Any
    estimator: Any
    augmenter: SyntheticAugmenter
    candidates: Candidates
    scoring: Any = None
    transform: Any = "shift"
    n_splits: int = 3
    groups: np.ndarray | None = None
    weight: np.ndarray | None = None
    X_unlabeled: Any = None
    n_jobs: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Tried:
    """What came of it.

    Attributes
    ----------
    scores
        Each candidate's score, nothing's among them, shared out over mixes and blocks of rows (n_mixes, n_blocks).
    sources
        The inner learners; none where no candidate adds a synthetic row.
    """

    scores: dict[str, np.ndarray]
    sources: tuple[SyntheticAugmenter, ...]


@dataclass(frozen=True)
class _Part:
    answers: dict[str, list[Answers]]
    source: SyntheticAugmenter | None


@dataclass(frozen=True)
class DrawsOnce:
    """A source that draws what it is asked for once: candidates that use the same rows in other ways share them."""

    source: Source
    drawn: dict[tuple, tuple[Any, Any]] = field(default_factory=dict)

    def sample(self, n_per_class: Mapping[Any, int], *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for, the same ones again for the same counts and seed."""
        asked = (*n_per_class.items(), random_state)
        if asked not in self.drawn:
            self.drawn[asked] = self.source.sample(n_per_class, random_state=random_state)
        return self.drawn[asked]


class CannotFit(Exception):  # noqa: N818  the gate's own word, never seen by a user
    """The classifier cannot be fitted to the real rows of an inner fold; nothing was learned for it."""


def inner_folds(trial: Trial) -> Folds:
    """Return (train, test) row numbers of the inner folds."""
    labels = fit_label_codec(trial.y).encode(trial.y)
    return stratified_folds(
        labels, n_splits=trial.n_splits, seed=derive(trial.seed, "gate"), groups=_known(trial.groups)
    )


def try_candidates(trial: Trial, folds: Folds) -> Tried:
    """Return how every candidate answers for the training rows, each row answered by what never saw it."""
    inner = affordable(trial)
    jobs = (delayed(_try_fold)(trial, inner, number, *fold) for number, fold in enumerate(folds))
    parts = Parallel(trial.n_jobs)(jobs)
    sources = tuple(part.source for part in parts if part.source is not None)
    return Tried(_scores(trial, parts, [test for _, test in folds]), sources)


def affordable(trial: Trial) -> SyntheticAugmenter:
    """Return the augmenter with its learner's steps cut, so that all inner learners cost 1.5 times one.

    Their draws are pooled in the end, which makes up for it. A learner that does not count in ``n_steps`` is left as
    it is. Each learns on one thread, for folds are learned side by side.
    """
    share = min(1.0, LEARNING / trial.n_splits)
    images, has_unlabelled = reads_images(trial.augmenter, trial.X), trial.X_unlabeled is not None
    learner: Any = on_one_thread(
        new_learner(trial.augmenter.generator, for_images=images, has_unlabelled=has_unlabelled)
    )
    if hasattr(learner, "n_steps"):
        learner.set_params(n_steps=max(1, math.ceil(learner.n_steps * share)))
    caps = {"max_steps": trial.augmenter.max_steps, "max_seconds": trial.augmenter.max_seconds}
    cut = {name: cap * share if name == "max_seconds" else math.ceil(cap * share) for name, cap in caps.items() if cap}
    return clone(trial.augmenter).set_params(generator=learner, **cut)


def _try_fold(trial: Trial, augmenter: SyntheticAugmenter, number: int, train: np.ndarray, test: np.ndarray) -> _Part:
    """Learn on one inner training part, if a candidate adds synthetic rows, train with every candidate, and answer for
    the inner test part.
    """
    seed = derive(trial.seed, "inner", number)
    X, y = take(trial.X, train), take(trial.y, train)
    groups, weight = (None if part is None else part[train] for part in (_known(trial.groups), trial.weight))
    with warnings.catch_warnings():
        for category in (SmallClassWarning, ShortfallWarning):  # of inner parts; the user hears of the outer one
            warnings.simplefilter("ignore", category)
        # Rows are planned for all rows alike: by its own counts a part would get others, or lack a class that is named.
        part = clone(augmenter).set_params(random_state=seed, sampling_strategy="auto", n_synthetic="auto")
        counts = counts_of(y)
        plan = without_small_classes(plan_of_part(plan_for(augmenter, trial.y), counts_of(trial.y), counts), counts)
        plain = Setting(trial.estimator, part, None, plan, trial.transform, seed=seed, weight=weight, groups=groups)
        answer = partial(_answer, X, y, X_test=as_estimator_wants(trial.estimator, take(trial.X, test)))
        try:
            answers = {NOTHING: answer(plain, REAL_ALONE)}
        except ConfigError:
            raise
        except ValueError as error:  # before anything is learned
            raise CannotFit(str(error)) from error
        source = part.fit(X, y, groups=groups, X_unlabeled=trial.X_unlabeled) if _learns(trial) else None
        setting = replace(plain, source=None if source is None else DrawsOnce(source))
        return _Part(answers | {name: answer(setting, mix) for name, mix in trial.candidates.items()}, source)


def _learns(trial: Trial) -> bool:
    return any(adds_synthetic(mix) for mix in trial.candidates.values())


def mixings(mix: Mix) -> int:
    """Return how often a candidate is mixed and trained: once where there is nothing to mix."""
    return N_MIXES if mix.amount else 1


def _answer(X: Any, y: Any, setting: Setting, mix: Mix, *, X_test: Any) -> list[Answers]:
    """Return a candidate's answers, ``N_MIXES`` of them."""
    seeds = [derive(setting.seed, "mix", number) for number in range(mixings(mix))]
    fitted = [fit_mix(mix, X, y, replace(setting, seed=seed)) for seed in seeds]
    answers = [answers_of(one.classifier, X_test) for one in fitted]
    return answers * (N_MIXES // len(answers))


def _scores(trial: Trial, parts: list[_Part], tests: list[np.ndarray]) -> dict[str, np.ndarray]:
    y, blocks = np.asarray(trial.y), blocks_of(trial)
    classes = np.unique(y[np.concatenate(blocks)])

    def shared_out(name: str, mix: int) -> np.ndarray:
        pooled = among(classes, pool_answers([part.answers[name][mix] for part in parts], tests))
        return score_blocks(trial.scoring, pooled, y, blocks)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true", UserWarning)  # a class of one row
        return {name: np.stack([shared_out(name, mix) for mix in range(N_MIXES)]) for name in parts[0].answers}


def blocks_of(trial: Trial) -> list[np.ndarray]:
    """Return blocks of the rows that can be scored, those of classes with two at least; a group lies in one block.

    Rows of one group err together, so their number says nothing of how sure a gain is: that of the groups does.
    """
    labels = fit_label_codec(trial.y).encode(trial.y)
    able = np.flatnonzero(np.bincount(labels)[labels] >= FEWEST_ROWS)
    if trial.groups is None:
        return [able[block] for block in stratified_blocks(labels[able], min(_MOST_BLOCKS, len(able)))]
    _, firsts, numbers = np.unique(np.asarray(trial.groups)[able], return_index=True, return_inverse=True)
    parts = stratified_folds(labels[able][firsts], n_splits=min(_MOST_BLOCKS, len(firsts)), seed=trial.seed)
    return [able[np.isin(numbers, part)] for _, part in parts]


def _known(groups: Any) -> np.ndarray | None:
    return None if groups is None else np.asarray(groups)
