"""The strength of classical augmentation, chosen on the training rows: it may be nothing."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from synthaug._check import check_choice
from synthaug._seed import derive
from synthaug.augment.classic import PRESETS
from synthaug.augment.fitting import Answers, answers_of, as_estimator_wants, own_parameter, pool_answers
from synthaug.augment.metrics import score
from synthaug.augment.mix import Mix, reads_images
from synthaug.augment.scorable import check_scoring_fits
from synthaug.augment.ways import Setting, fit_mix, setting_of_part
from synthaug.data.container import take
from synthaug.data.labels import fit_label_codec
from synthaug.data.split import stratified_folds

TUNED, TUNED_MIRRORED = "tuned", "tuned mirrored"
TRIED: tuple[str | None, ...] = (None, "shift", "affine")
TRIED_FOR: dict[str, tuple[str | None, ...]] = {TUNED: TRIED, TUNED_MIRRORED: (*TRIED, "mirror")}
_UNTRIED = "shift"
N_FOLDS = 3


def resolve_transform(transform: Any, X: Any, y: Any, setting: Setting, *, scoring: Any) -> Any:
    """Return the transform that a user gave; where it is a word of ``TRIED_FOR``, and rows are images, the chosen one.

    Parameters
    ----------
    transform
        What ``transform_images`` takes, ``tuned``, or ``tuned mirrored``, where the sides of an image may be exchanged.
    X, y, setting, scoring
        As ``choose_transform`` takes them.

    Raises
    ------
    ConfigError
        If the transform is a word that nobody knows; a classifier that transforms rows itself may know others.
    """
    check_transform(transform, setting.estimator)
    if isinstance(transform, str) and transform in TRIED_FOR and reads_images(setting.augmenter, X):
        return choose_transform(X, y, setting, scoring=scoring, tried=TRIED_FOR[transform])
    return transform


def check_transform(transform: Any, estimator: Any) -> None:
    """Raise ConfigError for a word that nobody knows; a classifier that transforms rows itself may know others."""
    if isinstance(transform, str) and own_parameter(estimator, "image_transform") is None:
        check_choice("image_transform", transform, (*PRESETS, *TRIED_FOR))


def choose_transform(
    X: Any, y: Any, setting: Setting, *, scoring: Any, tried: tuple[str | None, ...] = TRIED
) -> str | None:
    """Return which of nothing, ``shift`` and ``affine`` (or others) serves a classifier best on rows held back from it.

    Repeated rows fill the classes up by the plan, transformed by each in turn; the answers to all rows, each by a
    classifier that never saw it, are scored together. Of equals the weaker is taken.

    Parameters
    ----------
    X, y
        Training rows, images, and labels; no other row is looked at.
    setting
        The classifier, how rows are read, the plan, groups and seed.
    scoring
        A scorer, its name, or None for accuracy.
    tried
        What is chosen among, the weaker first.

    Returns
    -------
    What ``transform_images`` takes; ``shift`` where the rows are too few to try.

    Raises
    ------
    ConfigError
        If the score does not fit the labels or the classifier.
    """
    check_scoring_fits(scoring, y, setting.estimator)
    labels = fit_label_codec(y).encode(y)
    n_groups = len(labels) if setting.groups is None else len(np.unique(setting.groups))
    if min(n_groups, np.bincount(labels).max()) < N_FOLDS:
        return _UNTRIED
    seed = derive(setting.seed, "tuning")
    folds = stratified_folds(labels, n_splits=N_FOLDS, seed=seed, groups=setting.groups)
    if any(len(np.unique(labels[train])) < 2 or not len(test) for train, test in folds):
        return _UNTRIED
    scores = [_score(X, y, replace(setting, transform=transform), folds, scoring) for transform in tried]
    return tried[int(np.argmax(scores))]


def _score(X: Any, y: Any, setting: Setting, folds: list[tuple[np.ndarray, np.ndarray]], scoring: Any) -> float:
    parts = [_answers(X, y, setting, train, test) for train, test in folds]
    return score_pooled(scoring, pool_answers(parts, [test for _, test in folds]), y)


def _answers(X: Any, y: Any, setting: Setting, train: np.ndarray, test: np.ndarray) -> Answers:
    """Return the answers for some rows of a classifier trained on transformed repeats of others."""
    part = setting_of_part(setting, y, train, seed=setting.seed)
    fitted = fit_mix(Mix(synthetic_fraction=0.0, classic=True), take(X, train), take(y, train), part)
    return answers_of(fitted.classifier, as_estimator_wants(fitted.classifier, take(X, test)))


def score_pooled(scoring: Any, answers: Answers, y: Any) -> float:
    """Return the score of answers to all rows, in the rows' order."""
    labels = np.asarray(y)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true", UserWarning)
        return score(scoring, answers, labels)
