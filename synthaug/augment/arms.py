"""Arms: ways to train a classifier on the same rows, to be compared with one another.

An arm is a function of a ``Task`` that returns what it trained. All arms but *none* and *gated* fill the classes up by
the augmenter's plan: to the same counts, which *self-training* exceeds, in the plan's proportions, where the rows that
it labels are more than that. An arm that does not fit the rows or the classifier raises ``NotApplicable`` with the
reason.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.classifier import AugmentedClassifier
from synthaug.augment.fitting import as_estimator_wants, fit_classifier
from synthaug.augment.gate import Decision
from synthaug.augment.mix import Mix, mix_rows, reads_images
from synthaug.augment.plan import Counts
from synthaug.augment.unlabelled import as_rows_of
from synthaug.data.container import join, known, take, unwrap
from synthaug.data.labels import LabelCodec, fit_label_codec
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.errors import SmallClassWarning, SynthaugError

_SMOTE_NEIGHBOURS = 5
_SURE = 0.75  # this and the rounds are scikit-learn's defaults for self-training
_MOST_ROUNDS = 10


class NotApplicable(SynthaugError, ValueError):  # noqa: N818  no error of the user's
    """An arm that does not fit the rows or the classifier; its message says why."""


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
        What *classic* does: see ``transform_images``.
    scoring
        The primary metric, which the gate goes by.
    seed
        Decides everything random.
    X_unlabeled
        Rows without labels that may be learned from, none of them a row of the study; None where there are none.
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


def none(task: Task) -> Trained:
    """Train on the real rows alone."""
    return _train(task, Mix(amount=0.0))


def classic(task: Task) -> Trained:
    """Fill up with transformed real rows."""
    _need_images(task)
    return _train(task, Mix(synthetic_fraction=0.0, classic=True))


def smote(task: Task) -> Trained:
    """Fill up with points between a row and one of its neighbours of the same class (Chawla et al., 2002)."""
    from imblearn.over_sampling import SMOTE

    counts = _counts(task.y)
    small = [label for label, n in counts.items() if task.plan[label] and n < FEWEST_ROWS]
    if small:
        raise NotApplicable(f"SMOTE needs {FEWEST_ROWS} rows a class; {small[0]!r} has 1")
    fewest = min((n for label, n in counts.items() if task.plan[label]), default=FEWEST_ROWS)
    target = {label: n + task.plan[label] for label, n in counts.items()}
    sampler = SMOTE(
        sampling_strategy=target,
        k_neighbors=min(_SMOTE_NEIGHBOURS, fewest - 1),
        random_state=derive(task.seed, "smote") % 2**32,
    )
    rows = np.asarray(known(task.X)).reshape(len(task.X), -1)
    labels, container = unwrap(known(task.y))
    new, y = (part[len(rows) :] for part in sampler.fit_resample(rows, labels))
    X = join(task.X, _on_the_grid(task, new))
    classifier = fit_classifier(task.estimator, as_estimator_wants(task.estimator, X), join(task.y, container.wrap(y)))
    return Trained(classifier, len(y))


def _on_the_grid(task: Task, rows: np.ndarray) -> Any:
    """Return flat rows with the training rows' shape, container and grey levels, as drawn rows have them too."""
    array, container = unwrap(known(task.X))
    options = RowsOptions(task.augmenter.image_shape, task.augmenter.image_format)
    codec = fit_row_codec(np.asarray(array), container, options)
    return codec.decode(codec.encode(rows.reshape(-1, *codec.row_shape)))


def gan(task: Task) -> Trained:
    """Fill up with synthetic rows."""
    return _train(task, Mix())


def classic_gan(task: Task) -> Trained:
    """Fill up half with transformed real rows and half with transformed synthetic ones."""
    _need_images(task)
    return _train(task, Mix(synthetic_fraction=0.5, classic=True))


def gated(task: Task) -> Trained:
    """Let the gate choose on the training rows: ``AugmentedClassifier`` as a user has it."""
    model = AugmentedClassifier(
        task.estimator,
        task.augmenter,
        scoring=task.scoring,
        random_state=task.seed,
        image_transform=task.transform,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallClassWarning)  # the study says it once, of all rows
        model.fit(task.X, task.y, groups=task.groups, X_unlabeled=task.X_unlabeled)
    return Trained(model, model.n_added_, model.gate_)


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
    if not hasattr(task.estimator, "predict_proba"):
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
    mixed = mix_rows(
        Mix(synthetic_fraction=0.0),
        X,
        y,
        source=None,
        augmenter=task.augmenter,
        plan=_repeats(task, y),
        transform=task.transform,
        seed=derive(task.seed, "self-training"),
    )
    classifier = fit_classifier(task.estimator, as_estimator_wants(task.estimator, mixed.X), mixed.y)
    return Trained(classifier, len(mixed.y) - len(task.y))


def _repeats(task: Task, y: Any) -> Counts:
    """Return how many rows of each class of y to repeat, so that the classes stand as the plan wants them."""
    real, now = _counts(task.y), _counts(y)
    wanted = {label: n + task.plan[label] for label, n in real.items() if n >= FEWEST_ROWS}
    times = max([1.0, *(now[label] / n for label, n in wanted.items())])
    return {label: round(times * n) - now[label] for label, n in wanted.items()}


def _train(task: Task, mix: Mix) -> Trained:
    source = task.learned() if mix.amount and mix.synthetic_fraction else None
    plan = task.plan
    if source is not None:
        plan = {label: n if source.class_counts_[label] >= FEWEST_ROWS else 0 for label, n in plan.items()}
    mixed = mix_rows(
        mix,
        task.X,
        task.y,
        source=source,
        augmenter=task.augmenter,
        plan=plan,
        transform=task.transform,
        seed=derive(task.seed, "mix"),
    )
    classifier = fit_classifier(task.estimator, as_estimator_wants(task.estimator, mixed.X), mixed.y, mixed.weight)
    return Trained(classifier, mixed.n_added)


def _need_images(task: Task) -> None:
    if not reads_images(task.augmenter, task.X):
        raise NotApplicable("a table has no classical transforms")


def _counts(y: Any) -> Counts:
    labels, counts = np.unique(np.asarray(y), return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))


ARMS: dict[str, Arm] = {
    "none": none,
    "classic": classic,
    "smote": smote,
    "gan": gan,
    "classic+gan": classic_gan,
    "gated": gated,
    "self-training": self_training,
}

USES_UNLABELLED = (gan, classic_gan, gated, self_training)
SHARED_LEARNER_ARMS = ("gan", "classic+gan")
GATED_ARMS = ("gated",)
