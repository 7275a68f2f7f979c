"""``AugmentedClassifier``: a classifier with an augmenter inside, safe in cross-validation by construction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from synthaug._check import (
    check_count,
    check_fraction,
    check_labels,
    check_same_length,
    check_two_classes,
)
from synthaug._seed import derive, seed_from
from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.augment.encoding import default_classifier
from synthaug.augment.fingerprints import take_fingerprints, warn_of_training_rows
from synthaug.augment.fitting import as_estimator_wants, seeded
from synthaug.augment.gate import (
    Decision,
    PooledSource,
    Trial,
    auto_candidates,
    decide,
    final_plan,
    sentence_without_gate,
)
from synthaug.augment.mix import Mix, adds_synthetic, plan_for, reads_images
from synthaug.augment.parts import check_parts, named_candidates
from synthaug.augment.plan import Counts, counts_of, drop_small_classes, without_small_classes
from synthaug.augment.tuning import resolve_transform
from synthaug.augment.unlabelled import check_unlabelled
from synthaug.augment.ways import Fitted, Setting, check_applies, check_weights, fit_mix
from synthaug.data.container import known, take, unwrap
from synthaug.data.groups import checked_groups
from synthaug.errors import ConfigError, ShapeError


def _can(method: str) -> Any:
    def check(self: "AugmentedClassifier") -> bool:
        return hasattr(getattr(self, "estimator_", None) or self._classifier(), method)

    return available_if(check)


class AugmentedClassifier(ClassifierMixin, BaseEstimator):
    """Fit a classifier on real and synthetic rows, if the gate finds on the training rows that these help.

    Parameters
    ----------
    estimator
        The classifier, or a pipeline that ends in one. Default: logistic regression on standardised columns, one-hot
        where a DataFrame's are categories. Columns reach a classifier of one's own as they are. Images
        reach it as flat rows unless its tags say that it takes arrays of three dimensions. Put a search around this
        classifier, not into it: folds that a ``GridSearchCV`` or a calibration in here makes for itself have copies
        and relatives of their training rows among their test rows.
    augmenter
        A ``SyntheticAugmenter``; the default one if None.
    gate
        Ask the gate before adding rows. Without it nobody checks: the whole plan of the augmenter is added, or the one
        mix in ``candidates``.
    candidates
        What the gate tries: ``auto``, or a dict of ``Mix`` by name, the simplest first. It takes the mix of which the
        greatest gain is expected: see ``synthaug.augment.gate``. Images are transformed unless the rows speak against
        it, where a candidate does that. Without the gate a dict of one mix, which is taken as it is:
        ``{"both": Mix(amount=2.0, synthetic_fraction=0.5, classic=True)}``.
    scoring
        The gate's score: a name, a scorer, or None for accuracy. A scorer may look at labels and answers
        (``estimator.predict(X)``, ``estimator.predict_proba(X)``) and at ``len(X)``, not at the values of X.
    synthetic_weight
        Weight of a synthetic row where a real one has 1. ``auto``: 1, and with the gate, for tables, also 0.3 where the
        classifier takes weights. A ``Mix`` of one's own in ``candidates`` says its own.
    image_transform
        What mixes with classical augmentation do to images: ``shift``, ``affine``, ``photo``, an albumentations or
        torchvision transform, or a function of one image (h, w, c), float32 in [0, 1]. ``tuned``: chosen on the
        training rows, by the gate's score, among nothing, ``shift`` and ``affine``.
    n_splits
        Inner folds of the gate.
    n_jobs
        How many inner folds to learn at a time.
    random_state
        Decides everything random.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    augmenter_ : SyntheticAugmenter, PooledSource or None
        What synthetic rows were drawn from.
    decision_ : DataFrame
        The gate's table: candidate, gain over nothing, interval, chosen, why. Empty without the gate.
    gate_ : Decision or None
        All that the gate found.
    row_shape_ : tuple
        Shape of one row.
    transform_ : object
        What was done to images: ``image_transform``, or what was chosen.
    n_added_ : int
        Rows added to the training rows.
    classes_ : ndarray of shape (n_classes,)
        The labels.

    Examples
    --------
    >>> import numpy as np
    >>> from synthaug import CGAN, AugmentedClassifier, SyntheticAugmenter
    >>> X = np.random.default_rng(0).normal(size=(60, 3))
    >>> y = np.where(X[:, 0] > 0.5, "ill", "well")
    >>> augmenter = SyntheticAugmenter(CGAN(n_steps=5, width=8))
    >>> model = AugmentedClassifier(augmenter=augmenter, scoring="balanced_accuracy", random_state=0).fit(X, y)
    >>> model.explain_decision().startswith(("Not augmented", "Augmented with"))
    True
    """

    def __init__(
        self,
        estimator: Any = None,
        augmenter: SyntheticAugmenter | None = None,
        *,
        gate: bool = True,
        candidates: str | Mapping[str, Mix] = "auto",
        scoring: Any = None,
        synthetic_weight: float | str = "auto",
        image_transform: Any = "shift",
        n_splits: int = 3,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.augmenter = augmenter
        self.gate = gate
        self.candidates = candidates
        self.scoring = scoring
        self.synthetic_weight = synthetic_weight
        self.image_transform = image_transform
        self.n_splits = n_splits
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, groups: Any = None, sample_weight: Any = None, X_unlabeled: Any = None) -> Self:
        """Learn from these rows, ask the gate, and fit the classifier.

        Parameters
        ----------
        X, y
            Rows and labels, as ``SyntheticAugmenter.fit`` takes them.
        groups
            Which rows belong together (n,); the gate's folds keep them together.
        sample_weight
            Weights of the real rows (n,), for classifiers that take them. A synthetic row weighs ``synthetic_weight``
            times their mean. A row that weighs 0 is left out of everything; learners and the gate's scores take the
            others alike.
        X_unlabeled
            Rows without labels (m, ...), for an augmenter whose learner uses them. None may be a row of X, for the gate
            tests on those, and so does whoever cross-validates this classifier. In a ``Pipeline`` with steps before
            this one, let those transform them too: ``enable_metadata_routing``, ``set_fit_request(X_unlabeled=True)``
            and ``Pipeline(..., transform_input=["X_unlabeled"])``. See Notes.

        Returns
        -------
        The classifier itself.

        Raises
        ------
        ConfigError
            If rows of X are among the rows without labels, or the learner does not use those; or if a setting cannot
            be, such as a score that does not fit the labels or the classifier. Nothing is learned then.
        ShapeError
            If rows without labels are not like those of X.

        Notes
        -----
        Of X_unlabeled: (a) scikit-learn's cross-validation gives each fold a part of whatever is as long as X, so if
        there happen to be as many rows without labels as with, each fold sees only some of them. (b) Where rows have
        groups, other rows of a group that is tested must not be among them (a patient's other images, say): rows
        without labels have no group, so nothing here can check it. (c) Only rows equal in every number to one
        that this ``fit`` sees are found. Cross-validation shows each row to some fold, whose fit is then refused; rows
        held back once are never seen. Behind a step that transforms X nothing can be found, unless X_unlabeled is
        routed through that step too.

        Warns
        -----
        SmallClassWarning
            If a class has one row: it gets no synthetic ones.
        """
        X, y = self._check(X, y)
        rows = _Rows(X, y, checked_groups(groups, len(y)), _weights(sample_weight, len(y)), X_unlabeled).that_weigh()
        self.classes_ = np.unique(check_labels(rows.y))
        check_two_classes(self.classes_)
        self._fingerprints = take_fingerprints(rows.X)
        seed, augmenter = seed_from(self.random_state), self._augmenter()
        estimator = self._classifier_of(rows.X, augmenter, seed)
        check_unlabelled(rows.X, X_unlabeled, augmenter)
        if rows.weight is not None:
            check_weights(estimator, "a weight of rows")
        self.transform_ = self._transform(rows, estimator, augmenter, seed)
        fitted = (self._gated if self.gate else self._ungated)(rows, estimator, augmenter, seed)
        self.estimator_, self.n_added_ = fitted.classifier, fitted.n_added
        return self

    def explain_decision(self) -> str:
        """Return in words what the gate decided and why."""
        check_is_fitted(self, "estimator_")
        if self.gate_ is None:
            return self._done
        return self.gate_.sentence

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on rows that were held back from ``fit``; warn (``LeakWarning``) if one was not.

        A scorer, as in ``cross_validate(scoring=...)``, asks ``predict`` instead and warns of nothing; without the gate
        ``augmenter_.is_training_row(X)`` tells.
        """
        value = float(super().score(X, y, sample_weight))
        if self._fingerprints is not None:  # an unpickled classifier has none
            warn_of_training_rows(take_fingerprints(X).found_in(self._fingerprints))
        return value

    @_can("predict")
    def predict(self, X: Any) -> np.ndarray:
        """Return the label of each row, shape (n,)."""
        rows = self._predictable(X)
        return self.estimator_.predict(rows)

    @_can("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, shape (n, n_classes)."""
        rows = self._predictable(X)
        return self.estimator_.predict_proba(rows)

    @_can("predict_log_proba")
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of each class, shape (n, n_classes)."""
        rows = self._predictable(X)
        return self.estimator_.predict_log_proba(rows)

    @_can("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the classifier's decision function, shape (n,) or (n, n_classes)."""
        rows = self._predictable(X)
        return self.estimator_.decision_function(rows)

    def _classifier(self) -> Any:
        if self.estimator is not None:
            return self.estimator
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))

    def _classifier_of(self, X: Any, augmenter: SyntheticAugmenter, seed: int) -> Any:
        estimator = default_classifier(X, augmenter) if self.estimator is None else self.estimator
        return seeded(estimator, derive(seed, "estimator"))

    def _augmenter(self) -> SyntheticAugmenter:
        return SyntheticAugmenter() if self.augmenter is None else self.augmenter

    def _check(self, X: Any, y: Any) -> tuple[Any, Any]:
        labels, X = check_labels(y), known(X)
        if X.ndim > 2:
            self.n_features_in_ = int(np.prod(X.shape[1:]))
        elif isinstance(X, pd.DataFrame):
            validate_data(self, X, skip_check_array=True)
        else:
            X = validate_data(self, X, **_demands(X))
        check_same_length(X, labels)
        self.row_shape_ = tuple(X.shape[1:])
        check_parts(self.estimator, self.augmenter, self.gate)
        if self.synthetic_weight != "auto":
            check_fraction("synthetic_weight", self.synthetic_weight, most=100.0)
        if check_count("n_splits", self.n_splits) < 2:
            raise ConfigError(f"n_splits must be at least 2; got {self.n_splits}.")
        return X, y if isinstance(y, np.ndarray | torch.Tensor | pd.Series) and y.ndim == 1 else labels

    def _predictable(self, X: Any) -> Any:
        check_is_fitted(self, "estimator_")
        X = known(X)
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=False, skip_check_array=True)
        elif len(self.row_shape_) == 1:
            X = validate_data(self, X, reset=False, **_demands(X))
        elif tuple(X.shape[1:]) != self.row_shape_:
            raise ShapeError(f"rows must have the shape that fit saw, {self.row_shape_}; got {tuple(X.shape[1:])}.")
        return as_estimator_wants(self.estimator_, X)

    def _transform(self, rows: "_Rows", estimator: Any, augmenter: SyntheticAugmenter, seed: int) -> Any:
        plan = plan_for(augmenter, rows.y)
        setting = Setting(estimator, augmenter, None, plan, None, seed, weight=rows.weight, groups=rows.groups)
        return resolve_transform(self.image_transform, rows.X, rows.y, setting, scoring=self.scoring)

    def _gated(self, rows: "_Rows", estimator: Any, augmenter: SyntheticAugmenter, seed: int) -> Fitted:
        self._warn_of_small_classes(augmenter, rows.y)
        decision = decide(
            Trial(
                rows.X,
                rows.y,
                estimator,
                augmenter,
                self._candidates(estimator, rows.X, augmenter),
                scoring=self.scoring,
                transform=self.transform_,
                n_splits=self.n_splits,
                groups=rows.groups,
                weight=rows.weight,
                X_unlabeled=rows.X_unlabeled,
                n_jobs=self.n_jobs,
                seed=seed,
            )
        )
        self.gate_: Decision | None = decision
        self.decision_ = decision.table
        self.augmenter_ = PooledSource(decision.sources) if decision.sources else None
        plan = without_small_classes(plan_for(augmenter, rows.y), counts_of(rows.y))
        plan = final_plan(plan, decision.sources) if decision.sources else plan
        return self._fit(decision.mix, rows, estimator, augmenter, plan, seed)

    def _ungated(self, rows: "_Rows", estimator: Any, augmenter: SyntheticAugmenter, seed: int) -> Fitted:
        mix = self._only_mix()
        check_applies(mix, rows.X, Setting(estimator, augmenter, None, {}, None, seed))
        self.gate_, self.decision_, self.augmenter_ = None, pd.DataFrame(), None
        plan = plan_for(augmenter, rows.y)
        if adds_synthetic(mix):
            learned = clone(augmenter).set_params(random_state=derive(seed, "learn"))
            self.augmenter_ = learned.fit(rows.X, rows.y, groups=rows.groups, X_unlabeled=rows.X_unlabeled)
            plan = learned.plan()
        fitted = self._fit(mix, rows, estimator, augmenter, plan, seed)
        self._done = sentence_without_gate(mix, fitted.n_added)
        return fitted

    def _fit(
        self, mix: Mix, rows: "_Rows", estimator: Any, augmenter: SyntheticAugmenter, plan: Counts, seed: int
    ) -> Fitted:
        setting = Setting(
            estimator,
            augmenter,
            self.augmenter_,
            plan,
            self.transform_,
            seed=derive(seed, "mix"),
            weight=rows.weight,
            groups=rows.groups,
        )
        return fit_mix(mix, rows.X, rows.y, setting)

    def _only_mix(self) -> Mix:
        """Return what is added where the gate is off."""
        named = named_candidates(self.candidates)
        if named is None:
            return Mix(synthetic_weight=1.0 if self.synthetic_weight == "auto" else float(self.synthetic_weight))
        if len(named) != 1:
            raise ConfigError(
                f"candidates must be one mix where the gate is off; got {len(named)} (nobody chooses). Leave one, or "
                "set gate=True."
            )
        return next(iter(named.values()))

    def _candidates(self, estimator: Any, X: Any, augmenter: SyntheticAugmenter) -> dict[str, Mix]:
        named = named_candidates(self.candidates)
        if named is not None:
            return named
        found = auto_candidates(estimator, images=reads_images(augmenter, X))
        if self.synthetic_weight == "auto":
            return found
        weight = float(self.synthetic_weight)
        return {
            name: replace(mix, synthetic_weight=weight) for name, mix in found.items() if mix.synthetic_weight == 1.0
        }

    def _warn_of_small_classes(self, augmenter: SyntheticAugmenter, y: Any) -> None:
        drop_small_classes(plan_for(augmenter, y), counts_of(unwrap(known(y))[0]))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


@dataclass(frozen=True)
class _Rows:
    X: Any
    y: Any
    groups: np.ndarray | None
    weight: np.ndarray | None
    X_unlabeled: Any

    def that_weigh(self) -> "_Rows":
        """Return the rows without those that weigh 0."""
        if self.weight is None or self.weight.all():
            return self
        kept = np.flatnonzero(self.weight)
        groups = None if self.groups is None else self.groups[kept]
        return _Rows(take(self.X, kept), take(self.y, kept), groups, self.weight[kept], self.X_unlabeled)


def _demands(X: Any) -> dict[str, Any]:
    """Return what scikit-learn is to check flat rows by: whether they may lack values the classifier knows best."""
    return {"dtype": None if X.dtype == object else "numeric", "ensure_all_finite": "allow-nan"}


def _weights(sample_weight: Any, n: int) -> np.ndarray | None:
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n,):
        raise ShapeError(f"sample_weight must hold one weight for each row; got shape {weight.shape} for {n} rows.")
    if not np.isfinite(weight).all() or weight.min() < 0 or not weight.any():
        raise ConfigError(
            "sample_weight must be finite, nowhere negative and not zero everywhere; "
            f"got {weight.min()} to {weight.max()}. Leave it out."
        )
    return weight
