"""Soft labels: what classifiers that never saw a row say of it, beside the class that it is meant to be of.

Teachers are fitted on the real rows, each without one of K folds (Wolpert, "Stacked Generalization", 1992). A synthetic
row is judged by all teachers' mean probabilities, a real one by those of the teacher that never saw it. A soft label is
half that and half the row's own class, which a teacher of few rows often misses (Hinton, Vinyals & Dean, "Distilling
the Knowledge in a Neural Network", 2015; Reed et al., "Training Deep Neural Networks on Noisy Labels with
Bootstrapping", 2015): on 8x8 digits with 4 rows in some classes teachers alone cost up to 8 points more. A classifier
that takes no probabilities as targets gets the row once for each class, with the probability as its weight: the
weighted log-likelihood is the cross-entropy with the soft label.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from synthaug._seed import derive, seed_from
from synthaug.augment.fitting import as_estimator_wants, has_method, probabilities_of
from synthaug.augment.mix import Mixed
from synthaug.data.container import join, known, take
from synthaug.data.groups import checked_groups
from synthaug.data.labels import fit_label_codec
from synthaug.data.split import stratified_folds
from synthaug.errors import ConfigError

_MOST_TEACHERS = 5
_LEAST_SHARE = 0.05
_OWN_SHARE = 0.5


@dataclass(frozen=True)
class Teachers:
    """Classifiers, each fitted without a part of the real rows.

    Attributes
    ----------
    classes_
        The labels, sorted, shape (n_classes,).
    classifiers
        The fitted classifiers.
    out_of_fold
        For each real row the probabilities that the classifier gives it which never saw it, (n, n_classes).
    """

    classes_: np.ndarray
    classifiers: tuple[Any, ...]
    out_of_fold: np.ndarray

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the mean of the teachers' probabilities of rows that none of them saw, (m, n_classes)."""
        return np.mean([_probabilities(one, X, self.classes_) for one in self.classifiers], axis=0)


def fit_teachers(
    estimator: Any, X: Any, y: Any, *, groups: np.ndarray | None = None, random_state: int | None = None
) -> Teachers:
    """Return teachers that are clones of a classifier, for soft labels in a loop of one's own.

    Parameters
    ----------
    estimator
        A classifier with ``predict_proba``. Images reach it as flat rows unless its tags ask for arrays.
    X, y
        The real rows that are trained on, and their labels.
    groups
        Which rows belong together (n,): a teacher that saw one of a group is not asked about the others.
    random_state
        Decides the folds.

    Raises
    ------
    ConfigError
        If the classifier gives no probabilities, or the rows are too few.
    ShapeError
        If there is not one group for each row.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X, y = load_iris(return_X_y=True)
    >>> fit_teachers(GaussianNB(), X, y, random_state=0).predict_proba(X[:1]).round(2).tolist()
    [[1.0, 0.0, 0.0]]
    """
    if not teaches(estimator):
        raise ConfigError(
            f"a teacher must have predict_proba; got {type(estimator).__name__}, which has none. Wrap it in "
            "CalibratedClassifierCV, or choose another classifier."
        )

    def fit(train: np.ndarray, number: int) -> Any:
        return clone(estimator).fit(as_estimator_wants(estimator, take(X, train)), take(known(y), train))

    return cross_fit(fit, X, y, groups=checked_groups(groups, len(y)), seed=seed_from(random_state))


def teaches(estimator: Any) -> bool:
    """Return whether a classifier gives probabilities."""
    return has_method(estimator, "predict_proba")


def cross_fit(
    fit: Callable[[np.ndarray, int], Any], X: Any, y: Any, *, groups: np.ndarray | None, seed: int
) -> Teachers:
    """Return teachers, each fitted by ``fit``, a function of row numbers and the teacher's number.

    Raises
    ------
    ConfigError
        If rows or groups are too few for two teachers of two classes each.
    """
    codec = fit_label_codec(y)
    labels = codec.encode(y)
    apart = len(labels) if groups is None else min(len(np.unique(groups)), int(np.bincount(labels).max()))
    n_teachers = min(_MOST_TEACHERS, apart)
    if n_teachers < 2:
        raise ConfigError(
            "soft labels need rows of two groups at least, so that a teacher can be asked of the other, and with "
            "groups a class of two rows"
        )
    folds = stratified_folds(labels, n_splits=n_teachers, seed=derive(seed, "teachers"), groups=groups)
    if any(len(np.unique(labels[train])) < 2 for train, _ in folds):
        raise ConfigError(
            f"soft labels need {n_teachers} teachers of two classes; the rows leave one with a single class"
        )
    found, out_of_fold = [], np.zeros((len(labels), len(codec.classes)))
    for number, (train, test) in enumerate(folds):
        found.append(fit(train, number))
        if len(test):
            out_of_fold[test] = _probabilities(found[-1], take(X, test), codec.classes)
    return Teachers(codec.classes, tuple(found), out_of_fold)


def soften(mixed: Mixed, y: Any, teachers: Teachers) -> Mixed:
    """Return the rows with those added under soft labels: once for each class that a row may be of.

    Parameters
    ----------
    mixed
        Real rows, then those added.
    y
        The real rows' labels (n,), which stay.
    teachers
        Who says what the others are. Probabilities under 0.05 are dropped and the rest of the row scaled up to 1.
    """
    own = fit_label_codec(y).encode(mixed.y)[len(y) :]
    n_real, n_repeated = len(y), len(mixed.origins)
    drawn = teachers.predict_proba(take(mixed.X, np.arange(n_real + n_repeated, len(mixed.y))))
    return share_out(mixed, y, soft_labels(own, np.concatenate([teachers.out_of_fold[mixed.origins], drawn])))


def soft_labels(own: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return soft labels (m, n_classes): half the row's own class (m,), half the teachers' shares (m, n_classes)."""
    return _OWN_SHARE * np.eye(shares.shape[1])[own] + (1 - _OWN_SHARE) * shares


def share_out(mixed: Mixed, y: Any, shares: np.ndarray) -> Mixed:
    """Return the rows with those added once for each class that they share in, weighted by the share.

    Parameters
    ----------
    mixed
        Real rows, then those added.
    y
        The real rows' labels (n,), which stay.
    shares
        How much of each class a row added is, (n_added, n_classes), each row's sum 1; shares under 0.05 are dropped and
        the row's others scaled up.
    """
    n_real, kept = len(y), _without_small(shares)
    rows, classes = np.nonzero(kept)
    places = np.concatenate([np.arange(n_real), n_real + rows])
    weight = np.ones(len(mixed.y)) if mixed.weight is None else mixed.weight
    labels = join(y, fit_label_codec(y).decode(classes))
    shared = np.concatenate([np.ones(n_real), kept[rows, classes]])
    return Mixed(take(mixed.X, places), labels, weight[places] * shared, mixed.n_added, mixed.origins)


def _without_small(shares: np.ndarray) -> np.ndarray:
    kept = (shares >= _LEAST_SHARE) | (shares == shares.max(axis=1, keepdims=True))
    return np.where(kept, shares, 0.0) / (shares * kept).sum(axis=1, keepdims=True)


def _probabilities(classifier: Any, X: Any, classes: np.ndarray) -> np.ndarray:
    if len(X) == 0:
        return np.zeros((0, len(classes)))
    return probabilities_of(classifier, as_estimator_wants(classifier, X), classes)
