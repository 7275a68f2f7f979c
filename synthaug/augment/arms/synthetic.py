"""Arms with synthetic rows, from the learner that they share or, for *gated*, from the gate's own."""

import copy
import warnings
from dataclasses import dataclass, replace
from typing import Any

from synthaug.augment.arms.task import Task, Trained, learned_plan, setting_of, train, train_mix
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.classifier import AugmentedClassifier
from synthaug.augment.mix import CLASSIC_GAN, Mix
from synthaug.errors import SmallClassWarning
from synthaug.quality.selection import Everything

_LOW_WEIGHT = 0.3


def gan_raw(task: Task) -> Trained:
    """Fill up with synthetic rows as the shared learner draws them, none of them selected."""
    source = Unselected(task.learned())
    return train(task, Mix(), replace(setting_of(task, Mix()), source=source, plan=learned_plan(task)))


def gan(task: Task) -> Trained:
    """Fill up with synthetic rows."""
    return train_mix(task, Mix())


def classic_gan(task: Task) -> Trained:
    """Fill up with transformed real rows, as *classic* does, and with as many transformed synthetic ones beside."""
    return train_mix(task, CLASSIC_GAN)


def gan_soft_labels(task: Task) -> Trained:
    """Fill up with synthetic rows under soft labels: half their class, half what teachers of the real rows say."""
    return train_mix(task, Mix(labels="soft"))


def gan_low_weight(task: Task) -> Trained:
    """Fill up with synthetic rows that weigh 0.3 of a real one."""
    return train_mix(task, Mix(synthetic_weight=_LOW_WEIGHT))


def gan_pretrain(task: Task) -> Trained:
    """Train on synthetic rows first, and finish on the real ones, which repeated ones fill up."""
    return train_mix(task, Mix(order="pretrain"))


def gated(task: Task) -> Trained:
    """Let the gate choose on the training rows: ``AugmentedClassifier`` as a user has it."""
    model = AugmentedClassifier(
        task.estimator,
        task.augmenter,
        scoring=task.scoring,
        random_state=task.seed,
        image_transform=task.image_transform,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallClassWarning)  # the study says it once, of all rows
        model.fit(task.X, task.y, groups=task.groups, X_unlabeled=task.X_unlabeled)
    return Trained(model, model.n_added_, model.gate_)


@dataclass(frozen=True)
class Unselected:
    """A fitted augmenter's rows before selection."""

    augmenter: SyntheticAugmenter

    def sample(self, n_per_class: Any, *, random_state: int | None = None) -> tuple[Any, Any]:
        """Return rows and labels in the counts asked for; the augmenter stays as it is."""
        twin = copy.copy(self.augmenter)
        twin.selector_ = Everything()
        return twin.sample(n_per_class, random_state=random_state)
