"""Label agreement: a classifier that knows only real rows says which class a synthetic row looks like.

The classifier is linear on random features beside the raw pixels, both standardised, classes weighted evenly: enough
for 4 to 60 rows a class, and convex, so two fits agree. It is fitted K times, each time without one fold, so that every
real row gets probabilities from a head that never saw it; new rows get the mean over the heads. The strength of its
regularisation is the one with the least held-out loss.
"""

import warnings
from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from synthaug._seed import derive, numpy_stream
from synthaug.data.schema import ImageSchema, Schema
from synthaug.data.split import stratified_folds
from synthaug.errors import LabelError, ShapeError
from synthaug.models.features import RandomFeatures
from synthaug.quality.copying import flat_pixels

_STRENGTHS = (1.0, 10.0, 100.0)  # scikit-learn's C, for blocks of columns of mean squared norm 1
_PIXELS_A_SIDE = 16
_ABSENT = -1e4  # logit of a class that a head never saw
_NEVER_HELD_OUT = -1


@dataclass(frozen=True, eq=False)
class Judge:
    """Linear heads on random features beside the pixels: weights only, so it may be saved.

    Attributes
    ----------
    features
        The fixed network under the heads.
    weights, biases
        The heads, shapes (K, d, n_classes) and (K, n_classes), float32.
    """

    features: RandomFeatures
    weights: Tensor
    biases: Tensor

    @torch.no_grad()
    def probabilities(self, x: Tensor) -> Tensor:
        """Return class probabilities of new rows, the mean over the heads.

        Parameters
        ----------
        x
            Rows, images (n, c, h, w) in [-1, 1] or tables (n, d), float32.

        Returns
        -------
        Probabilities, shape (n, n_classes), float32, on the CPU.
        """
        columns = judged_columns(self.features, x.cpu())
        logits = torch.einsum("nd,kdc->knc", columns, self.weights) + self.biases[:, None]
        return logits.softmax(-1).mean(0)


@dataclass(frozen=True, eq=False)
class CrossFit:
    """A judge, and what each of its heads says of the rows that this head never saw.

    Attributes
    ----------
    judge
        K heads, each fitted without one fold of the rows.
    held_out
        For each row it was fitted on, probabilities from the head that never saw it, shape (n, n_classes); NaN for the
        only row of a class, which no head can do without. It tells about training rows: it must not be saved.
    """

    judge: Judge
    held_out: Tensor = field(repr=False)

    def probabilities(self, x: Tensor) -> Tensor:
        """Return class probabilities of new rows, shape (n, n_classes), the mean over the heads."""
        return self.judge.probabilities(x)


def cross_fit(
    x: Tensor, y: Tensor, *, schema: Schema, n_folds: int = 3, seed: int = 0, groups: np.ndarray | None = None
) -> CrossFit:
    """Return a classifier fitted on rows, with honest probabilities for these same rows.

    Parameters
    ----------
    x, y
        Rows, images (n, c, h, w) in [-1, 1] or tables (n, d), float32, and labels (n,), int64 in 0 .. n_classes - 1.
    schema
        What the rows are.
    n_folds
        How many heads, at least 2 (one where no row can be spared). A class of two rows is held out by two of them, a
        class of one row by none.
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

    Examples
    --------
    >>> import torch
    >>> from synthaug.data.schema import Column, TableSchema
    >>> schema = TableSchema((Column("a", "number"), Column("b", "number")), n_classes=2)
    >>> x = torch.tensor([[-1.0, 0.0], [-1.2, 0.1], [1.0, 0.0], [1.1, -0.1]])
    >>> fit = cross_fit(x, torch.tensor([0, 0, 1, 1]), schema=schema)
    >>> fit.probabilities(x).argmax(1).tolist(), fit.held_out.argmax(1).tolist()
    ([0, 0, 1, 1], [0, 0, 1, 1])
    """
    _check(x, y, schema.n_classes)
    labels = y.cpu().numpy()
    features = RandomFeatures(schema, seed=derive(seed, "agreement"))
    columns = judged_columns(features, x.cpu()).double()
    centre, scale = _standard(columns, features.n_features)
    rows = ((columns - centre) / scale).numpy()
    folds = held_out_folds(labels, n_folds, seed, groups)
    fits = [_fit_heads(rows, labels, folds, schema.n_classes, strength) for strength in _STRENGTHS]
    weights, biases, held_out = min(fits, key=lambda fit: _balanced_loss(fit[2], labels))
    plain = weights / scale[:, None]  # the heads take columns as they are: centre and scale need not be kept
    biases = biases - centre @ plain
    return CrossFit(Judge(features, plain.float(), biases.float()), held_out.float())


def held_out_folds(labels: np.ndarray, n_folds: int, seed: int, groups: np.ndarray | None = None) -> np.ndarray:
    """Return by which fold each row is held out.

    Parameters
    ----------
    labels
        The rows' classes, shape (n,).
    n_folds
        How many folds, at least 2. A class of two rows is spread over two of them.
    seed
        Names the folds.
    groups
        Which rows belong together, shape (n,): a group is held out whole.

    Returns
    -------
    Folds, shape (n,), int; -1 for the only row of a class, or for all where there are too few groups or rows.
    """
    return _folds(labels, n_folds, seed) if groups is None else _group_folds(labels, groups, n_folds, seed)


