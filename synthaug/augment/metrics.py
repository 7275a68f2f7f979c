"""Scores of a classifier's answers, whole and shared out over blocks of rows.

The field's common metrics are here with three properties that a study needs: they stand where a class has no test row
(it is left out, as scikit-learn's balanced accuracy does), they take any kind of label, and those that follow from
sums over rows are shared out over blocks without scoring once for each block. Where every class has test rows they
give what scikit-learn's scorers of the same name give; average precision is that of the second of two classes,
whatever they are called (scikit-learn's is that of the class 1). Every other scorer of scikit-learn, or of one's own,
is asked as it is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.metrics import average_precision_score, check_scoring

from synthaug.augment.fitting import Answers, UnseenRows
from synthaug.augment.fitting import score_blocks as score_blocks_one_by_one
from synthaug.augment.resampled import CURVE_METRICS, Curves, curves_of, sensitivity
from synthaug.statistics import jackknife_blocks, jackknife_sums

Scoring = str | Callable[..., float] | None
RankMetric = Callable[[Answers, np.ndarray, np.ndarray], float]
_ROUNDING = 1e-9  # 0.1 * 30 must not be just below 3
_OVER_CLASSES = ("balanced_accuracy", "f1_macro", "roc_auc", "roc_auc_ovr", "average_precision")


@dataclass(frozen=True)
class SumMetric:
    """A metric that follows from sums over rows.

    Attributes
    ----------
    parts
        What each row adds, shape (n, q), from an estimator's answers and the true labels (n,).
    of_sums
        The metric, shape (...), from the sums, shape (..., q).
    """

    parts: Callable[[Answers, np.ndarray], np.ndarray]
    of_sums: Callable[[np.ndarray], np.ndarray]


def score(scoring: Scoring, answers: Answers, y: np.ndarray) -> float:
    """Return one score of a classifier's answers to n rows; higher is better.

    Parameters
    ----------
    scoring
        A name of ``SUM_METRICS``, ``RANK_METRICS`` or of a scikit-learn scorer, ``sensitivity_at_90_specificity`` (of
        two classes; any percentage), a scorer, or None for accuracy.
    answers, y
        A classifier's answers, and the true labels (n,).
    """
    scoring = scoring or "accuracy"
    if isinstance(scoring, str) and scoring in SUM_METRICS:
        metric = SUM_METRICS[scoring]
        return float(metric.of_sums(metric.parts(answers, y).sum(axis=0)))
    rows, rank = np.arange(len(y)), rank_metric(scoring)
    if rank is not None:
        return rank(answers, y, rows)
    return _by_scorer(scoring, answers, y, rows)


def score_blocks(scoring: Scoring, answers: Answers, y: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    """Return a score's pseudo-values over blocks of rows, shape (n_blocks,); their mean is the score of all rows in
    them.
    """
    scoring = scoring or "accuracy"
    if isinstance(scoring, str) and scoring in SUM_METRICS:
        metric = SUM_METRICS[scoring]
        return jackknife_sums(metric.of_sums, metric.parts(answers, y), blocks)
    rank = rank_metric(scoring)
    if rank is not None:
        return jackknife_blocks(lambda rows: rank(answers, y, rows), blocks)
    return score_blocks_one_by_one(scoring, answers, y, blocks)


def score_resamples(scoring: Scoring, answers: Answers, y: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return a score on each resample of the rows, shape (n_resamples,).

    NaN where it cannot be told, as a rank of one class, and where a mean over the classes would leave out one that y
    holds.

    Parameters
    ----------
    scoring, answers, y
        As in ``score``.
    times
        How often each row is in each resample, (n_resamples, n), as ``resample_groups`` gives it.
    """
    values = _of_resamples(scoring or "accuracy", answers, y, times)
    if not isinstance(scoring, str) or scoring not in _OVER_CLASSES:
        return values
    rows_of = times.astype(float) @ (np.asarray(y)[:, None] == np.unique(y))
    return np.where((rows_of > 0).all(axis=1), values, np.nan)


def _of_resamples(scoring: Scoring, answers: Answers, y: np.ndarray, times: np.ndarray) -> np.ndarray:
    if isinstance(scoring, str) and scoring in SUM_METRICS:
        metric = SUM_METRICS[scoring]
        with np.errstate(divide="ignore", invalid="ignore"):  # a resample may leave a small part without a row
            return metric.of_sums(times.astype(float) @ metric.parts(answers, y))
    if isinstance(scoring, str) and (curve := _curve_metric(scoring)) is not None:
        by_share, rows = scoring == "roc_auc_ovr", np.arange(len(y))
        values, truth = _rankable(answers.predict_proba, answers, y, rows) if by_share else _margins(answers, y, rows)
        columns = _columns_to_rank(values)
        return _mean_of_known([curve(curves_of(values[:, c], truth[:, c], times)) for c in columns])
    rank = rank_metric(scoring) or partial(_by_scorer, scoring)
    drawn = (np.repeat(np.arange(len(y)), row) for row in times)
    return np.array([rank(answers, y, rows) if len(np.unique(y[rows])) > 1 else np.nan for rows in drawn])


