"""Which gain a study will be able to see, told before it starts."""

import warnings
from typing import Any

import numpy as np

from synthaug._seed import derive, numpy_stream
from synthaug.augment.fitting import Answers, answers_of, as_estimator_wants, fit_classifier
from synthaug.augment.metrics import score, score_resamples
from synthaug.data.container import take
from synthaug.data.split import Split
from synthaug.experiment.work import Work
from synthaug.statistics import PairedTest, detectable_gain, planned_draws, planned_folds, resample_groups

N_PILOTS = 3
_N_RESAMPLES = 200
_ALPHA = 0.05


def foreseen_gain(work: Work, splits: list[Split]) -> float:
    """Return the smallest gain that a study could see four times in five, in the primary metric's unit.

    On its first splits the classifier is trained on the training rows, and on these with as many groups of them drawn
    again: two ways that differ by little more than luck. How their difference changes when the groups of the test rows
    are resampled, and from one draw to the next, says how noisy the study will be. No arm is tried.

    Parameters
    ----------
    work
        Rows, classifier, primary metric and arms.
    splits
        The splits of the study, at least 2.

    Returns
    -------
    The gain, or NaN where the pilot saw no difference at all. Beside several arms it counts as Holm's correction does
    at its strictest, as does the summary's column ``detectable``.
    """
    with warnings.catch_warnings():
        for category in (UserWarning, RuntimeWarning):  # of resamples where a class is thin; the study tells its own
            warnings.simplefilter("ignore", category)
        pilots = [_differences(work, split, number) for number, split in enumerate(splits[:N_PILOTS])]
        gain = detectable_gain(_planned(work, splits, pilots), alpha=_ALPHA / max(1, len(work.arms) - 1))
    return gain if gain > 0 else float("nan")


def _planned(work: Work, splits: list[Split], pilots: list[tuple[float, np.ndarray]]) -> PairedTest:
    values, replicates = np.array([pilot[0] for pilot in pilots]), np.stack([pilot[1] for pilot in pilots])
    if work.common_test_rows:
        groups = splits[0].test if work.groups is None else work.groups[splits[0].test]
        return planned_draws(values, replicates, n_draws=len(splits), n_units=len(np.unique(groups)))
    sizes = [float(np.mean([len(getattr(split, name)) for split in splits])) for name in ("train", "test")]
    return planned_folds(values, replicates, n_splits=len(splits), n_train=sizes[0], n_test=sizes[1])


def _differences(work: Work, split: Split, number: int) -> tuple[float, np.ndarray]:
    """Return the difference of the two ways on a split's test rows, and on resamples of them (n_resamples,)."""
    labels = np.asarray(work.y)[split.test]
    again = np.repeat(split.train, _resampled(work, split.train, 1, "again", number)[0])
    first, second = (_answers(work, split, rows) for rows in (split.train, np.concatenate([split.train, again])))
    times = _resampled(work, split.test, _N_RESAMPLES, "rows")  # of no number: draws share rows and resamples
    values = [score(work.scoring, answers, labels) for answers in (first, second)]
    drawn = [score_resamples(work.scoring, answers, labels, times) for answers in (first, second)]
    return values[1] - values[0], drawn[1] - drawn[0]


def _resampled(work: Work, rows: np.ndarray, n_resamples: int, *stream: str | int) -> np.ndarray:
    """Return how often each of some rows is in each resample of their groups, (n_resamples, n)."""
    groups = None if work.groups is None else work.groups[rows]
    rng = numpy_stream(derive(work.seed, "foresight"), *stream)
    return resample_groups(np.asarray(work.y)[rows], groups, n_resamples=n_resamples, rng=rng)


def _answers(work: Work, split: Split, train: np.ndarray) -> Answers:
    rows: Any = as_estimator_wants(work.estimator, take(work.X, train))
    fitted = fit_classifier(work.estimator, rows, take(work.y, train))
    return answers_of(fitted, as_estimator_wants(fitted, take(work.X, split.test)))
