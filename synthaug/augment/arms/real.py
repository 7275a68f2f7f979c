"""Arms of real rows alone: as they are, repeated, weighted, transformed, or under a teacher's labels."""

from synthaug.augment.arms.task import Task, Trained, train_mix
from synthaug.augment.mix import CLASS_WEIGHT, CLASSIC, CLASSIC_TWICE, REAL_ALONE, REPEAT, Mix


def none(task: Task) -> Trained:
    """Train on the real rows alone."""
    return train_mix(task, REAL_ALONE)


def repeat(task: Task) -> Trained:
    """Fill up with the real rows again: what more steps and balanced classes give by themselves."""
    return train_mix(task, REPEAT)


def class_weight(task: Task) -> Trained:
    """Train on the real rows alone, each class with the same weight in all (scikit-learn's ``balanced``)."""
    return train_mix(task, CLASS_WEIGHT)


def classic(task: Task) -> Trained:
    """Fill up with transformed real rows."""
    return train_mix(task, CLASSIC)


def classic_twice(task: Task) -> Trained:
    """Fill up twice with transformed real rows: as many as *classic+gan* adds, none of them synthetic."""
    return train_mix(task, CLASSIC_TWICE)


def self_distillation(task: Task) -> Trained:
    """Fill up with the real rows again under soft labels: what the teachers give without a synthetic row.

    Furlanello et al., "Born-Again Neural Networks", 2018.
    """
    return train_mix(task, Mix(synthetic_fraction=0.0, labels="soft"))