def _curve_metric(scoring: str) -> Callable[[Curves], np.ndarray] | None:
    specificity = specificity_of(scoring)
    return CURVE_METRICS.get(scoring) if specificity is None else partial(sensitivity, specificity=specificity)


def _by_scorer(scoring: Scoring, answers: Answers, y: np.ndarray, rows: np.ndarray) -> float:
    return float(check_scoring(answers, scoring=scoring)(answers, UnseenRows(rows), y[rows]))


def rank_metric(scoring: Scoring) -> RankMetric | None:
    """Return the metric of ranks that a word names; None for any other word or scorer."""
    if not isinstance(scoring, str):
        return None
    specificity = specificity_of(scoring)
    return RANK_METRICS.get(scoring) if specificity is None else partial(_sensitivity, specificity=specificity)


def specificity_of(scoring: str) -> float | None:
    """Return the specificity, above 0 and below 1, of ``sensitivity_at_<percent>_specificity``; None of other words.

    Examples
    --------
    >>> specificity_of("sensitivity_at_90_specificity"), specificity_of("sensitivity_at_97.5_specificity")
    (0.9, 0.975)
    >>> specificity_of("sensitivity_at_100_specificity")
    """
    found = re.fullmatch(r"sensitivity_at_(\d{1,2}(?:\.\d{1,2})?)_specificity", scoring)
    percent = float(found[1]) if found else 0.0
    return percent / 100 if percent > 0 else None


def metric_name(scoring: Scoring) -> str:
    """Return what a scorer is called: its own name, or that of the function it is made of.

    Examples
    --------
    >>> from sklearn.metrics import fbeta_score, make_scorer
    >>> metric_name(make_scorer(fbeta_score, beta=2)), metric_name("accuracy")
    ('fbeta_score', 'accuracy')
    """
    if scoring is None or isinstance(scoring, str):
        return scoring or "accuracy"
    inner = getattr(scoring, "_score_func", scoring)
    sign = "neg_" if getattr(scoring, "_sign", 1) < 0 else ""
    return sign + getattr(inner, "__name__", type(inner).__name__.lower())


def _right(answers: Answers, y: np.ndarray) -> np.ndarray:
    return np.stack([answers.values["predict"] == y, np.ones(len(y))], axis=1).astype(float)


def _confused(answers: Answers, y: np.ndarray) -> np.ndarray:
    """Return for each row and class whether it is of the class, predicted to be, and both: shape (n, 3 * n_classes)."""
    predicted = answers.values["predict"]
    classes = np.unique(np.concatenate([np.asarray(y), np.asarray(predicted)]))
    of_class, said = (np.asarray(labels)[:, None] == classes for labels in (y, predicted))
    return np.concatenate([of_class, said, of_class & said], axis=1).astype(float)


def _log_loss(answers: Answers, y: np.ndarray) -> np.ndarray:
    shares, truth = _probabilities(answers, y)
    given = np.where(truth, shares, 0).sum(axis=1)
    return np.stack([-np.log(given.clip(np.finfo(shares.dtype).eps, 1)), np.ones(len(y))], axis=1)


def _brier(answers: Answers, y: np.ndarray) -> np.ndarray:
    shares, truth = _probabilities(answers, y)
    scale = 0.5 if shares.shape[1] == 2 else 1.0  # two classes: of the one, as Brier's score is used there
    return np.stack([scale * ((shares - truth) ** 2).sum(axis=1), np.ones(len(y))], axis=1)


