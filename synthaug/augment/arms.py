"""Arms: ways to train a classifier on the same rows, to be compared with one another.

An arm is a function of a ``Task`` that returns what it trained. All arms but *none* and *gated* add the same number
of rows, the augmenter's plan. An arm that does not fit the rows or the classifier raises ``NotApplicable`` with the
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
from synthaug.data.container import join, known, unwrap
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.errors import SmallClassWarning, SynthaugError

_SMOTE_NEIGHBOURS = 5


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

    counts = _counts(task)
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
        model.fit(task.X, task.y, groups=task.groups)
    return Trained(model, model.n_added_, model.gate_)


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


def _counts(task: Task) -> Counts:
    labels, counts = np.unique(np.asarray(task.y), return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))


ARMS: dict[str, Arm] = {
    "none": none,
    "classic": classic,
    "smote": smote,
    "gan": gan,
    "classic+gan": classic_gan,
    "gated": gated,
}

SHARED_LEARNER_ARMS = ("gan", "classic+gan")
GATED_ARMS = ("gated",)
