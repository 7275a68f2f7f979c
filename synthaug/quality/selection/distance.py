"""Rows that lie not too far from the centre of their class in feature space.

A row is dropped if its distance to the mean features of the class is above that class's limit: the 90 % quantile of
the distances of real rows of the class that had no part in the mean. A class of one row has no limit.

References
----------
Xue et al., "Synthetic Augmentation and Feature-based Filtering for Improved Cervical Histopathology Image
Classification", 2019. Its features come from a trained network, these from a fixed random one.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from synthaug._seed import derive
from synthaug.data.schema import Schema
from synthaug.models.features import RandomFeatures
from synthaug.quality.agreement import held_out_folds
from synthaug.quality.selection.agreement import does_not_fit, restore_limits
from synthaug.quality.selection.protocol import Review, State, check_parts
from synthaug.quality.selection.reference import Measure, class_centres, class_quantiles, held_out_values

HIGH_QUANTILE = 0.9
_N_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Distance:
    """Keeps rows that are as near to the centre of their class as most real rows are.

    Attributes
    ----------
    features
        The fixed network that gives the features.
    centres
        Mean features of each class, shape (n_classes, d), float32.
    limits
        The greatest distance, shape (n_classes,), float32.
    """

    features: RandomFeatures
    centres: Tensor
    limits: Tensor

    @torch.no_grad()
    def review(self, x: Tensor, labels: Tensor) -> Review:
        """Return who is too far from the centre, and as scores ``1 / (1 + distance / limit)``: half at the limit."""
        labels = labels.cpu()
        distances = distances_to(self.centres)(self.features(x.cpu()), labels)
        return far_review(distances, self.limits[labels], "far from the class")

    def state(self) -> State:
        """Return centres and limits, and the setting that names the random features."""
        settings = {"selection": "distance", "feature_seed": self.features.seed}
        return {"centres": self.centres, "limits": self.limits}, settings

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], settings: dict[str, Any], schema: Schema) -> Self:
        """Return the selector that ``state`` described; it gives identical scores.

        Raises
        ------
        FileError
            If a tensor or setting is missing or of the wrong shape.
        """
        check_parts({"centres": 0, "feature_seed": 0}, tensors | settings)
        centres = restore_centres(tensors, schema)
        features = RandomFeatures(schema, n_features=centres.shape[1], seed=settings["feature_seed"])
        return cls(features, centres, restore_limits(tensors, "limits", schema))


@torch.no_grad()
def fit_distance(
    x: Tensor, y: Tensor, *, schema: Schema, seed: int = 0, groups: np.ndarray | None = None, learner: Any = None
) -> Distance:
    """Return a selector by distance to the class centre, fitted on training rows; see ``fit_agreement``."""
    network = RandomFeatures(schema, seed=derive(seed, "distance"))
    features, labels = network(x.cpu()), y.cpu()

    def fit(features: Tensor, labels: Tensor) -> Measure:
        return distances_to(class_centres(features, labels, schema.n_classes))

    centres = class_centres(features, labels, schema.n_classes)
    limits = far_limits(features, labels, schema.n_classes, fit, seed=seed, groups=groups)
    return Distance(network, *without_gaps(centres, limits))


def distances_to(centres: Tensor) -> Measure:
    """Return the measure that gives the distance of features (n, d) to the centre of their class (n,)."""
    return lambda features, labels: (features - centres[labels]).norm(dim=1)


def far_limits(
    features: Tensor, labels: Tensor, n_classes: int, fit: Any, *, seed: int, groups: np.ndarray | None
) -> Tensor:
    """Return the 90 % quantile (n_classes,) of each class's distances by measures that never saw the row."""
    folds = torch.from_numpy(held_out_folds(labels.numpy(), _N_FOLDS, seed, groups))
    distances = held_out_values(features, labels, folds, fit)
    return class_quantiles(distances, labels, n_classes, quantile=HIGH_QUANTILE, empty=torch.inf)


def without_gaps(centres: Tensor, limits: Tensor) -> tuple[Tensor, Tensor]:
    """Return centres (n_classes, d) and limits (n_classes,) in which a class without a centre has no limit."""
    return centres.nan_to_num(0.0), limits.where(centres.isfinite().all(1), torch.inf)


def far_review(distances: Tensor, limits: Tensor, reason: str) -> Review:
    """Return the review of rows whose distances (n,) may not pass their limits (n,)."""
    ratio = distances / limits.clamp_min(torch.finfo(limits.dtype).tiny)
    return Review(1 / (1 + ratio), {reason: distances > limits})


def restore_centres(tensors: dict[str, Tensor], schema: Schema) -> Tensor:
    """Return saved centres, shape (n_classes, d), or raise FileError."""
    centres = tensors["centres"]
    if centres.ndim != 2 or len(centres) != schema.n_classes or centres.shape[1] < 1:
        raise does_not_fit([tuple(centres.shape)], schema)
    return centres
