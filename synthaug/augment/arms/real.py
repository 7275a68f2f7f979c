"""Arms of real rows alone: as they are, repeated, weighted, transformed, or under a teacher's labels."""

from dataclasses import replace

import numpy as np
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight

from synthaug.augment.arms.task import Task, Trained, setting_of, train, train_mix
from synthaug.augment.fitting import own_parameter
from synthaug.augment.mix import Mix
from synthaug.augment.ways import check_weights

_ALONE = Mix(amount=0.0)


def none(task: Task) -> Trained:
    """Train on the real rows alone."""
    return train_mix(task, _ALONE)


def repeat(task: Task) -> Trained:
    """Fill up with the real rows again: what more steps and balanced classes give by themselves."""
    return train_mix(task, Mix(synthetic_fraction=0.0))


def class_weight(task: Task) -> Trained:
    """Train on the real rows alone, each class with the same weight in all (scikit-learn's ``balanced``)."""
    parameter = own_parameter(task.estimator, "class_weight")
    setting = setting_of(task, _ALONE)
    if parameter is not None:
        balanced = clone(task.estimator).set_params(**{parameter: "balanced"})
        return train(task, _ALONE, replace(setting, estimator=balanced))
    check_weights(task.estimator, "a weight of classes")
    return train(task, _ALONE, replace(setting, weight=compute_sample_weight("balanced", np.asarray(task.y))))


def classic(task: Task) -> Trained:
    """Fill up with transformed real rows."""
    return train_mix(task, Mix(synthetic_fraction=0.0, classic=True))


def classic_twice(task: Task) -> Trained:
    """Fill up twice with transformed real rows: as many as *classic+gan* adds, none of them synthetic."""
    return train_mix(task, Mix(amount=2.0, synthetic_fraction=0.0, classic=True))


def self_distillation(task: Task) -> Trained:
    """Fill up with the real rows again under soft labels: what the teachers give without a synthetic row.

    Furlanello et al., "Born-Again Neural Networks", 2018.
    """
    return train_mix(task, Mix(synthetic_fraction=0.0, labels="soft"))
