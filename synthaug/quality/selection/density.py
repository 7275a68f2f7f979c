"""Rows where their class is dense in feature space.

Each class is a Gaussian about its own mean, all with one covariance, so the log density of a row falls with its squared
Mahalanobis distance. A row is dropped if that distance is above its class's limit: of real rows of the class, held out,
one in ten is less dense. The covariance is that of the rows about their class's mean, shrunk towards a multiple of the
unit matrix; where rows are few beside the features it is that multiple, so that no row can be worked out from it.

References
----------
DeVries, Drozdzal, Taylor, "Instance Selection for GANs", 2020 (a Gaussian in feature space, rows of low density
dropped). Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks",
2018 (one covariance for all classes). Ledoit, Wolf, "A Well-conditioned Estimator for Large-dimensional Covariance
Matrices", 2004 (the shrinkage).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from synthaug._seed import derive
from synthaug.data.schema import Schema
from synthaug.models.features import RandomFeatures
from synthaug.quality.selection.agreement import does_not_fit, restore_limits
from synthaug.quality.selection.distance import far_limits, far_review, restore_centres, without_gaps
from synthaug.quality.selection.protocol import Review, State, check_parts
from synthaug.quality.selection.reference import Measure, class_centres

N_FEATURES = 32
_ENOUGH = 2  # rows for each feature, from which on the rows' own covariance is kept
_RIDGE = 1e-6


@dataclass(frozen=True, eq=False)
class Density:
    """Keeps rows that are as probable under their class's Gaussian as most real rows are.

    Attributes
    ----------
    features
        The fixed network that gives the features.
    centres
        Mean features of each class, shape (n_classes, d), float32.
    metric
        M with M M' the inverse of the covariance, shape (d, d), float32.
    limits
        The greatest Mahalanobis distance, shape (n_classes,), float32.
    """

    features: RandomFeatures
    centres: Tensor
    metric: Tensor
    limits: Tensor

    @torch.no_grad()
    def review(self, x: Tensor, labels: Tensor) -> Review:
        """Return who lies where the class is thin, and as scores ``1 / (1 + distance / limit)``: half at the limit."""
        labels = labels.cpu()
        distances = mahalanobis(self.centres, self.metric)(self.features(x.cpu()), labels)
        return far_review(distances, self.limits[labels], "low density")

    def state(self) -> State:
        """Return the Gaussians and limits, and the setting that names the random features."""
        tensors = {"centres": self.centres, "metric": self.metric, "limits": self.limits}
        return tensors, {"selection": "density", "feature_seed": self.features.seed}

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> Self:
        """Return the selector that ``state`` described; it gives identical scores.

        Raises
        ------
        FileError
            If a tensor or setting is missing or of the wrong shape.
        """
        check_parts({"centres": 0, "metric": 0, "feature_seed": 0}, tensors | settings)
        centres, metric = restore_centres(tensors, schema), tensors["metric"]
        if tuple(metric.shape) != (centres.shape[1],) * 2:
            raise does_not_fit([tuple(centres.shape), tuple(metric.shape)], schema)
        features = RandomFeatures(schema, n_features=centres.shape[1], seed=settings["feature_seed"])
        return cls(features, centres, metric, restore_limits(tensors, "limits", schema))


@torch.no_grad()
def fit_density(
    x: Tensor, y: Tensor, *, schema: Schema, seed: int = 0, groups: np.ndarray | None = None, learner: Any = None
) -> Density:
    """Return a selector by class density, fitted on training rows; see ``fit_agreement``."""
    network = RandomFeatures(schema, n_features=N_FEATURES, seed=derive(seed, "density"))
    features, labels = network(x.cpu()), y.cpu()

    def fit(features: Tensor, labels: Tensor) -> Measure:
        return mahalanobis(*fit_gaussians(features, labels, schema.n_classes))

    centres, metric = fit_gaussians(features, labels, schema.n_classes)
    limits = far_limits(features, labels, schema.n_classes, fit, seed=seed, groups=groups)
    centres, limits = without_gaps(centres, limits)
    return Density(network, centres, metric, limits)


def mahalanobis(centres: Tensor, metric: Tensor) -> Measure:
    """Return the measure that gives the Mahalanobis distance of features (n, d) to the centre of their class (n,)."""
    return lambda features, labels: ((features - centres[labels]) @ metric).norm(dim=1)


def fit_gaussians(features: Tensor, labels: Tensor, n_classes: int) -> tuple[Tensor, Tensor]:
    """Return the centres (n_classes, d), and M (d, d) with M M' the inverse of the covariance within the classes."""
    centres = class_centres(features.double(), labels, n_classes)
    rest = features.double() - centres[labels]
    counted = rest.isfinite().all(1)
    covariance = _covariance(rest[counted], n_free=int(counted.sum()) - len(labels[counted].unique()))
    inverse = torch.linalg.inv(covariance)
    return centres.float(), torch.linalg.cholesky((inverse + inverse.T) / 2).float()


def _covariance(rest: Tensor, *, n_free: int) -> Tensor:
    """Return the covariance of rows about their means (n, d); a multiple of the unit matrix where they are few."""
    d = rest.shape[1]
    unit = torch.eye(d, dtype=rest.dtype)
    mean_variance = rest.square().sum() / (d * max(1, n_free))
    ridge = _RIDGE * torch.clamp(mean_variance, min=_RIDGE) * unit
    if n_free < _ENOUGH * d:
        return mean_variance * unit + ridge
    from sklearn.covariance import ledoit_wolf_shrinkage  # a fifth of a second that importing synthaug need not cost

    shrinkage = ledoit_wolf_shrinkage(rest.numpy(), assume_centered=True)
    return (1 - shrinkage) * rest.T @ rest / n_free + shrinkage * mean_variance * unit + ridge
