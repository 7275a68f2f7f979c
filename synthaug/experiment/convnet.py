"""``ConvNetClassifier``: a small convolutional network as a scikit-learn classifier of images."""

from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted

from synthaug._check import check_labels, check_positive, check_same_length, check_two_classes
from synthaug._seed import derive, seed_from
from synthaug.data.images import ImageCodec
from synthaug.data.labels import fit_label_codec
from synthaug.experiment.batch_transforms import as_batch_transform
from synthaug.experiment.image_rows import checked_weight, fit_codec, read_rows
from synthaug.training.supervised import Rows, Scheduler, Steps, constant, new_network, one_cycle, train_network
from synthaug.training.threads import fixed_threads

_FEWEST_STEPS, _FEWEST_PASSES, _MOST_STEPS = 400, 10, 4000
_AT_ONCE = 512


class ConvNetClassifier(ClassifierMixin, BaseEstimator):
    """Classify images with a small convolutional network; it trains in seconds on a CPU.

    Parameters
    ----------
    n_steps
        Steps of training. ``auto``: 400, or 10 passes through the rows where that is more, 4,000 at the most.
    lr
        The greatest learning rate.
    width
        Maps of the first convolution; the second has twice as many.
    batch_size
        Rows a step.
    image_transform
        What is done to each row anew in every step: None for nothing, or ``shift``, ``affine``, ``photo``, an
        albumentations or torchvision transform, or a function of one image (h, w, c), float32 in [0, 1]. An arm with
        classical augmentation sets it.
    image_shape
        ``(h, w)``, ``(h, w, c)`` or ``(c, h, w)`` of rows that come flat.
    image_format
        ``auto``, ``channels_first`` or ``channels_last``, for layouts that could be read two ways.
    class_weight
        None, ``balanced``, or a weight for each label, as in scikit-learn.
    warm_start
        Let ``fit`` go on from the weights of the last fit, with the same classes and the same range of pixels.
    n_threads
        Threads of torch; fixed, so that the result is the same in every worker.
    random_state
        Decides everything random.

    Attributes
    ----------
    network_ : ConvNet
        The network.
    codec_ : ImageCodec
        How images are read; the range of pixels is that of the training rows.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_iter_ : int
        Steps taken so far.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from synthaug.experiment.convnet import ConvNetClassifier
    >>> digits = load_digits()
    >>> network = ConvNetClassifier(n_steps=100, width=8, lr=1e-2, random_state=0)
    >>> network.fit(digits.images[:500], digits.target[:500]).score(digits.images[500:], digits.target[500:]) > 0.5
    True
    """

    def __init__(
        self,
        n_steps: int | str = "auto",
        *,
        lr: float = 2e-3,
        width: int = 32,
        batch_size: int = 64,
        image_transform: Any = None,
        image_shape: tuple[int, ...] | None = None,
        image_format: str = "auto",
        class_weight: Any = None,
        warm_start: bool = False,
        n_threads: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_steps = n_steps
        self.lr = lr
        self.width = width
        self.batch_size = batch_size
        self.image_transform = image_transform
        self.image_shape = image_shape
        self.image_format = image_format
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.n_threads = n_threads
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from images and labels.

        Parameters
        ----------
        X
            Images (n, h, w), (n, h, w, c) or (n, c, h, w), 8 to 128 pixels a side, or flat rows with ``image_shape``.
        y
            Labels (n,).
        sample_weight
            A weight for each row (n,), at least 0; None for 1 each.

        Raises
        ------
        ShapeError
            If the rows are no images.
        ConfigError
            If a parameter cannot be.
        """
        if not (self.warm_start and hasattr(self, "network_")):
            self._start(X, y)
        rows = self._rows(X, y, sample_weight)
        return self._train(rows, self._n_steps(len(rows.labels)), one_cycle)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Go through the rows once more at a constant learning rate, from the weights as they are.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        classes
            All labels there are; needed by the first call only, and not even there if y has them all.
        """
        if not hasattr(self, "network_"):
            self._start(X, y, classes)
        rows = self._rows(X, y, sample_weight)
        n_steps = -(-len(rows.labels) // check_positive("batch_size", self.batch_size, integer=True))
        return self._train(rows, n_steps, constant)

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

    def _fit_codec(self, X: np.ndarray) -> ImageCodec:
        return fit_codec(X, image_shape=self.image_shape, image_format=self.image_format)

    def _start(self, X: Any, y: Any, classes: Any = None) -> None:
        check_positive("width", self.width, integer=True)
        check_positive("n_threads", self.n_threads, integer=True)
        X = read_rows(self, X, reset=True)
        self.labels_ = fit_label_codec(check_labels(y) if classes is None else np.unique(classes))
        self.classes_ = self.labels_.classes
        check_two_classes(self.classes_)
        self.codec_, self.n_iter_ = self._fit_codec(X), 0
        self.seed_ = seed_from(self.random_state)
        schema = self.codec_.schema(len(self.classes_))
        self.network_ = new_network(schema, width=self.width, seed=self.seed_)

    def _rows(self, X: Any, y: Any, sample_weight: Any) -> Rows:
        X, labels = read_rows(self, X, reset=False), check_labels(y)
        check_same_length(X, labels)
        weight = checked_weight(sample_weight, len(labels)) * compute_sample_weight(self.class_weight, labels)
        numbers = torch.from_numpy(self.labels_.encode(labels))
        return Rows(self.codec_.encode(X), numbers, torch.from_numpy(weight))

    def _train(self, rows: Rows, n_steps: int, scheduler: Scheduler) -> Self:
        check_positive("lr", self.lr)
        steps = Steps(n_steps, self.lr, check_positive("batch_size", self.batch_size, integer=True))
        transform, seed = as_batch_transform(self.image_transform), derive(self.seed_, "steps", self.n_iter_)
        with fixed_threads(self.n_threads):
            train_network(self.network_, rows, steps, transform=transform, seed=seed, scheduler=scheduler)
        self.n_iter_ += n_steps
        return self

    def _n_steps(self, n_rows: int) -> int:
        if self.n_steps == "auto":
            passes = -(-_FEWEST_PASSES * n_rows // check_positive("batch_size", self.batch_size, integer=True))
            return min(_MOST_STEPS, max(_FEWEST_STEPS, passes))
        return check_positive("n_steps", self.n_steps, integer=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