def n_pixel_columns(schema: Schema) -> int:
    """Return how many columns the heads see beside the random features: the pixels of an image, none for a table."""
    if not isinstance(schema, ImageSchema):
        return 0
    channels, height, width = schema.shape
    return channels * min(height, _PIXELS_A_SIDE) * min(width, _PIXELS_A_SIDE)


def label_agreement(probabilities: Tensor, labels: Tensor) -> float:
    """Return the fraction of rows whose most probable class is their label.

    Parameters
    ----------
    probabilities, labels
        Class probabilities (n, n_classes) and labels (n,), int64.

    Returns
    -------
    Fraction, 0 to 1; NaN without rows.

    Examples
    --------
    >>> import torch
    >>> label_agreement(torch.tensor([[0.9, 0.1], [0.6, 0.4]]), torch.tensor([0, 1]))
    0.5
    """
    return float((probabilities.argmax(1) == labels).double().mean())


def _check(x: Tensor, y: Tensor, n_classes: int) -> None:
    if len(x) != len(y) or len(x) == 0:
        raise ShapeError(f"rows and labels must be equally many and at least 1; got {len(x)} and {len(y)}.")
    if int(y.min()) < 0 or int(y.max()) >= n_classes:
        raise LabelError(f"labels must lie in 0 .. {n_classes - 1}; got {int(y.min())} .. {int(y.max())}.")


@torch.no_grad()
def judged_columns(features: RandomFeatures, x: Tensor) -> Tensor:
    """Return what the heads see, (n, d): random features, then (for images) pixels."""
    pixels = [flat_pixels(x.float(), side=_PIXELS_A_SIDE)] if x.ndim == 4 else []
    return torch.cat([features(x), *pixels], dim=1)


def _standard(columns: Tensor, n_features: int) -> tuple[Tensor, Tensor]:
    """Return centre and scale that give both blocks of columns a mean squared norm of at most 1."""
    spread = columns.std(0, correction=0)
    scales = [
        (block + 0.1 * block.mean() + 1e-6) * len(block) ** 0.5
        for block in spread.split(_block_sizes(spread, n_features))
    ]
    return columns.mean(0), torch.cat(scales)


def _block_sizes(columns: Tensor, n_features: int) -> list[int]:
    return [size for size in (n_features, len(columns) - n_features) if size]


def _folds(labels: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Return each row's fold, every class dealt out evenly; -1 for the only row of a class."""
    generator = numpy_stream(seed, "folds")
    folds = np.full(len(labels), _NEVER_HELD_OUT)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        if len(rows) > 1:
            folds[rows] = (np.arange(len(rows)) + label) % n_folds  # the odd rows of the classes go to different folds
    return folds


def _group_folds(labels: np.ndarray, groups: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Return each row's fold, groups whole and classes spread; -1 for all where there are too few groups or rows."""
    folds = np.full(len(labels), _NEVER_HELD_OUT)
    n_splits = min(n_folds, len(np.unique(groups)), int(np.bincount(labels).max()))
    if n_splits > 1:
        for fold, (_, test) in enumerate(stratified_folds(labels, n_splits=n_splits, seed=seed, groups=groups)):
            folds[test] = fold
    return folds


def _fit_heads(
    rows: np.ndarray, labels: np.ndarray, folds: np.ndarray, n_classes: int, strength: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return weights, biases and held-out probabilities of one head for each fold."""
    n_heads = max(1, folds.max() + 1)
    heads = [_fit_head(rows[folds != fold], labels[folds != fold], n_classes, strength) for fold in range(n_heads)]
    held_out = torch.full((len(rows), n_classes), torch.nan, dtype=torch.float64)
    for fold, (weight, bias) in enumerate(heads):
        held_out[folds == fold] = (torch.from_numpy(rows[folds == fold]) @ weight + bias).softmax(1)
    return torch.stack([weight for weight, _ in heads]), torch.stack([bias for _, bias in heads]), held_out


def _fit_head(rows: np.ndarray, labels: np.ndarray, n_classes: int, strength: float) -> tuple[Tensor, Tensor]:
    """Return weight (d, n_classes) and bias (n_classes,) of a logistic regression; absent classes are improbable."""
    weight = torch.zeros(rows.shape[1], n_classes, dtype=torch.float64)
    bias = torch.full((n_classes,), _ABSENT, dtype=torch.float64)
    present = np.unique(labels)
    if len(present) == 1:
        bias[present] = 0.0
        return weight, bias
    from sklearn.linear_model import LogisticRegression  # a fifth of a second that importing synthaug need not cost

    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=500)
    with warnings.catch_warnings():  # a head that is not quite converged is as good a judge
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows, labels)
    coefficients, intercepts = torch.from_numpy(model.coef_), torch.from_numpy(model.intercept_)
    if len(present) == 2:
        coefficients, intercepts = (
            torch.cat([-coefficients, coefficients]) / 2,
            torch.cat([-intercepts, intercepts]) / 2,
        )
    weight[:, present], bias[present] = coefficients.T, intercepts
    return weight, bias


def _balanced_loss(held_out: Tensor, labels: np.ndarray) -> float:
    """Return the mean over classes of the held-out rows' mean log loss."""
    intended = held_out[torch.arange(len(labels)), torch.from_numpy(labels)].clamp_min(1e-12)
    losses = [-intended[labels == label].log().nanmean() for label in np.unique(labels)]
    return float(torch.stack(losses).nanmean())
