"""Rules of the user's own that drawn rows keep.

A rule that says how a row is put right corrects it (``Fixed``, ``LessOrEqual``); a function only tells which rows are
right, and the others are drawn anew. Columns are named by text: a frame's own names, or an array's ``x0``, ``x1``, ...
Where a value is missing there is nothing to compare, and an inequality holds.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthaug.data.container import known, unwrap
from synthaug.data.rules import Fixed, LessOrEqual
from synthaug.errors import ConfigError, ConstraintError, ShapeError

_NAMED = 5
_TIMES: dict[str, Any] = {"moment": pd.Timestamp, "span": pd.Timedelta}


@dataclass(frozen=True)
class Forgotten:
    """A function that was a rule of a model when it was saved: functions are not."""

    name: str

    def __call__(self, rows: Any) -> np.ndarray:
        """Raise ConstraintError, which names the function."""
        raise ConstraintError(
            f"constraint '{self.name}' must be given again: a saved model holds the names of functions, not the "
            "functions. Set them: augmenter.set_params(constraints=[...])."
        )


Constraint = Fixed | LessOrEqual | Callable[[Any], Any]


def check_constraints(constraints: Iterable[Constraint] | None, rows: Any) -> None:
    """Raise unless the constraints are such, and training rows keep them.

    Parameters
    ----------
    constraints
        ``Fixed``, which only drawn rows keep; ``LessOrEqual``; functions of rows that say which are right, bool (n,).
    rows
        The training rows, as the user has them.

    Raises
    ------
    ConfigError
        If something is no constraint, or does not fit the columns.
    ConstraintError
        If training rows break one; they are named by number.
    """
    named = name_constraints(constraints)
    for rule in named.values():
        if not callable(rule):
            rule.check(_as_frame(rows))
    for name, wrong in broken({key: rule for key, rule in named.items() if not isinstance(rule, Fixed)}, rows).items():
        if wrong.any():
            raise ConstraintError(
                f"constraint '{name}' must hold in the training rows; {int(wrong.sum())} of {len(wrong)} break it "
                f"({_listed(np.flatnonzero(wrong))}). Drop or mend these rows, or leave the constraint out."
            )


def name_constraints(constraints: Iterable[Constraint] | None) -> dict[str, Constraint]:
    """Return the constraints by name: what they say, or what the function is called; equal names are numbered.

    Raises
    ------
    ConfigError
        If they are no sequence of constraints.
    """
    if constraints is None:
        return {}
    if not isinstance(constraints, Sequence) or isinstance(constraints, str):
        raise ConfigError(f"constraints must be a list; got {constraints!r}. Put it into one: [{constraints!r}].")
    found: dict[str, Constraint] = {}
    for rule in constraints:
        name = _name(rule)
        n_same = sum(other == name or other.startswith(f"{name} (") for other in found)
        found[f"{name} ({n_same + 1})" if n_same else name] = rule
    return found


def correct(constraints: Mapping[str, Constraint], rows: Any) -> Any:
    """Return rows, in the container and types they came in, corrected as far as the constraints say how."""
    rules = [rule for rule in constraints.values() if not callable(rule)]
    if not rules or len(rows) == 0:
        return rows
    ordered: list[Any] = [
        *(rule for rule in rules if isinstance(rule, LessOrEqual)),
        *(r for r in rules if isinstance(r, Fixed)),
    ]
    frame = _as_frame(rows)
    for _ in ordered:  # a chain of n inequalities is in order after n rounds
        for rule in ordered:
            frame = rule.correct(frame)
        if not any(rule.broken(frame).any() for rule in ordered):
            break
    return frame if isinstance(rows, pd.DataFrame) else unwrap(rows)[1].wrap(frame.to_numpy())


def broken(constraints: Mapping[str, Constraint], rows: Any) -> dict[str, np.ndarray]:
    """Return which rows break each constraint, bool (n,), by its name.

    Raises
    ------
    ConfigError
        If a function returns something else than a truth value for each row.
    """
    return {
        name: _refused(name, rule, rows) if callable(rule) else rule.broken(_as_frame(rows))
        for name, rule in constraints.items()
    }


def constraint_facts(constraints: Iterable[Constraint] | None) -> list[dict[str, Any]]:
    """Return constraints as JSON can hold them; of functions their names only."""
    return [
        {"function": name} if callable(rule) else {"kind": type(rule).__name__} | _plain_facts(vars(rule))
        for name, rule in name_constraints(constraints).items()
    ]


def restore_constraints(facts: list[dict[str, Any]]) -> list[Constraint] | None:
    """Return the constraints that ``constraint_facts`` described: functions as ``Forgotten``; None for none."""
    kinds: dict[str, Any] = {"Fixed": Fixed, "LessOrEqual": LessOrEqual}
    found: list[Constraint] = []
    for fact in facts:
        told = {name: _restored(value) for name, value in fact.items()}
        found.append(Forgotten(told["function"]) if "function" in told else kinds[told.pop("kind")](**told))
    return found or None


def _plain_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts with dates and spans of time as text that ``_restored`` reads."""
    times = {"moment": (datetime.date, np.datetime64), "span": (datetime.timedelta, np.timedelta64)}
    found = dict(facts)
    for word, types in times.items():
        read = _TIMES[word]
        found |= {name: {word: read(value).isoformat()} for name, value in facts.items() if isinstance(value, types)}
    return found


def _restored(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    (word, text), *_ = value.items()
    return _TIMES[word](text)


def _refused(name: str, rule: Callable[[Any], Any], rows: Any) -> np.ndarray:
    answer = np.asarray(rule(rows))
    if answer.shape == (len(rows),) and (missing := pd.isna(answer)).any():
        raise ConfigError(
            f"constraint '{name}' must return True or False for each row; got none for row {np.argmax(missing)} (a "
            "value is missing there). Say what holds then: (rows['age'] >= 18).fillna(True)."
        )
    if answer.shape != (len(rows),) or not (answer.dtype == bool or set(answer.tolist()) <= {True, False}):
        raise ConfigError(
            f"constraint '{name}' must return True or False for each row; got {answer.dtype} of shape {answer.shape} "
            f"for {len(rows)} rows. Compare whole columns: rows['age'] >= 18."
        )
    return ~answer.astype(bool)


def _name(rule: Any) -> str:
    if isinstance(rule, Fixed | LessOrEqual):
        return str(rule)
    if isinstance(rule, Forgotten):
        return rule.name
    if isinstance(rule, type) or not callable(rule):
        raise ConfigError(
            f"constraints must be Fixed, LessOrEqual or functions of rows; got {rule!r}. "
            "Write for example LessOrEqual('start', 'end')."
        )
    return getattr(rule, "__name__", type(rule).__name__)


def _as_frame(rows: Any) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        return rows
    array = np.asarray(unwrap(known(rows))[0])
    if array.ndim != 2:
        raise ShapeError(
            f"Fixed and LessOrEqual must be of the columns of a table (n, d); got rows of shape {array.shape[1:]}. "
            "Pass a function of the rows."
        )
    return pd.DataFrame({f"x{place}": column for place, column in enumerate(array.T)}).infer_objects()


def _listed(rows: np.ndarray) -> str:
    words = ", ".join(map(str, rows[:_NAMED].tolist()))
    return f"row{'' if len(rows) == 1 else 's'} {words}" + (", ..." if len(rows) > _NAMED else "")
