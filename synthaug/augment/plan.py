"""How many synthetic rows each class gets: a plain dict, computed before anything is drawn.

Two questions, two parameters. ``sampling_strategy`` is imbalanced-learn's grammar for over-sampling, exactly: which
classes are brought to which count. ``n_synthetic`` says how many rows come on top of that.
"""

import numbers
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from synthaug._check import FEWEST_ROWS, check_choice, check_count
from synthaug.errors import ConfigError, SmallClassWarning

Counts = dict[Any, int]
_MOST_TIMES = 1000.0
_LITTLE = 0.1
_STRATEGIES = ("auto", "minority", "not minority", "not majority", "all")


def plan_counts(counts: Mapping[Any, int], sampling_strategy: Any, n_synthetic: int | str) -> Counts:
    """Return how many synthetic rows each class gets.

    Parameters
    ----------
    counts
        Real rows of each class.
    sampling_strategy
        What imbalanced-learn takes for over-sampling: ``auto`` (all but the majority), ``minority``, ``not minority``,
        ``all``, a ratio (two classes), a dict of target counts (an empty one: nothing), or a callable.
    n_synthetic
        Rows on top: an integer for each class; ``"x0.5"``: half as many as the class has real rows; ``"auto"``: none
        where the strategy asks for rows, else (the classes are balanced) as many as there are real ones. A word that
        asks for less than a tenth of the real rows counts as balanced: a row more or less does not change the plan.

    Returns
    -------
    Class to number of rows, every class named. Rows without labels, the one class None, have nothing to be balanced
    with.

    Raises
    ------
    ConfigError
        If a parameter is no such thing.

    Examples
    --------
    >>> plan_counts({"cat": 30, "dog": 10}, "auto", "auto")
    {'cat': 0, 'dog': 20}
    >>> plan_counts({"cat": 30, "dog": 30}, "auto", "auto")
    {'cat': 30, 'dog': 30}
    >>> plan_counts({"cat": 30, "dog": 29}, "auto", "auto")
    {'cat': 30, 'dog': 31}
    >>> plan_counts({"cat": 30, "dog": 10}, {}, "x0.5")
    {'cat': 15, 'dog': 5}
    """
    balance = _fill_up(counts, sampling_strategy)
    on_top = _read_on_top(n_synthetic)
    if on_top is None and isinstance(sampling_strategy, str):
        most = max(counts.values())
        little = sum(balance.values()) < _LITTLE * sum(counts.values())
        return {label: 2 * most - n for label, n in counts.items()} if little else balance
    if on_top is None:
        return balance if any(balance.values()) else dict(counts)
    return {label: balance[label] + on_top(n) for label, n in counts.items()}


def counts_of(y: Any) -> Counts:
    """Return how many rows each class of labels (n,) has, in any container."""
    labels, counts = np.unique(np.asarray(y), return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))


def plan_of_part(plan: Counts, counts: Mapping[Any, int], part: Mapping[Any, int]) -> Counts:
    """Return what a plan comes to for a part of the rows: each class that it holds is filled up to the part's share of
    the same total.

    Parameters
    ----------
    plan
        Rows to add to each class beside all rows.
    counts, part
        How many rows of each class there are, in all and in the part.

    Examples
    --------
    >>> plan_of_part({"cat": 30, "dog": 30}, {"cat": 30, "dog": 30}, {"cat": 19, "dog": 21})
    {'cat': 21, 'dog': 19}
    """
    share = sum(part.values()) / sum(counts.values())
    wanted = {label: round(share * (counts[label] + plan[label])) if plan[label] else 0 for label in part}
    return {label: max(0, wanted[label] - n) for label, n in part.items()}


def drop_small_classes(plan: Counts, counts: Mapping[Any, int]) -> Counts:
    """Return the plan with 0 for every class of fewer than two rows, after a warning that names them."""
    small = [label for label, n in counts.items() if n < FEWEST_ROWS]
    if not small:
        return plan
    warnings.warn(
        f"every class needs at least {FEWEST_ROWS} rows to learn from; got 1 for {', '.join(map(repr, small))}. "
        "It gets no synthetic row: add rows, or leave it as it is.",
        SmallClassWarning,
        stacklevel=3,
    )
    return {label: 0 if label in small else n for label, n in plan.items()}


def without_small_classes(plan: Counts, counts: Mapping[Any, int]) -> Counts:
    """Return the plan with 0 for every class of which too few rows are there to learn from."""
    return {label: n if counts.get(label, 0) >= FEWEST_ROWS else 0 for label, n in plan.items()}


def _fill_up(counts: Mapping[Any, int], sampling_strategy: Any) -> Counts:
    from imblearn.utils import check_sampling_strategy

    nothing = dict.fromkeys(counts, 0)
    if isinstance(sampling_strategy, Mapping) and not sampling_strategy:
        return nothing
    y = np.repeat(np.arange(len(counts)), list(counts.values()))
    place = {label: number for number, label in enumerate(counts)}
    if isinstance(sampling_strategy, str):
        check_choice("sampling_strategy", sampling_strategy, _STRATEGIES)
    if list(counts) == [None]:
        _check_without_labels(sampling_strategy)
        return nothing
    try:
        asked = check_sampling_strategy(_numbered(place, sampling_strategy, counts), y, "over-sampling")
    except ConfigError:
        raise
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"sampling_strategy must be one of imbalanced-learn's; got {sampling_strategy!r}. {error}"
        ) from error
    return nothing | {label: int(asked.get(number, 0)) for label, number in place.items()}


def _check_without_labels(sampling_strategy: Any) -> None:
    if not isinstance(sampling_strategy, str):
        raise ConfigError(
            f"sampling_strategy must be a word where rows have no labels; got {sampling_strategy!r} (there are no "
            "classes to balance). Say how many rows you want by n_synthetic."
        )


def _numbered(place: Mapping[Any, int], sampling_strategy: Any, counts: Mapping[Any, int]) -> Any:
    """Return a strategy that names classes as one that names their numbers; any other as it is."""
    named = sampling_strategy(_labels(counts)) if callable(sampling_strategy) else sampling_strategy
    if not callable(sampling_strategy) and not isinstance(named, Mapping):
        return named
    return {_number(place, label): int(n) for label, n in named.items()}


def _labels(counts: Mapping[Any, int]) -> np.ndarray:
    return np.repeat(np.array(list(counts)), list(counts.values()))


def _number(place: Mapping[Any, int], label: Any) -> int:
    if label not in place:
        raise ConfigError(f"sampling_strategy must name classes of y; got {label!r}. The classes are {list(place)}.")
    return place[label]


def _read_on_top(n_synthetic: int | str) -> Callable[[int], int] | None:
    if isinstance(n_synthetic, str) and n_synthetic == "auto":
        return None
    if isinstance(n_synthetic, str) and n_synthetic.startswith("x"):
        times = _number_after_x(n_synthetic)
        return lambda n: round(times * n)
    if isinstance(n_synthetic, numbers.Integral):
        each = check_count("n_synthetic", n_synthetic)
        return lambda n: each
    raise ConfigError(
        f"n_synthetic must be 'auto', a whole number a class, or a ratio like 'x0.5'; got {n_synthetic!r}."
    )


def _number_after_x(word: str) -> float:
    try:
        times = float(word[1:])
    except ValueError:
        times = -1.0
    if not 0 <= times <= _MOST_TIMES:
        raise ConfigError(f"n_synthetic must be a ratio like 'x0.5', at most 'x{_MOST_TIMES:g}'; got {word!r}.")
    return times
