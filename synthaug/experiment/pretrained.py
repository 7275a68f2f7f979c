"""``PretrainedClassifier``: a network of torchvision, trained further on the images at hand."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted
from torch import nn

from synthaug._check import check_labels, check_positive, check_same_length, check_two_classes
from synthaug._seed import derive, seed_from, torch_stream
from synthaug.data.labels import fit_label_codec
from synthaug.errors import ConfigError
from synthaug.experiment.batch_transforms import as_batch_transform
from synthaug.experiment.image_rows import checked_weight, fit_codec, read_rows
from synthaug.experiment.vision_network import VisionNetwork, check_side, load_network
from synthaug.models.layers import build
from synthaug.training.supervised import Rows, Steps, train_network
from synthaug.training.threads import fixed_threads

_AT_ONCE = 64


class PretrainedClassifier(ClassifierMixin, BaseEstimator):
    """Classify images with a network of torchvision whose weights lie on disk, trained further on the rows.

    Parameters
    ----------
    weights
        A state dict on disk, ``.pth`` or ``.safetensors``, such as torchvision's weights of ImageNet. Must be given;
        nothing is ever downloaded.
    architecture
        Which network of torchvision it is of; see ``synthaug.experiment.vision_network.NETWORKS``.
    n_steps, lr, batch_size
        Steps of training, the greatest learning rate, rows a step (at least 2).
    side
        Pixels a side that the network sees.
    image_transform, image_shape, image_format, class_weight, n_threads, random_state
        As in ``ConvNetClassifier``.

    Attributes
    ----------
    network_ : VisionNetwork
        The network, with a head for the classes.
    codec_ : ImageCodec
        How images are read; the range of pixels is that of the training rows.
    classes_ : ndarray of shape (n_classes,)
        The labels.

    Examples
    --------
    >>> import tempfile, torch, torchvision
    >>> from sklearn.datasets import load_digits
    >>> from synthaug.experiment.pretrained import PretrainedClassifier
    >>> path = tempfile.mkdtemp() + "/resnet18.pth"
    >>> torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)
    >>> digits = load_digits()
    >>> model = PretrainedClassifier(path, n_steps=2, side=32, random_state=0)
    >>> model.fit(digits.images[:100], digits.target[:100]).predict_proba(digits.images[:3]).shape
    (3, 10)
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        architecture: str = "resnet18",
        n_steps: int = 200,
        lr: float = 3e-4,
        batch_size: int = 32,
        side: int = 224,
        image_transform: Any = None,
        image_shape: tuple[int, ...] | None = None,
        image_format: str = "auto",
        class_weight: Any = None,
        n_threads: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.weights = weights
        self.architecture = architecture
        self.n_steps = n_steps
        self.lr = lr
        self.batch_size = batch_size
        self.side = side
        self.image_transform = image_transform
        self.image_shape = image_shape
        self.image_format = image_format
        self.class_weight = class_weight
        self.n_threads = n_threads
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from images (n, h, w), (n, h, w, c) or (n, c, h, w), or flat rows with ``image_shape``, and labels.

        Raises
        ------
        ShapeError
            If the rows are no images.
        ConfigError
            If a parameter cannot be, or no weights are named.
        FileError
            If the weights are not there, damaged, or those of another network.
        """
        steps = self._steps()
        images, labels = read_rows(self, X, reset=True), check_labels(y)
        check_same_length(images, labels)
        self.labels_ = fit_label_codec(labels)
        self.classes_ = self.labels_.classes
        check_two_classes(self.classes_)
        self.codec_ = fit_codec(images, image_shape=self.image_shape, image_format=self.image_format)
        weight = checked_weight(sample_weight, len(labels)) * compute_sample_weight(self.class_weight, labels)
        numbers = torch.from_numpy(self.labels_.encode(labels))
        self._train(Rows(self.codec_.encode(images), numbers, torch.from_numpy(weight)), steps)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, shape (n, n_classes), float64."""
        check_is_fitted(self, "network_")
        images = self.codec_.encode(read_rows(self, X, reset=False))
        with torch.inference_mode(), fixed_threads(self.n_threads):
            logits = torch.cat([self.network_(part) for part in images.split(_AT_ONCE)])
        return logits.double().softmax(1).numpy()

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable label of each row, shape (n,)."""
        chosen = self.predict_proba(X).argmax(axis=1)
        return self.classes_[chosen]

    def _steps(self) -> Steps:
        if self.weights is None:
            raise ConfigError(
                "weights must name a file with the network's weights; got None (nothing is downloaded). Save them "
                "once: torch.save(torchvision.models.resnet18(weights='DEFAULT').state_dict(), 'resnet18.pth')."
            )
        check_positive("n_threads", self.n_threads, integer=True)
        n_steps = check_positive("n_steps", self.n_steps, integer=True)
        batch_size = check_positive("batch_size", self.batch_size, integer=True)
        if batch_size < 2:
            raise ConfigError("batch_size must be at least 2; got 1 (normalisation compares rows). Take 16 or 32.")
        return Steps(n_steps, check_positive("lr", self.lr), batch_size)

    def _train(self, rows: Rows, steps: Steps) -> None:
        seed = seed_from(self.random_state)
        transform = as_batch_transform(self.image_transform)
        with fixed_threads(self.n_threads):
            network = self._new_network(rows, torch_stream(seed, "head"))
            train_network(network, rows, steps, transform=transform, seed=derive(seed, "steps"))
        self.network_ = network

    def _new_network(self, rows: Rows, stream: torch.Generator) -> VisionNetwork:
        """Return the network with its weights and a new head for the classes."""
        assert self.weights is not None
        network = load_network(self.architecture, self.weights, side=check_side(self.side)).eval()
        with torch.inference_mode():
            n_features = network(rows.images[:1]).shape[1]
        network.head = build(lambda: nn.Linear(n_features, len(self.classes_)), stream)
        return network

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
