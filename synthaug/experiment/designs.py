"""The two designs of a study: a user's cross-validation, and a few labels drawn many times with the rest held back."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import check_cv

from synthaug.data.groups import check_groups_apart
from synthaug.data.split import Split, label_scarce_draws, repeated_folds
from synthaug.errors import ConfigError
from synthaug.experiment.results import SplitResult
from synthaug.statistics import PairedTest, corrected_resampled_t_test, crossed_t_test
from synthaug.statistics.units import unit_of


@dataclass(frozen=True)
class Folds:
    """Repeated stratified k-fold cross-validation; with groups, none of them is ever on both sides.

    Attributes
    ----------
    n_splits, n_repeats
        Folds, and how often they are shuffled anew.

    Examples
    --------
    >>> from synthaug.experiment.designs import Folds
    >>> Folds(n_splits=5, n_repeats=2)
    Folds(n_splits=5, n_repeats=2)
    """

    n_splits: int = 5
    n_repeats: int = 5

    def splits(self, X: Any, y: np.ndarray, groups: np.ndarray | None, seed: int) -> list[Split]:
        """Return the folds."""
        return repeated_folds(y, n_splits=self.n_splits, n_repeats=self.n_repeats, seed=seed, groups=groups)


@dataclass(frozen=True)
class Draws:
    """A few training rows drawn many times, every draw scored on the same held-out rows.

    Attributes
    ----------
    rows_per_class
        Training rows of every class, or of each class named.
    n_draws
        How many draws; 20 or more for narrow intervals.
    test_rows
        Rows held out.

    Examples
    --------
    >>> from synthaug.experiment.designs import Draws
    >>> Draws({"benign": 50, "malignant": 5}, n_draws=20, test_rows=300).n_draws
    20
    """

    rows_per_class: int | Mapping[Any, int]
    n_draws: int = 20
    test_rows: int = 500

    def splits(self, X: Any, y: np.ndarray, groups: np.ndarray | None, seed: int) -> list[Split]:
        """Return the draws."""
        return label_scarce_draws(
            y,
            rows_per_class=self.rows_per_class,
            n_draws=self.n_draws,
            test_rows=self.test_rows,
            seed=seed,
            groups=groups,
        )


@dataclass(frozen=True)
class Splitter:
    """A scikit-learn splitter as a design.

    Attributes
    ----------
    splitter
        Anything with ``split(X, y, groups)``, which gets the rows as the user has them.
    """

    splitter: Any

    def splits(self, X: Any, y: np.ndarray, groups: np.ndarray | None, seed: int) -> list[Split]:
        """Return the splitter's folds, after checking that none tears a group apart."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The groups parameter is ignored")  # checked below, by what it does
            folds = list(self.splitter.split(X, y, groups))
        if groups is not None:
            for train, test in folds:
                check_groups_apart(groups, train, test)
        return [Split(0, fold, np.asarray(train), np.asarray(test)) for fold, (train, test) in enumerate(folds)]


Design = Folds | Draws | Splitter


def read_design(cv: Any) -> Design:
    """Return the design meant by ``cv``: None (5 x 5 folds), a number of folds, ``Folds``, ``Draws``, a splitter or a
    list of pairs (train, test) of row numbers.

    Raises
    ------
    ConfigError
        If it is none of these.
    """
    if cv is None:
        return Folds()
    if isinstance(cv, Integral) and not isinstance(cv, bool):
        return Folds(n_splits=int(cv))
    if isinstance(cv, Folds | Draws):
        return cv
    if hasattr(cv, "split") and not isinstance(cv, str):
        return Splitter(cv)
    if isinstance(cv, Iterable) and not isinstance(cv, str | Mapping):
        return Splitter(check_cv(cv))
    given = repr(cv) if isinstance(cv, str | int | float) else f"a {type(cv).__name__}"
    raise ConfigError(
        f"cv must be None, a number of folds, Folds, Draws, a splitter or a list of pairs (train, test); got {given}."
    )


def compare_arms(design: str, splits: tuple[SplitResult, ...], arm: str, baseline: str, *, scoring: str) -> PairedTest:
    """Return the paired test of one arm against another over the splits that have both.

    For draws the crossed test over draws and blocks of test rows; for folds the corrected resampled t-test.
    """
    both = [split for split in splits if arm in split.scores and baseline in split.scores]
    if design == "draws":
        differences = np.array([split.blocks[arm] - split.blocks[baseline] for split in both])
    else:
        differences = np.array([split.scores[arm][scoring] - split.scores[baseline][scoring] for split in both])
    return paired_test_of(design, both, scoring=scoring)(differences)


def paired_test_of(design: str, splits: Sequence[SplitResult], *, scoring: str) -> Callable[[np.ndarray], PairedTest]:
    """Return the paired test of differences measured on these splits: of shape (n_draws, n_blocks), or (n_splits,).

    Scores of folds that are shares of rows move by a row at least.
    """
    if design == "draws":
        return crossed_t_test
    n_train, n_test = (float(np.mean([getattr(split, name) for split in splits])) for name in ("n_train", "n_test"))
    resolution = 1 / n_test if unit_of(scoring).points else 0.0
    return partial(corrected_resampled_t_test, n_train=n_train, n_test=n_test, resolution=resolution)
