"""Rows that are new: those that look like copies of training rows are dropped, without a training row being kept.

How near a drawn row is to the training rows (``quality/copying.py``) can't be measured once these are gone, so it is
predicted. When the learner has learned, it draws two samples. On the first, a ridge regression learns the logarithm of
each row's nearness from random features, pixels and class. On the second, the limit is set: twice as many rows are
dropped as there are copies, where a copy is nearer than the 5 % quantile of what the training rows of its class are to
each other. Where the second sample holds no copy, or the regression can't tell copies from others there (area under the
curve below 0.65), nothing is dropped.

The regression sees which kind of row tends to be a copy, not which row is one, so it lessens copies and doesn't end
them: ``latent_gan novelty`` beside ``latent_gan`` in the table of drawn images in ``benchmarks/README.md``.

Where no training row has another one to compare with (a single row, or one group of all), it isn't known what a copy
would be, so nothing is dropped.

References
----------
Meehan, Chaudhuri, Dasgupta, "A Non-Parametric Test to Detect Data-Copying in Generative Models", 2020 (distances to
the training rows against those of rows that were not learned from).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from synthaug._seed import derive
from synthaug.data.schema import Schema
from synthaug.errors import ConfigError
from synthaug.models.features import RandomFeatures
from synthaug.quality.agreement import judged_columns, n_pixel_columns
from synthaug.quality.copying import distances_to_others, nearest_distances
from synthaug.quality.selection.agreement import does_not_fit, restore_limits
from synthaug.quality.selection.protocol import Review, State, check_parts
from synthaug.quality.selection.reference import class_quantiles

_LOW_QUANTILE = 0.05
_TIMES_THE_COPIES = 2
_LEAST_SKILL = 0.65  # area under the curve
_FEWEST_DRAWN, _FEWEST_DRAWN_A_CLASS = 2048, 128
_STRENGTHS = (1e-3, 1e-2, 1e-1)  # of the ridge, against the variance of each column
_MOST_DROPPED = 0.5
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Novelty:
    """Keeps rows that are not predicted to be copies of training rows.

    Attributes
    ----------
    features
        The fixed network that gives the features.
    weights
        Of the regression, on features and pixels, shape (d,), float32.
    offsets
        Of the regression, for each class, shape (n_classes,), float32.
    limit
        The least predicted value, a scalar, float32; minus infinity where nothing is dropped.
    """

    features: RandomFeatures
    weights: Tensor
    offsets: Tensor
    limit: Tensor

    def review(self, x: Tensor, labels: Tensor) -> Review:
        """Return who is predicted to be a copy, and as scores the predicted nearness, half at the limit."""
        predicted = judged_columns(self.features, x.cpu()) @ self.weights + self.offsets[labels.cpu()]
        return Review((predicted - self.limit).sigmoid(), {"copy": predicted < self.limit})

    def state(self) -> State:
        """Return the regression and the limit, and the setting that names the random features."""
        tensors = {"weights": self.weights, "offsets": self.offsets, "limit": self.limit}
        return tensors, {"selection": "novelty", "feature_seed": self.features.seed}

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> Self:
        """Return the selector that ``state`` described; it gives identical scores.

        Raises
        ------
        FileError
            If a tensor or setting is missing or of the wrong shape.
        """
        check_parts({"weights": 0, "limit": 0, "feature_seed": 0}, tensors | settings)
        weights, limit = tensors["weights"], tensors["limit"]
        n_features = len(weights) - n_pixel_columns(schema) if weights.ndim == 1 else 0
        if n_features < 1 or limit.ndim != 0:
            raise does_not_fit([tuple(weights.shape), tuple(limit.shape)], schema)
        features = RandomFeatures(schema, n_features=n_features, seed=settings["feature_seed"])
        return cls(features, weights, restore_limits(tensors, "offsets", schema), limit)


@dataclass(frozen=True, eq=False)
class _Sample:
    """Drawn rows: columns (n, d), labels (n,), and the log of each row's nearness over its class's floor (n,)."""

    columns: Tensor
    labels: Tensor
    nearness: Tensor


@torch.no_grad()
def fit_novelty(
    x: Tensor, y: Tensor, *, schema: Schema, seed: int = 0, groups: np.ndarray | None = None, learner: Any = None
) -> Novelty:
    """Return a selector of new rows, fitted on training rows and on what the learner draws; see ``fit_agreement``.

    Raises
    ------
    ConfigError
        If there is no learner.
    """
    if learner is None:
        raise ConfigError("selection 'novelty' must be fitted with the learner whose rows it selects; got none.")
    features = RandomFeatures(schema, seed=derive(seed, "novelty"))
    others = _others(x.cpu(), features, groups)
    if not bool(others.isfinite().any()):
        return _keep_all(features, schema)
    floor = _Floor.of(x.cpu(), y.cpu(), features, others, schema.n_classes)
    first, second = (floor.sample(learner, derive(seed, "novelty", place)) for place in range(2))
    fits = [_ridge(first, schema.n_classes, strength) for strength in _STRENGTHS]
    weights, offsets = min(fits, key=lambda fit: _error(fit, second))
    limit = _limit(second.columns @ weights + offsets[second.labels], second.nearness < 0)
    return Novelty(features, weights.float(), offsets.float(), limit.float())


def _others(x: Tensor, features: RandomFeatures, groups: np.ndarray | None) -> Tensor:
    """Return how far each row is from those of other groups, in pixels and in features: shape (2, n)."""
    places = None if groups is None else torch.from_numpy(np.unique(groups, return_inverse=True)[1])
    return distances_to_others(x, groups=places, embed=features)


def _keep_all(features: RandomFeatures, schema: Schema) -> Novelty:
    weights = torch.zeros(judged_columns(features, torch.zeros(1, *schema.shape)).shape[1])
    return Novelty(features, weights, torch.zeros(schema.n_classes), torch.tensor(-torch.inf))


@dataclass(frozen=True, eq=False)
class _Floor:
    """The training rows, and how near those of each class are to others: they are gone when the selector is made."""

    train: Tensor
    features: RandomFeatures
    unit: Tensor
    floors: Tensor

    @classmethod
    def of(cls, x: Tensor, y: Tensor, features: RandomFeatures, others: Tensor, n_classes: int) -> "_Floor":
        unit = others.nanquantile(_LOW_QUANTILE, dim=1, keepdim=True).clamp(_TINY, 1 / _TINY)
        nearness = (others / unit).amin(0).clamp_min(_TINY).log()
        floors = class_quantiles(
            nearness.where(nearness.isfinite(), torch.nan), y, n_classes, quantile=_LOW_QUANTILE, empty=0.0
        )
        return cls(x, features, unit, floors)

    def sample(self, learner: Any, seed: int) -> _Sample:
        """Return rows that the learner draws, equally many of each class."""
        n_classes = len(self.floors)
        labels = torch.arange(n_classes).repeat(max(_FEWEST_DRAWN // n_classes, _FEWEST_DRAWN_A_CLASS))
        parts = enumerate(labels.split(_FEWEST_DRAWN))
        x = torch.cat([learner.draw(part, derive(seed, place)).cpu() for place, part in parts])
        distances = nearest_distances(x, self.train, embed=self.features) / self.unit
        nearness = distances.amin(0).clamp_min(_TINY).log() - self.floors[labels]
        return _Sample(judged_columns(self.features, x).double(), labels, nearness.double())


def _ridge(sample: _Sample, n_classes: int, strength: float) -> tuple[Tensor, Tensor]:
    """Return weights (d,) and an offset for each class (n_classes,), both for columns as they are."""
    count = torch.bincount(sample.labels, minlength=n_classes)[:, None]
    columns = torch.cat([sample.columns, sample.nearness[:, None]], dim=1)
    means = torch.zeros(n_classes, columns.shape[1], dtype=columns.dtype).index_add_(0, sample.labels, columns) / count
    rest, target = (columns - means[sample.labels]).split([columns.shape[1] - 1, 1], dim=1)
    scale = rest.square().mean(0)
    scatter = rest.T @ rest / len(rest) + strength * torch.diag(scale + _TINY)
    weights = torch.linalg.solve(scatter, rest.T @ target / len(rest)).squeeze(1)
    return weights, means[:, -1] - means[:, :-1] @ weights


def _error(fit: tuple[Tensor, Tensor], sample: _Sample) -> float:
    weights, offsets = fit
    return float((sample.columns @ weights + offsets[sample.labels] - sample.nearness).square().mean())


def _limit(predicted: Tensor, copies: Tensor) -> Tensor:
    """Return below which predicted value (n,) a row is dropped, given which rows are copies (n,)."""
    if not bool(copies.any()) or _area_under_curve(predicted, copies) < _LEAST_SKILL:
        return torch.tensor(-torch.inf)
    return predicted.quantile(min(_MOST_DROPPED, _TIMES_THE_COPIES * float(copies.double().mean())))


def _area_under_curve(predicted: Tensor, copies: Tensor) -> float:
    """Return how often a copy has a lower predicted value than another row; 1 where there are no others."""
    if bool(copies.all()):
        return 1.0
    ranks = predicted.argsort().argsort().double()[copies]
    n = len(ranks)
    return 1 - float((ranks.sum() - n * (n - 1) / 2) / (n * (len(copies) - n)))
