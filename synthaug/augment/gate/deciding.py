"""``decide``: try every candidate on the training rows, choose one."""

import numpy as np

from synthaug._check import check_count
from synthaug.augment.gate.candidates import NOTHING
from synthaug.augment.gate.choosing import Decision, choose, refuse
from synthaug.augment.gate.experience import grows_trees
from synthaug.augment.gate.trying import CannotFit, Folds, Trial, blocks_of, inner_folds, try_candidates
from synthaug.augment.metrics import metric_name
from synthaug.augment.mix import Mix, reads_images
from synthaug.augment.plan import counts_of
from synthaug.augment.scorable import can_be_shared_out, check_scoring_fits
from synthaug.augment.ways import Setting, check_applies
from synthaug.data.labels import fit_label_codec
from synthaug.errors import ConfigError


def decide(trial: Trial) -> Decision:
    """Return which candidate, if any, the training rows speak for.

    The rows are cut into inner folds. One learner an inner fold learns on the inner training part; every candidate
    answers for the inner test part. The answers to all training rows are scored by the user's score and compared with
    those of adding nothing, row by row. What is then drawn comes from all inner learners together.

    Parameters
    ----------
    trial
        Training rows, classifier, augmenter, candidates.

    Raises
    ------
    ConfigError
        If there is no candidate, one does not fit the rows or the classifier, or the score does not fit the labels or
        the classifier; nothing is learned then.
    """
    check_count("n_splits", trial.n_splits)
    _check_candidates(trial)
    check_scoring_fits(trial.scoring, trial.y, trial.estimator)
    labels = fit_label_codec(trial.y).encode(trial.y)
    if np.bincount(labels).max() < trial.n_splits or _too_few_groups(trial):
        return refuse(
            f"the training rows are too few for {trial.n_splits} inner folds, which take as many rows of some class, "
            "and as many groups if there are any"
        )
    folds = inner_folds(trial)
    if _one_class_somewhere(labels, folds):
        return refuse(f"{trial.n_splits} inner folds would leave one of them with a single class to learn from")
    if not can_be_shared_out(trial.scoring, trial.y, blocks_of(trial), trial.estimator):
        return refuse("the rows of some class stand in too few groups to tell how sure a gain would be")
    images, metric = reads_images(trial.augmenter, trial.X), metric_name(trial.scoring)
    try:
        tried = try_candidates(trial, folds)
    except CannotFit as error:
        return refuse(f"the classifier cannot be fitted to the rows of an inner fold ({str(error).rstrip('.')})")
    trees = grows_trees(trial.estimator)
    return choose(tried, trial.candidates, counts=counts_of(trial.y), metric=metric, images=images, trees=trees)


def _check_candidates(trial: Trial) -> None:
    mixes = list(trial.candidates.values())
    if not mixes or NOTHING in trial.candidates or not all(isinstance(mix, Mix) for mix in mixes):
        raise ConfigError(
            f"candidates must be mixes by name, one at least, none called {NOTHING!r}; got {dict(trial.candidates)!r}. "
            "Name some: {'half': Mix(amount=0.5)}."
        )
    setting = Setting(trial.estimator, trial.augmenter, None, {}, trial.transform, trial.seed)
    for mix in mixes:
        check_applies(mix, trial.X, setting)


def _too_few_groups(trial: Trial) -> bool:
    return trial.groups is not None and len(np.unique(trial.groups)) < trial.n_splits


def _one_class_somewhere(labels: np.ndarray, folds: Folds) -> bool:
    return any(len(np.unique(labels[train])) < 2 for train, _ in folds)
