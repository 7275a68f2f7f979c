"""What all splits of a study share, and what is made of it for one split."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from synthaug._seed import derive
from synthaug.augment.arms import ARMS, Arm, Task
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.fitting import seeded
from synthaug.augment.learning import GAN, new_learner, on_one_thread
from synthaug.augment.metrics import metric_name
from synthaug.augment.mix import plan_for, reads_images
from synthaug.augment.plan import counts_of
from synthaug.data.container import take
from synthaug.experiment.results import FULL, FULL_UNLABELLED


@dataclass(frozen=True)
class Work:
    """What all splits of a study share.

    Attributes
    ----------
    X, y, groups
        All rows, labels and groups (or None).
    estimator, augmenter
        The classifier and the augmenter, neither fitted.
    arms
        Ways to train, by name.
    scoring
        The primary metric: a name or a scorer.
    metrics
        All metrics by name, the primary one first.
    transform
        What *classic* does.
    include_real_rows
        Whether pictures of real rows may be kept.
    learners_folder
        Where fitted learners are saved; None for nowhere.
    common_test_rows
        Whether all splits are scored on the same rows, so that scores are shared out over blocks of them.
    seed
        Decides everything random.
    X_unlabeled
        Rows without labels, none of them one of X; None where there are none.
    n_resamples
        How often the groups of the test rows are resampled, for intervals of every metric; 0 for none.
    """

    X: Any
    y: Any
    groups: np.ndarray | None
    estimator: Any
    augmenter: SyntheticAugmenter
    arms: dict[str, Arm]
    scoring: Any
    metrics: dict[str, Any]
    transform: Any
    include_real_rows: bool
    learners_folder: Path | None
    common_test_rows: bool
    seed: int
    X_unlabeled: Any = None
    n_resamples: int = 0

    @property
    def primary(self) -> str:
        """The primary metric's name."""
        return metric_name(self.scoring)


def augmenter_of(work: Work, *, has_unlabelled: bool) -> SyntheticAugmenter:
    """Return what a split's arms learn with, not fitted: on one thread, for splits may run side by side."""
    asked = work.augmenter.generator
    generator = GAN if isinstance(asked, str) and asked == "auto" else asked  # an arm called gan learns one
    learner = new_learner(generator, for_images=reads_images(work.augmenter, work.X), has_unlabelled=has_unlabelled)
    return clone(work.augmenter).set_params(generator=on_one_thread(learner))


def new_task(work: Work, train: np.ndarray, seed: int) -> Task:
    """Return what arms get: the training rows (row numbers ``train``) and nothing of any other."""
    X, y = take(work.X, train), take(work.y, train)
    groups, strategy = None if work.groups is None else work.groups[train], _strategy_of_part(work, y)
    asked = work.augmenter
    if strategy is not asked.sampling_strategy:
        asked = clone(asked).set_params(sampling_strategy=strategy)

    def learn(X_unlabeled: Any) -> SyntheticAugmenter:
        augmenter = augmenter_of(work, has_unlabelled=X_unlabeled is not None)
        augmenter.set_params(random_state=derive(seed, "learn"), sampling_strategy=strategy)
        return augmenter.fit(X, y, groups=groups, X_unlabeled=X_unlabeled)

    apart = compares_unlabelled(work)
    return Task(
        X,
        y,
        groups,
        seeded(work.estimator, derive(seed, "estimator")),
        asked,
        cache(partial(learn, None if apart else work.X_unlabeled)),
        plan_for(asked, y),
        work.transform,
        work.scoring,
        seed,
        work.X_unlabeled,
        cache(partial(learn, work.X_unlabeled)) if apart else None,
    )


def _strategy_of_part(work: Work, y: Any) -> Any:
    """Return the augmenter's strategy without the classes of the study that a split has no training row of."""
    asked = work.augmenter.sampling_strategy
    missing = counts_of(work.y).keys() - counts_of(y).keys()
    if not missing or not isinstance(asked, Mapping):
        return asked
    return {label: n for label, n in asked.items() if label not in missing}


def compares_unlabelled(work: Work) -> bool:
    """Return whether an arm is there to show what rows without labels are worth to a learner."""
    return work.X_unlabeled is not None and ARMS["gan unlabelled"] in work.arms.values()


def learners_of(task: Task) -> dict[str, Any]:
    """Return what gives the learners that a task's arms share, by name; each learns when it is first asked."""
    return {FULL: task.learned} | ({FULL_UNLABELLED: task.learned_unlabelled} if task.learned_unlabelled else {})
