"""The arm that moves the decision, not the rows: a tuned threshold, or probabilities corrected for the priors."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.utils import get_tags

from synthaug._check import FEWEST_ROWS
from synthaug._seed import derive
from synthaug.augment.arms.task import Task, Trained
from synthaug.augment.fitting import Answers, UnseenRows, as_estimator_wants, fit_classifier, has_method
from synthaug.augment.metrics import metric_name, rank_metric
from synthaug.augment.plan import counts_of
from synthaug.augment.teachers import cross_fit
from synthaug.augment.tuning import score_pooled
from synthaug.augment.ways import NotApplicable
from synthaug.data.container import known, take
from synthaug.data.split import stratified_folds
from synthaug.errors import ConfigError

_MOST_FOLDS, _MOST_THRESHOLDS = 5, 100
_POWERS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)


def threshold(task: Task) -> Trained:
    """Train on the real rows alone, and tune by inner folds from where on a class is given.

    Two classes: scikit-learn's ``TunedThresholdClassifierCV``. More: probabilities divided by a power of the classes'
    frequencies (Menon et al., "Long-tail Learning via Logit Adjustment", 2021), the power being tuned.
    """
    scoring = "balanced_accuracy" if task.scoring is None else task.scoring
    if not _looks_at_labels(scoring, np.asarray(task.y)):
        raise NotApplicable(f"a threshold changes labels, and {metric_name(task.scoring)} looks at probabilities")
    if len(counts_of(task.y)) == 2:
        return Trained(_two_classes(task, scoring), 0)
    return Trained(_more_classes(task, scoring), 0)


def _looks_at_labels(scoring: Any, y: np.ndarray) -> bool:
    """Return whether a score can be taken of labels alone."""
    if rank_metric(scoring) is not None:
        return False
    labels_alone = Answers(np.unique(y), {"predict": y})
    try:
        check_scoring(labels_alone, scoring=scoring)(labels_alone, UnseenRows(np.arange(len(y))), y)
    except AttributeError:
        return False
    return True


def _two_classes(task: Task, scoring: Any) -> Any:
    if callable(scoring) and not hasattr(scoring, "_score_func"):
        raise NotApplicable(
            f"a threshold of two classes is tuned by a score of labels; {metric_name(scoring)} is a function of the "
            "classifier. Take a name, or make_scorer of a function (y_true, y_pred)"
        )
    if not (has_method(task.estimator, "predict_proba") or has_method(task.estimator, "decision_function")):
        name = type(task.estimator).__name__
        raise NotApplicable(f"a threshold needs a classifier that gives more than labels; {name} gives none")
    n_tried = min(_MOST_THRESHOLDS, len(task.y))
    tuned = TunedThreshold(task.estimator, scoring=scoring, cv=_folds(task), thresholds=n_tried)
    X = as_estimator_wants(task.estimator, task.X)
    with warnings.catch_warnings():
        for message in ("y_pred contains classes not in y_true", "A single label was found"):  # in a fold of groups
            warnings.filterwarnings("ignore", message, UserWarning)
        try:
            return tuned.fit(X if hasattr(X, "iloc") else np.asarray(X), np.asarray(task.y))
        except ValueError as error:
            if "constant predictions" not in str(error):
                raise
            raise NotApplicable(
                "a threshold needs a classifier whose answers differ; this one's are constant"
            ) from error


def _folds(task: Task) -> list[tuple[np.ndarray, np.ndarray]]:
    labels = np.asarray(task.y)
    counts = np.unique(labels, return_counts=True)[1]
    apart = int(counts.min()) if task.groups is None else len(np.unique(task.groups))
    if min(apart, counts.min()) < FEWEST_ROWS:
        raise NotApplicable(
            f"a tuned threshold needs {FEWEST_ROWS} rows a class, and as many groups where there are some"
        )
    n_splits, seed = min(_MOST_FOLDS, apart, int(counts.min())), derive(task.seed, "threshold")
    folds = stratified_folds(labels, n_splits=n_splits, seed=seed, groups=task.groups)
    if any(len(np.unique(labels[train])) < 2 for train, _ in folds):
        raise NotApplicable("a tuned threshold needs both classes in every fold; groups leave one with a single class")
    told = [(train, test) for train, test in folds if len(test) >= FEWEST_ROWS]  # one row is no choice of thresholds
    if not told:
        raise NotApplicable(f"a tuned threshold needs {FEWEST_ROWS} rows to test on in a fold; groups leave fewer")
    return told


def _more_classes(task: Task, scoring: Any) -> "PriorAdjusted":
    if not has_method(task.estimator, "predict_proba"):
        name = type(task.estimator).__name__
        raise NotApplicable(
            f"thresholds of more than two classes need a classifier with predict_proba; {name} has none"
        )
    X, y = task.X, known(task.y)

    def fit(rows: np.ndarray, number: int) -> Any:
        return fit_classifier(task.estimator, as_estimator_wants(task.estimator, take(X, rows)), take(y, rows))

    try:
        teachers = cross_fit(fit, X, y, groups=task.groups, seed=derive(task.seed, "threshold"))
    except ConfigError as error:
        raise NotApplicable("tuned thresholds need rows of several classes in every fold") from error
    priors = np.array(list(counts_of(y).values())) / len(y)

    def score(power: float) -> float:
        shares = adjust(teachers.out_of_fold, priors, power)
        predicted = teachers.classes_[shares.argmax(axis=1)]
        return score_pooled(scoring, Answers(teachers.classes_, {"predict": predicted, "predict_proba": shares}), y)

    power = max(_POWERS, key=score)
    return PriorAdjusted(fit(np.arange(len(y)), 0), priors, power)


def adjust(shares: np.ndarray, priors: np.ndarray, power: float) -> np.ndarray:
    """Return probabilities (n, n_classes) divided by a power of the classes' frequencies (n_classes,), rows summing to
    1.
    """
    lifted = shares / priors**power
    return lifted / lifted.sum(axis=1, keepdims=True)


class TunedThreshold(TunedThresholdClassifierCV):
    """``TunedThresholdClassifierCV`` that takes rows of whatever shape its classifier takes."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags


class PriorAdjusted(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose probabilities are divided by a power of the classes' frequencies.

    Parameters
    ----------
    classifier
        A fitted classifier with ``predict_proba``.
    priors
        How frequent each class was in the training rows, (n_classes,).
    power
        0 changes nothing; 1 answers as if the classes were equally frequent.
    """

    def __init__(self, classifier: Any, priors: np.ndarray, power: float) -> None:
        self.classifier = classifier
        self.priors = priors
        self.power = power

    @property
    def classes_(self) -> np.ndarray:
        """The labels."""
        return np.asarray(self.classifier.classes_)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the adjusted probability of each class, (n, n_classes)."""
        return adjust(self.classifier.predict_proba(X), self.priors, self.power)

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of the greatest adjusted probability, (n,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.classifier).input_tags
        return tags
