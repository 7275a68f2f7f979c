"""Rows that a classifier of the real rows puts, surely enough, into the intended class.

A row is kept if its most probable class is the intended one and the probability is at least that class's threshold:
the 10 % quantile of what the real rows of the class get from a head that never saw them.

References
----------
Ravuri, Vinyals, "Classification Accuracy Score for Conditional Generative Models", 2019 (the class that a classifier
of real rows sees). Xue et al., "Synthetic Augmentation and Feature-based Filtering for Improved Cervical
Histopathology Image Classification", 2019 (dropping rows whose label a classifier doubts).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from torch import Tensor

from synthaug.data.schema import Schema
from synthaug.errors import FileError
from synthaug.models.features import RandomFeatures
from synthaug.quality.agreement import Judge, cross_fit, n_pixel_columns
from synthaug.quality.selection.protocol import Review, State, check_parts
from synthaug.quality.selection.reference import class_quantiles

ANOTHER_CLASS = "another class"  # the reason, the only one that says that a row is not of its class
LOW_QUANTILE = 0.1


@dataclass(frozen=True, eq=False)
class Agreement:
    """Keeps rows whose intended class a cross-fitted classifier confirms.

    Attributes
    ----------
    judge
        The classifier.
    thresholds
        The least probability of the intended class, shape (n_classes,), float32.

    Examples
    --------
    >>> import torch
    >>> from synthaug.data.schema import Column, TableSchema
    >>> schema = TableSchema((Column("a", "number"),), n_classes=2)
    >>> x = torch.tensor([[-1.0], [-1.2], [-0.9], [1.0], [1.1], [0.9]])
    >>> selector = fit_agreement(x, torch.tensor([0, 0, 0, 1, 1, 1]), schema=schema, seed=0)
    >>> review = selector.review(torch.tensor([[-1.1], [-1.1]]), torch.tensor([0, 1]))
    >>> review.kept.tolist(), review.dropped["another class"].tolist()
    ([True, False], [False, True])
    """

    judge: Judge
    thresholds: Tensor

    def review(self, x: Tensor, labels: Tensor) -> Review:
        """Return as scores the probability of each row's intended class, and who is of another class or unsure."""
        probabilities, labels = self.judge.probabilities(x), labels.cpu()
        scores, other = intended(probabilities, labels), probabilities.argmax(1) != labels
        return Review(scores, {ANOTHER_CLASS: other, "unsure": ~other & (scores < self.thresholds[labels])})

    def state(self) -> State:
        """Return weights and thresholds, and the settings that name the random features."""
        tensors, settings = judge_state(self.judge)
        return tensors | {"thresholds": self.thresholds}, settings | {"selection": "agreement"}

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> Self:
        """Return the selector that ``state`` described; it gives identical scores.

        Raises
        ------
        FileError
            If a tensor or setting is missing or of the wrong shape.
        """
        return cls(restore_judge(tensors, settings, schema), restore_limits(tensors, "thresholds", schema))


def fit_agreement(
    x: Tensor, y: Tensor, *, schema: Schema, seed: int = 0, groups: np.ndarray | None = None, learner: Any = None
) -> Agreement:
    """Return a selector by label agreement, fitted on training rows.

    Parameters
    ----------
    x, y
        Training rows, images (n, c, h, w) in [-1, 1] or tables (n, d), float32, and labels (n,), int64.
    schema
        What the rows are.
    seed
        Names the random features and the folds.
    groups
        Which rows belong together, shape (n,): a group is held out whole.
    learner
        Not used.

    Raises
    ------
    ShapeError
        If rows and labels differ in number, or there are none.
    LabelError
        If a label is not one of the schema's classes.
    """
    fit = cross_fit(x, y, schema=schema, seed=seed, groups=groups)
    return Agreement(fit.judge, least_probabilities(intended(fit.held_out, y.cpu()), y.cpu(), schema.n_classes))


def intended(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return the probability (n,) of each row's intended class, of probabilities (n, n_classes) and labels (n,)."""
    return probabilities.gather(1, labels[:, None]).squeeze(1)


def least_probabilities(held_out: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Return each class's low quantile (n_classes,) of the held-out probabilities (n,) of its rows' own class."""
    return class_quantiles(held_out, labels, n_classes, quantile=LOW_QUANTILE, empty=0.0)


def judge_state(judge: Judge) -> State:
    """Return a judge's weights, and the setting that names its random features."""
    return {"weights": judge.weights, "biases": judge.biases}, {"feature_seed": judge.features.seed}


def restore_judge(tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> Judge:
    """Return the judge that ``judge_state`` described, or raise FileError."""
    check_parts({"weights": 0, "biases": 0, "feature_seed": 0}, tensors | settings)
    weights, biases = tensors["weights"], tensors["biases"]
    n_heads, n_columns, *_ = (*weights.shape, 0, 0)
    n_features = n_columns - n_pixel_columns(schema)
    shapes = [tuple(weights.shape), tuple(biases.shape)]
    if n_features < 1 or shapes != [(n_heads, n_columns, schema.n_classes), (n_heads, schema.n_classes)]:
        raise does_not_fit(shapes, schema)
    return Judge(RandomFeatures(schema, n_features=n_features, seed=settings["feature_seed"]), weights, biases)


def restore_limits(tensors: dict[str, Tensor], name: str, schema: Schema) -> Tensor:
    """Return a saved limit for each class, shape (n_classes,), or raise FileError."""
    check_parts({name: 0}, tensors)
    if tuple(tensors[name].shape) != (schema.n_classes,):
        raise does_not_fit([tuple(tensors[name].shape)], schema)
    return tensors[name]


def does_not_fit(shapes: list[tuple[int, ...]], schema: Schema) -> FileError:
    """Return the error for saved tensors of shapes that do not fit each other or the rows."""
    return FileError(
        f"a saved selector must fit {schema.n_classes} classes of rows of shape {tuple(schema.shape)}; "
        f"got tensors of shapes {shapes}. Fit it again."
    )
