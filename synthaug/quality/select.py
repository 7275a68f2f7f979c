"""Which drawn rows are kept: those that a classifier of the real rows puts, surely enough, into the intended class.

A row is accepted if its most probable class is the intended one and the probability is at least that class's threshold:
the 10 % quantile of what the real rows of the class get from a head that never saw them. A class of few rows borrows
from all classes: its threshold is ``(n q + 5 q_all) / (n + 5)``.

A selector holds weights and thresholds, never a training row or anything computed for a single one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from synthaug.data.schema import Schema
from synthaug.errors import FileError
from synthaug.models.features import RandomFeatures
from synthaug.quality.agreement import Judge, cross_fit, n_pixel_columns

State = tuple[dict[str, Tensor], dict[str, Any]]

_LOW_QUANTILE = 0.1
_BORROWED_ROWS = 5  # as many rows of evidence does the threshold of all classes weigh against a class's own


class Selection(Protocol):
    """What the drawing of rows asks of a selector."""

    def scores(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return how good each row is, shape (n,), 0 to 1."""
        ...

    def accept(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return which rows are kept, bool, shape (n,)."""
        ...

    def review(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return what ``accept`` and ``scores`` return, at the cost of one."""
        ...

    def state(self) -> State:
        """Return tensors and JSON-able settings that ``restore_selector`` takes."""
        ...


@dataclass(frozen=True)
class Everything:
    """The selector that keeps every row."""

    def scores(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return 1 for each row, shape (n,)."""
        return torch.ones(len(x))

    def accept(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return True for each row, shape (n,)."""
        return torch.ones(len(x), dtype=torch.bool)

    def review(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return True and 1 for each row, shapes (n,)."""
        return self.accept(x, labels), self.scores(x, labels)

    def state(self) -> State:
        """Return no tensor and the selector's name."""
        return {}, {"selection": "none"}

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> "Everything":
        """Return the selector that ``state`` described."""
        return cls()


@dataclass(frozen=True, eq=False)
class Selector:
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
    >>> selector = fit_selector(x, torch.tensor([0, 0, 0, 1, 1, 1]), schema=schema, seed=0)
    >>> selector.accept(torch.tensor([[-1.1], [-1.1]]), torch.tensor([0, 1])).tolist()
    [True, False]
    """

    judge: Judge
    thresholds: Tensor

    def scores(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return the probability of each row's intended class.

        Parameters
        ----------
        x, labels
            Drawn rows, images (n, c, h, w) in [-1, 1] or tables (n, d), and the classes they were drawn for, (n,),
            int64.

        Returns
        -------
        Probabilities, shape (n,), float32.
        """
        return self.review(x, labels)[1]

    def accept(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return which rows are of their intended class, and surely enough.

        Parameters
        ----------
        x, labels
            Drawn rows and the classes they were drawn for, as for ``scores``.

        Returns
        -------
        Bool, shape (n,).
        """
        return self.review(x, labels)[0]

    def review(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return what ``accept`` and ``scores`` return, at the cost of one.

        Parameters
        ----------
        x, labels
            Drawn rows and the classes they were drawn for, as for ``scores``.

        Returns
        -------
        Which rows are kept, bool, and their scores, float32, both of shape (n,).
        """
        probabilities, labels = self.judge.probabilities(x), labels.cpu()
        scores = _intended(probabilities, labels)
        return (scores >= self.thresholds[labels]) & (probabilities.argmax(1) == labels), scores

    def state(self) -> State:
        """Return weights and thresholds, and the settings that name the random features."""
        tensors = {"weights": self.judge.weights, "biases": self.judge.biases, "thresholds": self.thresholds}
        return tensors, {"selection": "agreement", "feature_seed": self.judge.features.seed}

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> "Selector":
        """Return the selector that ``state`` described; it gives identical scores.

        Raises
        ------
        FileError
            If a tensor or setting is missing or of the wrong shape.
        """
        missing = {"weights", "biases", "thresholds"} - set(tensors) | {"feature_seed"} - set(settings)
        if missing:
            raise FileError(
                f"a saved selector must hold all its parts; {', '.join(sorted(missing))} missing. Fit it again."
            )
        parts = (tensors["weights"], tensors["biases"], tensors["thresholds"])
        n_features = _n_features(*parts, schema)
        features = RandomFeatures(schema, n_features=n_features, seed=settings["feature_seed"])
        return cls(Judge(features, *parts[:2]), parts[2])


def fit_selector(x: Tensor, y: Tensor, *, schema: Schema, seed: int = 0, groups: np.ndarray | None = None) -> Selector:
    """Return a selector fitted on training rows.

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

    Raises
    ------
    ShapeError
        If rows and labels differ in number, or there are none.
    LabelError
        If a label is not one of the schema's classes.
    """
    fit = cross_fit(x, y, schema=schema, seed=seed, groups=groups)
    return Selector(fit.judge, _thresholds(_intended(fit.held_out, y.cpu()), y.cpu(), schema.n_classes))


def fit_nothing(x: Tensor, y: Tensor, *, schema: Schema, seed: int = 0, groups: np.ndarray | None = None) -> Everything:
    """Return the selector that keeps every row."""
    return Everything()


def restore_selector(tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> Selection:
    """Return the selector of any kind that ``state()`` described.

    Raises
    ------
    FileError
        If the kind is unknown, or a tensor or setting is missing or of the wrong shape.
    """
    kind = settings.get("selection")
    if kind not in _RESTORE:
        raise FileError(f"a saved selector must be one of {', '.join(_RESTORE)}; got {kind!r}. Update synthaug.")
    return _RESTORE[kind](tensors, settings, schema)


def _n_features(weights: Tensor, biases: Tensor, thresholds: Tensor, schema: Schema) -> int:
    """Return how many random features the weights take, if the three tensors fit each other and the schema."""
    shapes = [tuple(tensor.shape) for tensor in (weights, biases, thresholds)]
    n_heads, n_columns, *_ = (*shapes[0], 0, 0)
    n_features = n_columns - n_pixel_columns(schema)
    classes = (schema.n_classes,)
    if n_features < 1 or shapes != [(n_heads, n_columns, *classes), (n_heads, *classes), classes]:
        raise FileError(
            f"a saved selector must fit {schema.n_classes} classes of rows of shape {tuple(schema.shape)}; "
            f"got tensors of shapes {shapes}. Fit it again."
        )
    return n_features


def _intended(probabilities: Tensor, labels: Tensor) -> Tensor:
    return probabilities.gather(1, labels[:, None]).squeeze(1)


def _thresholds(held_out: Tensor, labels: Tensor, n_classes: int) -> Tensor:
    """Return each class's low quantile of the held-out probabilities, drawn towards that of all classes."""
    pooled = held_out.nanquantile(_LOW_QUANTILE).nan_to_num(0.0)
    thresholds = pooled.repeat(n_classes)
    for label in labels.unique().tolist():
        own = held_out[labels == label]
        own = own[own.isfinite()]
        if len(own):
            share = len(own) / (len(own) + _BORROWED_ROWS)
            thresholds[label] = share * own.quantile(_LOW_QUANTILE) + (1 - share) * pooled
    return thresholds


_RESTORE: dict[str, Callable[[dict[str, Tensor], dict[str, Any], Schema], Selection]] = {
    "none": Everything.from_state,
    "agreement": Selector.from_state,
}

SELECTIONS: dict[str, Callable[..., Selection]] = {"none": fit_nothing, "agreement": fit_selector}
