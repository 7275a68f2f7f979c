"""What ``compare`` checks before anything is learned: its arguments, the splits, and rows without labels."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from synthaug._check import FEWEST_ROWS, check_word
from synthaug.augment.arms import ARMS, USES_UNLABELLED, Arm, self_training
from synthaug.augment.fitting import has_method
from synthaug.augment.learning import check_generator, new_learner
from synthaug.augment.mix import reads_images
from synthaug.augment.plan import counts_of
from synthaug.augment.unlabelled import check_takes_unlabelled, check_unlabelled
from synthaug.data.split import Split
from synthaug.errors import ConfigError, SmallClassWarning
from synthaug.experiment.results import is_learned
from synthaug.experiment.run_split import blocks_of
from synthaug.experiment.work import Work

FEWEST_RESAMPLES, _MOST_RESAMPLES = 100, 100_000


def check_resamples(bootstrap: Any) -> int:
    """Return how often groups are resampled: 0, or 100 at least, below which an interval's ends are chance."""
    whole = isinstance(bootstrap, int | np.integer) and not isinstance(bootstrap, bool)
    if not whole or not (bootstrap == 0 or FEWEST_RESAMPLES <= bootstrap <= _MOST_RESAMPLES):
        raise ConfigError(
            f"bootstrap must be 0 or {FEWEST_RESAMPLES} to {_MOST_RESAMPLES} resamples; got {bootstrap!r}. 1000 is "
            "usual."
        )
    return int(bootstrap)


def check_jobs(n_jobs: Any) -> None:
    """Raise ConfigError unless this is a number of jobs, as joblib takes it."""
    whole = isinstance(n_jobs, int | np.integer) and not isinstance(n_jobs, bool)
    if n_jobs is not None and (not whole or n_jobs == 0):
        raise ConfigError(f"n_jobs must be None, at least 1, or -1 for one a core; got {n_jobs!r}.")


def read_arms(arms: Any) -> dict[str, Arm]:
    """Return the arms by name, the baseline first.

    Raises
    ------
    ConfigError
        If they are fewer than two, without an order, unknown, named twice or not by words.
    """
    if isinstance(arms, str) or not isinstance(arms, Sequence | Mapping) or len(arms) < 2:
        raise ConfigError(f"arms must be a list or a dict of at least two, the baseline first; got {arms!r}.")
    if isinstance(arms, Mapping):
        if unnamed := [name for name in arms if not isinstance(name, str)]:
            raise ConfigError(f"arms must be named by words; got {unnamed[0]!r}. Write {str(unnamed[0])!r}.")
        return {name: arm if callable(arm) else check_word("arm", arm, ARMS) for name, arm in arms.items()}
    if len(set(arms)) < len(arms):
        raise ConfigError(f"arms must each stand once; got {list(arms)}.")
    return {name: check_word("arm", name, ARMS) for name in arms}


def check_splits(work: Work, splits: Sequence[Split]) -> None:
    """Raise unless there are two splits, each learns from two classes, and common test rows can tell chance."""
    if len(splits) < 2:
        raise ConfigError(f"cv must give at least 2 splits; got {len(splits)} (chance cannot be told from one).")
    _check_two_classes_to_learn(work, splits)
    blocks_of(work, splits[0])


def _check_two_classes_to_learn(work: Work, splits: Sequence[Split]) -> None:
    for number, split in enumerate(splits):
        there = np.unique(np.asarray(work.y)[split.train]).tolist()
        if len(there) < 2:
            raise ConfigError(
                f"cv must leave two classes to learn from in every split; got split {number}, whose training rows are "
                f"all of {there}. Shuffle, take fewer folds, or groups that hold more classes."
            )


def warn_of_small_classes(work: Work, splits: Sequence[Split]) -> None:
    """Warn of classes with a single row to learn from, which get no drawn rows, and of those that are missing on one
    side of a split, which is scored over the others.
    """
    labels = np.asarray(work.y)
    counts = [counts_of(labels[split.train]) for split in splits]
    single = [{label for label, n in of_split.items() if n < FEWEST_ROWS} for of_split in counts]
    if any(single) and any(map(is_learned, work.arms)):
        warnings.warn(
            f"{sum(map(bool, single))} of {len(splits)} splits have a single row to learn from of "
            f"{sorted(set().union(*single), key=str)}: no learner draws rows of these there. Take more of them.",
            SmallClassWarning,
            stacklevel=4,
        )
    classes = set(labels.tolist())
    for side, what in (("train", "to learn from"), ("test", "to test on")):
        missing = [classes - set(labels[getattr(split, side)].tolist()) for split in splits]
        if any(missing):
            warnings.warn(
                f"{sum(map(bool, missing))} of {len(splits)} splits have no row {what} of "
                f"{sorted(set().union(*missing), key=str)}: their scores are not of the same classes as the others'. "
                "Take fewer folds, or more groups that hold these classes.",
                SmallClassWarning,
                stacklevel=4,
            )


def check_rows_without_labels(work: Work) -> None:
    """Raise unless the rows without labels, if any, are like X's, apart from them, and of use to each arm that asks."""
    if work.X_unlabeled is None:
        return
    check_unlabelled(work.X, work.X_unlabeled, work.augmenter)
    users = [arm for arm in work.arms.values() if arm in USES_UNLABELLED or arm not in ARMS.values()]
    if not users or (users == [self_training] and not has_method(work.estimator, "predict_proba")):
        raise ConfigError(
            f"X_unlabeled must be of use to an arm; got {list(work.arms)}, which use none. Add 'self-training' (with a "
            "classifier that has predict_proba), 'gan' or 'gated', or leave X_unlabeled out."
        )
    if any(arm in USES_UNLABELLED and arm is not self_training for arm in users):
        check_generator(work.augmenter.generator)
        images = reads_images(work.augmenter, work.X)
        check_takes_unlabelled(new_learner(work.augmenter.generator, for_images=images, has_unlabelled=True))
