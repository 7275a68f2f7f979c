"""Arms that learn from rows without labels."""

from dataclasses import replace
from typing import Any

import numpy as np

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive
from synthaug.augment.arms.task import Task, Trained, setting_of, train_mix
from synthaug.augment.fitting import as_estimator_wants, has_method
from synthaug.augment.mix import Mix
from synthaug.augment.plan import Counts, counts_of
from synthaug.augment.unlabelled import as_rows_of
from synthaug.augment.ways import NotApplicable, fit_mix
from synthaug.data.container import join, take
from synthaug.data.labels import LabelCodec, fit_label_codec

_SURE = 0.75  # this and the rounds are scikit-learn's defaults for self-training
_MOST_ROUNDS = 10


def gan_unlabelled(task: Task) -> Trained:
    """Fill up with synthetic rows of a learner that saw rows without labels beside the training rows.

    Where this arm is in a study the shared learner of the others does not see those rows, so that *gan* shows what they
    are worth.
    """
    if task.X_unlabeled is None:
        raise NotApplicable("this arm needs rows without labels (X_unlabeled); there are none")
    return train_mix(replace(task, learned=task.learned_unlabelled or task.learned), Mix())


def self_training(task: Task) -> Trained:
    """Add the rows without labels that the classifier itself is sure of: what those rows give without a generator.

    A classifier fitted on the rows with labels gives its own to the others it is sure of (probability of at least
    0.75), is fitted again with those, and so on until it is sure of no more, at most 10 times. Every time the classes
    are filled up by the plan with repeated rows, so that it is balanced as the other arms are.

    Yarowsky, "Unsupervised Word Sense Disambiguation Rivaling Supervised Methods", 1995. Lee, "Pseudo-Label: The
    Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks", 2013.
    """
    if task.X_unlabeled is None:
        raise NotApplicable("self-training needs rows without labels (X_unlabeled); there are none")
    if not has_method(task.estimator, "predict_proba"):
        raise NotApplicable("self-training needs a classifier with predict_proba")
    codec, more = fit_label_codec(task.y), as_rows_of(task.X, task.X_unlabeled)
    guessed = np.full(len(more), -1)
    trained = _fit_filled_up(task, more, guessed, codec)
    for _ in range(_MOST_ROUNDS):
        found = _guess(trained.classifier, more, guessed, codec)
        if (found == guessed).all():
            break
        guessed = found
        trained = _fit_filled_up(task, more, guessed, codec)
    return trained


def _guess(classifier: Any, more: Any, guessed: np.ndarray, codec: LabelCodec) -> np.ndarray:
    """Return the class number of each row without label (m,): as it was, or what the classifier is sure of, else -1."""
    unsure, found = np.flatnonzero(guessed < 0), guessed.copy()
    if len(unsure):
        shares = classifier.predict_proba(as_estimator_wants(classifier, take(more, unsure)))
        numbers = np.array([codec.number(label) for label in classifier.classes_.tolist()])
        found[unsure] = np.where(shares.max(axis=1) >= _SURE, numbers[shares.argmax(axis=1)], -1)
    return found


def _fit_filled_up(task: Task, more: Any, guessed: np.ndarray, codec: LabelCodec) -> Trained:
    """Return the classifier fitted on the task's rows and those of class numbers ``guessed`` (m,) but -1, balanced."""
    sure = np.flatnonzero(guessed >= 0)
    X, y = join(task.X, take(more, sure)), join(task.y, codec.decode(guessed[sure]))
    mix, seed = Mix(synthetic_fraction=0.0), derive(task.seed, "self-training")
    fitted = fit_mix(mix, X, y, replace(setting_of(task, mix), plan=_repeats(task, y), seed=seed, groups=None))
    return Trained(fitted.classifier, fitted.n_added + len(sure))


def _repeats(task: Task, y: Any) -> Counts:
    """Return how many rows of each class of y to repeat, so that the classes stand as the plan wants them."""
    real, now = counts_of(task.y), counts_of(y)
    wanted = {label: n + task.plan[label] for label, n in real.items() if n >= FEWEST_ROWS}
    times = max([1.0, *(now[label] / n for label, n in wanted.items())])
    return {label: round(times * n) - now[label] for label, n in wanted.items()}
