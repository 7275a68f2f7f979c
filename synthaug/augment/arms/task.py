"""What an arm gets and what it returns, and what arms are made of: a mix of rows, trained on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.gate import Decision
from synthaug.augment.mix import Mix, adds_synthetic
from synthaug.augment.plan import Counts
from synthaug.augment.tuning import resolve_transform
from synthaug.augment.ways import Setting, check_applies, fit_mix


@dataclass(frozen=True)
class Task:
    """What an arm gets: the training rows of one split and nothing of any other row.

    Attributes
    ----------
    X, y, groups
        Training rows, labels, and which rows belong together (or None).
    estimator
        The classifier to train; cloned, never fitted itself.
    augmenter
        The augmenter as the user set it up, not fitted.
    learned
        Gives the augmenter fitted on these rows: learned once, shared by the arms.
    plan
        Rows to add to each class.
    transform
        What *classic* does, as the user said it: see ``transform_images``; ``tuned`` lets the training rows choose.
    scoring
        The primary metric, which the gate goes by.
    seed
        Decides everything random.
    X_unlabeled
        Rows without labels that may be learned from, none of them a row of the study; None where there are none.
    learned_unlabelled
        Gives the augmenter that saw those rows too, where *gan unlabelled* is to be compared with arms whose learner
        did not; None where ``learned`` saw them, or there are none.
    """

    X: Any
    y: Any
    groups: np.ndarray | None
    estimator: Any
    augmenter: SyntheticAugmenter
    learned: Callable[[], SyntheticAugmenter]
    plan: Counts
    transform: Any
    scoring: Any
    seed: int
    X_unlabeled: Any = None
    learned_unlabelled: Callable[[], SyntheticAugmenter] | None = None

    @cached_property
    def image_transform(self) -> Any:
        """What *classic* does on these rows: chosen once for all arms of the task where ``transform`` is ``tuned``."""
        setting = Setting(self.estimator, self.augmenter, None, self.plan, None, self.seed, groups=self.groups)
        return resolve_transform(self.transform, self.X, self.y, setting, scoring=self.scoring)


@dataclass(frozen=True)
class Trained:
    """What an arm trained.

    Attributes
    ----------
    classifier
        The fitted classifier.
    n_added
        How many rows it saw beside the real ones.
    decision
        What the gate found; None for arms without one.
    """

    classifier: Any
    n_added: int
    decision: Decision | None = None


Arm = Callable[[Task], Trained]


def train_mix(task: Task, mix: Mix) -> Trained:
    """Return the classifier trained on the task's rows and those of a mix, drawn by the shared learner.

    An arm of one's own in a line: ``arms={"mine": functools.partial(train_mix, mix=Mix(labels="soft"))}``.

    Raises
    ------
    NotApplicable
        If the mix does not fit the rows or the classifier; nothing is learned then.
    """
    setting = setting_of(task, mix)
    check_applies(mix, task.X, setting)
    if adds_synthetic(mix):
        setting = replace(setting, source=task.learned(), plan=learned_plan(task))
    return train(task, mix, setting)


def train(task: Task, mix: Mix, setting: Setting) -> Trained:
    """Return the classifier trained on the task's rows and those of a mix, in a setting."""
    fitted = fit_mix(mix, task.X, task.y, setting)
    return Trained(fitted.classifier, fitted.n_added)


def setting_of(task: Task, mix: Mix) -> Setting:
    """Return the setting of a mix in a task, without a source of synthetic rows."""
    transform, seed = task.image_transform if mix.classic else None, derive(task.seed, "mix")
    return Setting(task.estimator, task.augmenter, None, task.plan, transform, seed, groups=task.groups)


def learned_plan(task: Task) -> Counts:
    """Return the plan with 0 for classes that the shared learner could not learn."""
    counts = task.learned().class_counts_
    return {label: n if counts[label] >= FEWEST_ROWS else 0 for label, n in task.plan.items()}
