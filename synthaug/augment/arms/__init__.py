"""Arms: ways to train a classifier on the same rows, to be compared with one another.

An arm is a function of a ``Task`` that returns what it trained. All arms that add rows, but *gated*, fill the classes
up by the augmenter's plan: to the same counts. *classic+gan* adds as many again, synthetic ones, and has *classic
twice* for a control; *self-training* adds more, in the plan's proportions, where the rows that it labels are more than
that. An arm that does not fit the rows or the classifier raises ``NotApplicable`` with the reason.
"""

from synthaug.augment.arms.blended import cutmix, mixup
from synthaug.augment.arms.real import class_weight, classic, classic_twice, none, repeat, self_distillation
from synthaug.augment.arms.sampled import noise, oversample, smote, smote_classic
from synthaug.augment.arms.synthetic import (
    classic_gan,
    gan,
    gan_low_weight,
    gan_pretrain,
    gan_raw,
    gan_soft_labels,
    gated,
)
from synthaug.augment.arms.task import Arm, Task, Trained, train_mix
from synthaug.augment.arms.threshold import threshold
from synthaug.augment.arms.unlabelled import gan_unlabelled, self_training
from synthaug.augment.ways import NotApplicable

__all__ = [
    "ARMS",
    "GATED_ARMS",
    "SHARED_LEARNER_ARMS",
    "USES_GAN",
    "USES_UNLABELLED",
    "Arm",
    "NotApplicable",
    "Task",
    "Trained",
    "self_training",
    "train_mix",
]

ARMS: dict[str, Arm] = {
    "none": none,
    "repeat": repeat,
    "class_weight": class_weight,
    "threshold": threshold,
    "oversample": oversample,
    "smote": smote,
    "smote+classic": smote_classic,
    "noise": noise,
    "classic": classic,
    "classic twice": classic_twice,
    "mixup": mixup,
    "cutmix": cutmix,
    "self-distillation": self_distillation,
    "gan raw": gan_raw,
    "gan": gan,
    "classic+gan": classic_gan,
    "gan soft labels": gan_soft_labels,
    "gan low weight": gan_low_weight,
    "gan pretrain": gan_pretrain,
    "gan unlabelled": gan_unlabelled,
    "self-training": self_training,
    "gated": gated,
}

SHARED_LEARNER_ARMS = (
    "gan raw",
    "gan",
    "classic+gan",
    "gan soft labels",
    "gan low weight",
    "gan pretrain",
    "gan unlabelled",
)
GATED_ARMS = ("gated",)
USES_GAN = (*SHARED_LEARNER_ARMS, *GATED_ARMS)
USES_UNLABELLED = (*(ARMS[name] for name in USES_GAN), self_training)