def _probabilities(answers: Answers, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of each class and whether it is the row's, shapes (n, n_classes); of labels that the
    classifier never saw it is 0.
    """
    given = np.asarray(answers.predict_proba(UnseenRows(np.arange(len(y)))))
    unseen = np.setdiff1d(np.asarray(y), answers.classes_)
    classes = np.concatenate([answers.classes_, unseen])
    shares = np.concatenate([given, np.zeros((len(y), len(unseen)), given.dtype)], axis=1)
    return shares, np.asarray(y)[:, None] == classes


def _mean(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def _minus_mean(sums: np.ndarray) -> np.ndarray:
    return -_mean(sums)


def _balanced_accuracy(sums: np.ndarray) -> np.ndarray:
    there, _, both = np.split(sums, 3, axis=-1)
    return _over_classes(both, there, there > 0)


def _f1_macro(sums: np.ndarray) -> np.ndarray:
    there, said, both = np.split(sums, 3, axis=-1)
    return _over_classes(2 * both, there + said, there + said > 0)


def _over_classes(above: np.ndarray, below: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return the mean of ratios over the classes that count, shape (...)."""
    ratios = np.divide(above, below, out=np.zeros_like(above), where=counted)
    return ratios.sum(axis=-1) / counted.sum(axis=-1)


def _ranked(answers: Answers, y: np.ndarray, rows: np.ndarray) -> float:
    """Return the area under the ROC curve by the decision function, where there is one."""
    return _area_under_curve(*_margins(answers, y, rows))


def _ranked_by_probability(answers: Answers, y: np.ndarray, rows: np.ndarray) -> float:
    """Return the mean over the classes of the area under the ROC curve of the class against the rest."""
    return _area_under_curve(*_rankable(answers.predict_proba, answers, y, rows))


def _area_under_curve(values: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean over the classes of the share of pairs, a row of the class and another, in the right order.

    From the ranks: Hanley & McNeil, "The meaning and use of the area under a receiver operating characteristic curve",
    1982.
    """
    from scipy.stats import rankdata

    n_of, n_rest = truth.sum(axis=0), (~truth).sum(axis=0)
    ranks = np.where(truth, rankdata(values, axis=0), 0).sum(axis=0)
    counted = (n_of > 0) & (n_rest > 0)
    return float(_over_classes(ranks - n_of * (n_of + 1) / 2, (n_of * n_rest).astype(float), counted))


def _average_precision(answers: Answers, y: np.ndarray, rows: np.ndarray) -> float:
    """Return the average precision of the second of two classes, or its mean over the classes of more."""
    values, truth = _margins(answers, y, rows)
    columns = [c for c in _columns_to_rank(values) if truth[:, c].any()]
    return float(np.mean([average_precision_score(truth[:, c], values[:, c]) for c in columns]))


def _columns_to_rank(values: np.ndarray) -> range:
    """Return the second of two classes, or all of more."""
    n_classes = values.shape[1]
    return range(1, 2) if n_classes == 2 else range(n_classes)


def _mean_of_known(values: list[np.ndarray]) -> np.ndarray:
    """Return the mean over the classes that have a value, (n_resamples,) of each (n_resamples,); NaN where none has."""
    table = np.stack(values)
    known = np.isfinite(table)
    sums, n_known = np.where(known, table, 0).sum(axis=0), known.sum(axis=0)
    return np.divide(sums, n_known, out=np.full(len(sums), np.nan), where=n_known > 0)


def _sensitivity(answers: Answers, y: np.ndarray, rows: np.ndarray, *, specificity: float) -> float:
    """Return the share of the second class's rows that is found at the lowest threshold of this specificity; NaN where
    a class has no row.
    """
    values, truth = _margins(answers, y, rows)
    found, rest = values[truth[:, -1], -1], np.sort(values[~truth[:, -1], -1])[::-1]
    if not len(found) or not len(rest):
        return float("nan")
    n_false = int(np.floor((1 - specificity) * len(rest) + _ROUNDING))
    return float((found > rest[n_false]).mean())


def _margins(answers: Answers, y: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    by_margin = hasattr(answers, "decision_function")
    return _rankable(answers.decision_function if by_margin else answers.predict_proba, answers, y, rows)


def _rankable(
    method: Callable[[UnseenRows], np.ndarray], answers: Answers, y: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a value of each class to rank rows by and whether it is the row's, shapes (n, n_classes)."""
    values = np.asarray(method(UnseenRows(rows)))
    if values.ndim == 1:
        values = np.stack([-values, values], axis=1)
    return values, np.asarray(y)[rows][:, None] == answers.classes_


SUM_METRICS: dict[str, SumMetric] = {
    "accuracy": SumMetric(_right, _mean),
    "balanced_accuracy": SumMetric(_confused, _balanced_accuracy),
    "f1_macro": SumMetric(_confused, _f1_macro),
    "neg_log_loss": SumMetric(_log_loss, _minus_mean),
    "neg_brier_score": SumMetric(_brier, _minus_mean),
}
RANK_METRICS: dict[str, RankMetric] = {
    "roc_auc": _ranked,
    "roc_auc_ovr": _ranked_by_probability,
    "average_precision": _average_precision,
}
