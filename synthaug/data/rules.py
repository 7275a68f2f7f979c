"""Rules that say how a row is put right: a column with one value, a column that is never above another.

Columns are named by text. Where a value is missing there is nothing to compare, and an inequality holds.
"""

import datetime
import difflib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthaug.errors import ConfigError

_NAMED = 5


@dataclass(frozen=True)
class Fixed:
    """A column that has one value in every drawn row, whatever the training rows have; other columns don't follow.

    Attributes
    ----------
    column
        The column's name; ``x0``, ``x1``, ... in an array.
    value
        Its value, of the column's type.

    Examples
    --------
    >>> import pandas as pd
    >>> Fixed("origin", "drawn").correct(pd.DataFrame({"origin": ["clinic"], "age": [40]})).iloc[0].to_dict()
    {'origin': 'drawn', 'age': 40}
    """

    column: str
    value: Any

    def __str__(self) -> str:
        return f"{self.column} = {self.value!r}"

    def check(self, frame: pd.DataFrame) -> None:
        """Raise ConfigError unless the frame has the column, and the column can hold the value."""
        dtype = _column(frame, self.column, str(self)).dtype
        if not self._fits(dtype):
            raise ConfigError(
                f"constraint '{self}' must give a value that the column can hold ({_spoken(dtype)}); "
                f"got {self.value!r}. Give one of the column's type."
            )

    def correct(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows with the value in the column."""
        return frame.assign(**{self.column: self._cell(frame[self.column].dtype, frame.index)})

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which rows have another value, bool (n,)."""
        return ~(frame[self.column] == self.value).to_numpy(dtype=bool, na_value=False)

    def _fits(self, dtype: Any) -> bool:
        if not pd.api.types.is_scalar(self.value):
            return False
        if isinstance(dtype, pd.CategoricalDtype):
            return self.value in dtype.categories
        try:
            cell = self._cell(dtype, pd.RangeIndex(1)).iloc[0]
        except (TypeError, ValueError, OverflowError):
            return False
        return bool(pd.notna(cell) and cell == self.value)

    def _cell(self, dtype: Any, index: pd.Index) -> pd.Series:
        return pd.Series([self.value] * len(index), index=index, dtype=object).astype(dtype)


@dataclass(frozen=True)
class LessOrEqual:
    """A column that is never above another, or above or below a number or a date.

    Two columns of one type are swapped where they stand the wrong way round (which keeps both within the ranges seen),
    a column beyond a bound is set to the bound; what that does not put right is drawn anew.

    Attributes
    ----------
    left, right
        Names of columns (``x0``, ``x1``, ... in an array), or one of them a number or a date.
    strict
        Whether the two may not be equal either.

    Examples
    --------
    >>> import pandas as pd
    >>> rule = LessOrEqual("diastolic", "systolic")
    >>> rule.correct(pd.DataFrame({"systolic": [120, 80], "diastolic": [80, 120]})).to_dict("list")
    {'systolic': [120, 120], 'diastolic': [80, 80]}
    """

    left: Any
    right: Any
    strict: bool = False

    def __post_init__(self) -> None:
        """Take a day as its midnight, which columns of dates can be compared with."""
        for side, value in (("left", self.left), ("right", self.right)):
            if type(value) is datetime.date:
                object.__setattr__(self, side, pd.Timestamp(value))

    def __str__(self) -> str:
        return f"{self.left} {'<' if self.strict else '<='} {self.right}"

    def check(self, frame: pd.DataFrame) -> None:
        """Raise ConfigError unless the frame has the columns, and they can be compared."""
        named = [side for side in (self.left, self.right) if isinstance(side, str)]
        if not named:
            raise ConfigError(f"constraint '{self}' must name a column; got two values. Name one, as text.")
        for bound in (side for side in (self.left, self.right) if not isinstance(side, str)):
            if not pd.api.types.is_scalar(bound) or pd.isna(bound):
                raise ConfigError(f"constraint '{self}' must have a number or a date for a bound; got {bound!r}.")
        for column in (_column(frame, name, str(self)) for name in named):
            if not _has_order(column.dtype):
                raise ConfigError(
                    f"constraint '{self}' must compare numbers, dates or ordered categories; got column "
                    f"{column.name!r} ({_spoken(column.dtype)}). Convert it, or pass a function of the rows."
                )
        try:
            self.broken(frame.iloc[:1])
        except TypeError as error:
            raise ConfigError(
                f"constraint '{self}' must compare what can be compared; got two types ({error}). Convert one of them."
            ) from error

    def correct(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows with columns swapped, or set to the bound, where they break the rule."""
        if not isinstance(self.right, str):
            return frame.assign(**{self.left: _clipped(frame[self.left], upper=self.right)})
        if not isinstance(self.left, str):
            return frame.assign(**{self.right: _clipped(frame[self.right], lower=self.left)})
        left, right = frame[self.left], frame[self.right]
        wrong = self.broken(frame)
        if left.dtype != right.dtype or not wrong.any():
            return frame
        return frame.assign(**{self.left: left.mask(wrong, right), self.right: right.mask(wrong, left)})

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which rows break the rule, bool (n,)."""
        left = frame[self.left] if isinstance(self.left, str) else self.left
        right = frame[self.right] if isinstance(self.right, str) else self.right
        wrong = left >= right if self.strict else left > right
        there = pd.Series(pd.notna(left) & pd.notna(right), index=frame.index)
        return wrong.to_numpy(dtype=bool, na_value=False) & there.to_numpy(dtype=bool)


def _column(frame: pd.DataFrame, name: Any, rule: str) -> pd.Series:
    columns = list(frame.columns)
    if isinstance(name, str) and name in columns:
        return frame[name]
    near = difflib.get_close_matches(str(name), map(str, columns), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    hint = " Name columns by text: X.columns = X.columns.astype(str)." if near == [str(name)] else hint
    raise ConfigError(f"constraint '{rule}' must name a column that is there; got {name!r}.{hint}")


def _has_order(dtype: Any) -> bool:
    if isinstance(dtype, pd.CategoricalDtype):
        return bool(dtype.ordered)
    return pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)


def _clipped(column: pd.Series, *, lower: Any = None, upper: Any = None) -> pd.Series:
    if pd.api.types.is_integer_dtype(column.dtype):
        lower = None if lower is None or np.isinf(lower) else int(np.ceil(lower))
        upper = None if upper is None or np.isinf(upper) else int(np.floor(upper))
    return column.clip(lower=lower, upper=upper).astype(column.dtype)


def _spoken(dtype: Any) -> str:
    if not isinstance(dtype, pd.CategoricalDtype):
        return str(dtype)
    values = ", ".join(map(repr, dtype.categories[:_NAMED].tolist()))
    return f"categories {values}{', ...' if len(dtype.categories) > _NAMED else ''}"
