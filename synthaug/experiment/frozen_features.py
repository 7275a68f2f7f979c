"""Features of images from a network that does not learn, and logistic regression on them: the baseline to beat."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from synthaug._check import check_positive
from synthaug.experiment.image_rows import fit_codec, read_rows
from synthaug.experiment.vision_network import check_side, load_network
from synthaug.models.features import RandomFeatures
from synthaug.training.threads import fixed_threads

_AT_ONCE = 64
_N_RANDOM = 512


class FrozenFeatures(TransformerMixin, BaseEstimator):
    """Turn images into the features of a network that does not learn.

    Parameters
    ----------
    weights
        A state dict on disk, such as torchvision's weights of ImageNet; nothing is ever downloaded. None: the features
        of a fixed network of *random* filters, which need no file and know nothing of the world.
    architecture
        Which network of torchvision the weights are of; see ``synthaug.experiment.vision_network.NETWORKS``.
    side
        Pixels a side that this network sees.
    image_shape, image_format
        As in ``SyntheticAugmenter``, for rows that come flat, or in a layout that could be read two ways.
    n_threads
        Threads of torch; fixed, so that the result is the same in every worker.

    Attributes
    ----------
    source_ : str
        Where the features come from: the file, or ``random filters``.
    network_ : Module
        The network.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from synthaug.experiment.frozen_features import FrozenFeatures
    >>> images = load_digits().images
    >>> features = FrozenFeatures().fit(images)
    >>> features.transform(images).shape, features.source_
    ((1797, 512), 'random filters')
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        architecture: str = "resnet18",
        side: int = 224,
        image_shape: tuple[int, ...] | None = None,
        image_format: str = "auto",
        n_threads: int = 1,
    ) -> None:
        self.weights = weights
        self.architecture = architecture
        self.side = side
        self.image_shape = image_shape
        self.image_format = image_format
        self.n_threads = n_threads

    def fit(self, X: Any, y: Any = None) -> Self:
        """Read the network, and how images are read; nothing is learned but the range of their pixels.

        Raises
        ------
        ShapeError
            If the rows are no images.
        ConfigError
            If there is no such network.
        FileError
            If its weights are not there, damaged, or those of another network.
        """
        check_positive("n_threads", self.n_threads, integer=True)
        rows = read_rows(self, X, reset=True)
        self.codec_ = fit_codec(rows, image_shape=self.image_shape, image_format=self.image_format)
        self.network_ = self._network().eval()
        self.source_ = "random filters" if self.weights is None else f"{self.architecture}, {self.weights}"
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the features of images, shape (n, n_features), float64."""
        check_is_fitted(self, "network_")
        images = self.codec_.encode(read_rows(self, X, reset=False))
        with torch.inference_mode(), fixed_threads(self.n_threads):
            features = [self.network_(part) for part in images.split(_AT_ONCE)]
        return torch.cat(features).double().numpy()

    def _network(self) -> torch.nn.Module:
        if self.weights is None:
            return RandomFeatures(self.codec_.schema(2), n_features=_N_RANDOM)
        return load_network(self.architecture, self.weights, side=check_side(self.side))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


class FrozenFeaturesClassifier(ClassifierMixin, BaseEstimator):
    """Classify images by logistic regression on the features of a network that does not learn.

    Parameters
    ----------
    weights, architecture, side, image_shape, image_format, n_threads
        As in ``FrozenFeatures``.
    C
        Inverse strength of the penalty, on standardised features.
    class_weight
        None, ``balanced``, or a weight for each label.

    Attributes
    ----------
    features_ : FrozenFeatures
        What makes the features.
    model_ : Pipeline
        What classifies them.
    classes_ : ndarray of shape (n_classes,)
        The labels.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from synthaug.experiment.frozen_features import FrozenFeaturesClassifier
    >>> digits = load_digits()
    >>> model = FrozenFeaturesClassifier().fit(digits.images[:500], digits.target[:500])
    >>> model.score(digits.images[500:], digits.target[500:]) > 0.8
    True
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        architecture: str = "resnet18",
        side: int = 224,
        C: float = 0.01,
        class_weight: Any = None,
        image_shape: tuple[int, ...] | None = None,
        image_format: str = "auto",
        n_threads: int = 1,
    ) -> None:
        self.weights = weights
        self.architecture = architecture
        self.side = side
        self.C = C
        self.class_weight = class_weight
        self.image_shape = image_shape
        self.image_format = image_format
        self.n_threads = n_threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from images (n, h, w), (n, h, w, c) or (n, c, h, w), or flat rows with ``image_shape``, and labels."""
        kept = ("weights", "architecture", "side", "image_shape", "image_format", "n_threads")
        self.features_ = FrozenFeatures(**{name: getattr(self, name) for name in kept})
        regression = LogisticRegression(C=self.C, class_weight=self.class_weight, max_iter=1000)
        self.model_ = make_pipeline(StandardScaler(), regression)
        weight = {} if sample_weight is None else {"logisticregression__sample_weight": sample_weight}
        self.model_.fit(self.features_.fit_transform(X), y, **weight)
        self.classes_, self.n_features_in_ = self.model_.classes_, self.features_.n_features_in_
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, shape (n, n_classes), float64."""
        check_is_fitted(self, "model_")
        return self.model_.predict_proba(self.features_.transform(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the margins, shape (n,) for two classes, else (n, n_classes)."""
        check_is_fitted(self, "model_")
        return self.model_.decision_function(self.features_.transform(X))

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable label of each row, shape (n,)."""
        check_is_fitted(self, "model_")
        return self.model_.predict(self.features_.transform(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
