"""``SyntheticSampler``: the augmenter as a step of an imbalanced-learn pipeline."""

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from sklearn.base import clone
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from synthaug._seed import derive, seed_from
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.unlabelled import check_unlabelled


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

    def fit_resample(self, X: Any, y: Any, *, groups: Any = None, X_unlabeled: Any = None) -> tuple[Any, Any]:
        """Return the rows given and, after them, synthetic ones that fill the classes up.

        Parameters
        ----------
        X, y
            Rows and labels, as ``SyntheticAugmenter.fit`` takes them.
        groups
            Which rows belong together (n,).
        X_unlabeled
            Rows without labels (m, ...), for an augmenter whose learner uses them. None may be a row of X: who
            cross-validates a pipeline tests on those. In a pipeline they come through metadata routing and
            ``set_fit_resample_request(X_unlabeled=True)``, and as they are: imbalanced-learn lets no step before a
            sampler transform them, so let this one stand first.

        Raises
        ------
        ConfigError
            If rows of X are among the rows without labels, or the learner does not use those.
        ShapeError
            If rows without labels are not like those of X.
        """
        X_unlabeled = _dense(X_unlabeled)
        check_unlabelled(_dense(X), X_unlabeled, self._augmenter())
        given = {"groups": groups, "X_unlabeled": X_unlabeled}
        return super().fit_resample(X, y, **{name: value for name, value in given.items() if value is not None})

    def _check_X_y(self, X: Any, y: Any, accept_sparse: Any = None) -> tuple[Any, Any, bool]:  # noqa: N802
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        if isinstance(X, pd.DataFrame):
            validate_data(self, X=X, skip_check_array=True)
            return X, column_or_1d(y), binarize_y
        if np.ndim(X) <= 2:
            kind = None if str(getattr(X, "dtype", "")) == "object" else "numeric"
            given = {"dtype": kind, "ensure_all_finite": "allow-nan", "accept_sparse": ["csr", "csc"]}
            return *validate_data(self, X=X, y=y, **given), binarize_y
        self.n_features_in_ = int(np.prod(np.shape(X)[1:]))
        return np.asarray(X), np.asarray(y), binarize_y

    def _fit_resample(self, X: Any, y: np.ndarray, **params: Any) -> tuple[Any, np.ndarray]:
        dense, augmenter = _dense(X), clone(self._augmenter())
        seed = seed_from(self.random_state)
        counts = {label: int((y == label).sum()) for label in self.sampling_strategy_}
        targets = {label: counts[label] + n for label, n in self.sampling_strategy_.items()}
        augmenter.set_params(sampling_strategy=targets, n_synthetic=0, random_state=derive(seed, "learn"))
        self.augmenter_ = augmenter.fit(dense, y, **params)
        X_all, y_all = self.augmenter_.augment(dense, y, random_state=derive(seed, "draw"))
        return (X.__class__(X_all) if scipy.sparse.issparse(X) else X_all), y_all

    def _augmenter(self) -> SyntheticAugmenter:
        return SyntheticAugmenter() if self.augmenter is None else self.augmenter


def _dense(rows: Any) -> Any:
    return rows.toarray() if scipy.sparse.issparse(rows) else rows
