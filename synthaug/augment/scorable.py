"""Whether a score can be taken of a classifier's answers, tried on answers without an error before any learning."""

import warnings
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring, get_scorer_names

from synthaug._check import check_choice
from synthaug.augment.fitting import Answers, has_method
from synthaug.augment.metrics import Scoring, metric_name, score, score_blocks, specificity_of
from synthaug.errors import ConfigError

_METHODS = ("predict", "predict_proba", "decision_function")


def check_scoring_fits(scoring: Scoring, y: Any, estimator: Any) -> None:
    """Raise ConfigError unless a score can be taken of a classifier's answers to rows of these labels.

    Parameters
    ----------
    scoring
        A scorer, its name, or None for accuracy.
    y
        The labels (n,).
    estimator
        The classifier, not fitted: the methods that it has are looked at.
    """
    _check_kind(scoring)
    name, classifier = metric_name(scoring), type(estimator).__name__
    answers, labels = right_answers(y, estimator), np.asarray(y)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score(scoring, answers, labels)
    except ConfigError:
        raise
    except ArithmeticError:  # of a score that divides by the number of errors, say
        return
    except AttributeError as error:
        told = str(error).replace(type(answers).__name__, classifier).rstrip(".")
        raise ConfigError(
            f"scoring {name} must look at what {classifier} gives, {' and '.join(answers.values)}; got an error: {told}"
            ". Choose another metric, or a classifier that gives it."
        ) from error
    except (ValueError, TypeError) as error:
        told = str(error).rstrip(".")
        raise ConfigError(
            f"scoring {name} must be able to score these labels by {classifier}; got an error: {told}. Choose "
            "another metric, or a scorer (estimator, X, y) that is made for them."
        ) from error


def can_be_shared_out(scoring: Scoring, y: Any, blocks: list[np.ndarray], estimator: Any) -> bool:
    """Return whether a score stands when any one of two blocks of rows or more is left out: a rank needs two classes,
    say.
    """
    if len(blocks) < 2:
        return False
    labels = np.asarray(y)
    answers = right_answers(y, estimator, classes=np.unique(labels[np.concatenate(blocks)]))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(np.isfinite(score_blocks(scoring, answers, labels, blocks)).all())
    except ArithmeticError:  # of a score that divides by the number of errors, say
        return True
    except ValueError:
        return False


def _check_kind(scoring: Any) -> None:
    """Raise ConfigError unless this is a scorer, the name of one, or None."""
    if isinstance(scoring, str):
        if specificity_of(scoring) is None:
            check_choice("scoring", scoring, get_scorer_names())
        return
    if scoring is not None and not callable(scoring):
        raise ConfigError(
            f"scoring must be one name, one scorer or None; got {scoring!r}. Pass one: scoring='balanced_accuracy'."
        )
    try:
        check_scoring(Answers(np.empty(0), {}), scoring=scoring)
    except ValueError as error:
        name = metric_name(scoring)
        raise ConfigError(
            f"scoring must be a scorer, a function of (estimator, X, y); got {name}, a metric of labels. Pass a name, "
            f"or make_scorer({name})."
        ) from error


def right_answers(y: Any, estimator: Any, *, classes: np.ndarray | None = None) -> Answers:
    """Return answers without an error to rows of these labels, by the methods that the estimator has; of these classes,
    or of those of the labels.
    """
    labels = np.asarray(y)
    classes = np.unique(labels) if classes is None else classes
    shares = (labels[:, None] == classes).astype(float)
    margins = shares[:, 1] - 0.5 if len(classes) == 2 else shares
    values = dict(zip(_METHODS, (labels, shares, margins), strict=True))
    return Answers(classes, {name: given for name, given in values.items() if has_method(estimator, name)})
