"""The metrics of a study, chosen and checked before anything is learned: each by name, each able to score what is
tested.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from synthaug.augment.fitting import has_method
from synthaug.augment.metrics import metric_name, score, specificity_of
from synthaug.augment.scorable import check_scoring_fits, right_answers
from synthaug.data.split import Split
from synthaug.errors import ConfigError

NEEDS_PROBABILITIES = ("roc_auc_ovr", "neg_log_loss", "neg_brier_score")
_USUAL = ("balanced_accuracy", "accuracy", "f1_macro", "neg_log_loss", "neg_brier_score")


def read_metrics(
    scoring: Any, metrics: Any, labels: np.ndarray, splits: Sequence[Split], estimator: Any
) -> dict[str, Any]:
    """Return the metrics by name, the primary one first.

    Parameters
    ----------
    scoring
        The primary metric.
    metrics
        The others; None for the field's, as far as they can be.
    labels, splits, estimator
        What they must be able to score.

    Raises
    ------
    ConfigError
        For a metric that was asked for and cannot be.
    """
    _check_metric(scoring, labels, estimator)
    if isinstance(metrics, Mapping):
        raise ConfigError(
            f"metrics must be a list; got a dict of {', '.join(map(repr, metrics))}. Pass its values: names of "
            "metrics, and scorers, which are called what their function is."
        )
    if isinstance(metrics, str) or not (metrics is None or np.iterable(metrics)):
        raise ConfigError(f"metrics must be a list; got {metrics!r}. Write [{metrics!r}].")
    if metrics is None:
        metrics = _usual(labels, splits, estimator, apart_from=metric_name(scoring))
    metrics = list(metrics)
    for number, metric in enumerate(metrics):
        try:
            _check_metric(metric, labels, estimator)
        except ConfigError as error:
            raise ConfigError(str(error).replace("scoring", f"metrics[{number}]", 1)) from error
    named: dict[str, Any] = {}
    for metric in (scoring, *metrics):
        if named.setdefault(metric_name(metric), metric) != metric:
            raise ConfigError(
                f"metrics must each have a name of their own; got two scorers called {metric_name(metric)!r}. Make one "
                "of a function with another name."
            )
    return named


def _usual(labels: np.ndarray, splits: Sequence[Split], estimator: Any, *, apart_from: str) -> list[str]:
    """Return the field's metrics; average precision of two classes alone, for the margins of more, by which
    scikit-learn ranks, cannot be compared between rows.
    """
    of_ranks = ("roc_auc", "average_precision") if len(np.unique(labels)) == 2 else ("roc_auc_ovr",)
    names = [name for name in (*_USUAL, *of_ranks) if name != apart_from]
    return [name for name in names if _is_allowed(name, labels, splits, estimator)]


def _is_allowed(name: str, labels: np.ndarray, splits: Sequence[Split], estimator: Any) -> bool:
    try:
        _check_metric(name, labels, estimator)
        check_scorable({name: name}, labels, splits, estimator)
    except ConfigError:
        return False
    return True


def check_scorable(metrics: Mapping[str, Any], y: Any, splits: Sequence[Split], estimator: Any) -> None:
    """Raise ConfigError if the test rows of a split have no score: a rank needs two classes, say."""
    labels = np.asarray(y)
    classes = np.unique(labels)
    for number, split in enumerate(splits):
        tested = labels[split.test]
        for name, metric in metrics.items():
            if _can_be_tried(metric) and not _has_score(metric, tested, classes, estimator):
                raise ConfigError(
                    f"scoring {name} must be able to score the test rows of every split; got split {number}, whose "
                    f"{len(tested)} rows are of {len(np.unique(tested))} of the {len(classes)} classes. Take fewer "
                    "folds, groups that hold more classes, or a metric that one class has too, such as accuracy."
                )


def _has_score(metric: Any, tested: np.ndarray, classes: np.ndarray, estimator: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(np.isfinite(score(metric, right_answers(tested, estimator, classes=classes), tested)))
        except ValueError:
            return False


def _can_be_tried(metric: Any) -> bool:
    """Return whether a metric goes by labels and answers alone: a name does, and a scorer of scikit-learn's."""
    return not callable(metric) or hasattr(metric, "_score_func")


def _check_metric(metric: Any, labels: np.ndarray, estimator: Any) -> None:
    """Raise unless a metric is a scorer or the name of one, and rows and classifier are such as it can score."""
    if isinstance(metric, str) and (metric == "roc_auc" or specificity_of(metric)) and len(np.unique(labels)) > 2:
        raise ConfigError(
            f"scoring {metric} is for two classes; got labels of more. Take 'roc_auc_ovr', each class against the rest."
        )
    if isinstance(metric, str) and metric in NEEDS_PROBABILITIES and not has_method(estimator, "predict_proba"):
        raise ConfigError(
            f"scoring {metric} needs probabilities; {type(estimator).__name__} gives none. Choose a classifier with "
            "predict_proba or another metric."
        )
    check_scoring_fits(metric, labels, estimator)
