"""``SyntheticSampler``: the augmenter as a step of an imbalanced-learn pipeline."""

from typing import Any

import numpy as np
import scipy.sparse
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from sklearn.base import clone

from synthaug._seed import derive, seed_from
from synthaug.augment.augmenter import SyntheticAugmenter


class SyntheticSampler(BaseOverSampler):
    """An over-sampler whose new rows come from a ``SyntheticAugmenter`` that learned on the rows to be resampled.

    Parameters
    ----------
    augmenter
        The augmenter; the default one if None. Its own ``sampling_strategy`` gives way to this one's.
    sampling_strategy
        imbalanced-learn's grammar.
    random_state
        Decides everything random.

    Attributes
    ----------
    augmenter_ : SyntheticAugmenter
        The fitted augmenter.
    sampling_strategy_ : dict
        Synthetic rows of each class.

    Examples
    --------
    >>> import numpy as np
    >>> from synthaug import CGAN, SyntheticAugmenter, SyntheticSampler
    >>> X = np.random.default_rng(0).normal(size=(30, 2))
    >>> y = np.array([0] * 20 + [1] * 10)
    >>> sampler = SyntheticSampler(SyntheticAugmenter(CGAN(n_steps=5, width=8)), random_state=0)
    >>> X_all, y_all = sampler.fit_resample(X, y)
    >>> np.bincount(y_all).tolist()
    [20, 20]
    """

    _parameter_constraints: dict = {
        **BaseOverSampler._parameter_constraints,
        "augmenter": "no_validation",
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        augmenter: SyntheticAugmenter | None = None,
        *,
        sampling_strategy: Any = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.augmenter = augmenter
        self.random_state = random_state

    def _check_X_y(self, X: Any, y: Any, accept_sparse: Any = None) -> tuple[Any, Any, bool]:  # noqa: N802
        if np.ndim(X) <= 2:
            return super()._check_X_y(X, y, accept_sparse)
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        self.n_features_in_ = int(np.prod(np.shape(X)[1:]))
        return np.asarray(X), np.asarray(y), binarize_y

    def _fit_resample(self, X: Any, y: np.ndarray, **params: Any) -> tuple[Any, np.ndarray]:
        sparse = scipy.sparse.issparse(X)
        dense = X.toarray() if sparse else X
        augmenter = SyntheticAugmenter() if self.augmenter is None else clone(self.augmenter)
        seed = seed_from(self.random_state)
        counts = {label: int((y == label).sum()) for label in self.sampling_strategy_}
        targets = {label: counts[label] + n for label, n in self.sampling_strategy_.items()}
        augmenter.set_params(sampling_strategy=targets, n_synthetic=0, random_state=derive(seed, "learn"))
        self.augmenter_ = augmenter.fit(dense, y, **params)
        X_all, y_all = self.augmenter_.augment(dense, y, random_state=derive(seed, "draw"))
        return (X.__class__(X_all) if sparse else X_all), y_all
