"""``decide``: try every candidate on the training rows, choose one."""

import numpy as np

from synthaug._check import check_count
from synthaug.augment.gate.choosing import Decision, choose, refuse
from synthaug.augment.gate.trying import Folds, Trial, inner_folds, try_candidates
from synthaug.data.labels import fit_label_codec


def decide(trial: Trial) -> Decision:
    """Return which candidate, if any, the training rows speak for.

    The rows are cut into inner folds. One learner an inner fold learns on the inner training part; every candidate
    answers for the inner test part. The answers to all training rows are scored by the user's score and compared with
    those of adding nothing, row by row. What is then drawn comes from all inner learners together.

    Parameters
    ----------
    trial
        Training rows, classifier, augmenter, candidates.
    """
    check_count("n_splits", trial.n_splits)
    labels = fit_label_codec(trial.y).encode(trial.y)
    if np.bincount(labels).max() < trial.n_splits or _too_few_groups(trial):
        return refuse(f"the training rows are too few for {trial.n_splits} inner folds")
    folds = inner_folds(trial)
    if _one_class_somewhere(labels, folds):
        return refuse(f"{trial.n_splits} inner folds would leave one of them with a single class to learn from")
    metric = trial.scoring if isinstance(trial.scoring, str) else ""
    return choose(try_candidates(trial, folds), trial.candidates, metric=metric)


def _too_few_groups(trial: Trial) -> bool:
    return trial.groups is not None and len(np.unique(trial.groups)) < trial.n_splits


def _one_class_somewhere(labels: np.ndarray, folds: Folds) -> bool:
    return any(len(np.unique(labels[train])) < 2 for train, _ in folds)
