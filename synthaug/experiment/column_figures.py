"""What a study keeps of a table's columns: how alike real and synthetic ones are, as counts and figures, never as rows.

Likeness and pairs are figures of a whole column, measured on every split beside their floor: what as many held-out real
rows get in the place of the synthetic ones. Shares over bins and associations are kept of one split only, for many
tables of overlapping rows could be taken from one another; every bin holds at least ``LEAST_ROWS`` real rows, and an
association rests on as many and two more, unless pictures of real rows are allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from synthaug._seed import numpy_stream
from synthaug.experiment.column_pairs import associations
from synthaug.experiment.column_shapes import (
    Marginal,
    as_frame,
    category_marginal,
    category_names,
    kind_of,
    likeness,
    number_bins,
    number_marginal,
    plain_values,
)

LEAST_ROWS = 10
_MOST_MEASURED, _MOST_SHOWN = 200, 12
_OF_LIKENESS = ["class", "column", "value", "floor"]
LabelledRows = tuple[Any, Any]
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Associations:
    """How strongly columns go together in one class, real beside synthetic.

    Attributes
    ----------
    label
        The class.
    columns
        The columns, d names.
    real, synthetic
        Associations, d rows of d numbers; NaN where they cannot be told.
    """

    label: str
    columns: tuple[str, ...]
    real: tuple[tuple[float, ...], ...]
    synthetic: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class ColumnFigures:
    """The columns of one learner's rows beside real ones.

    Attributes
    ----------
    least_rows
        How many real rows a bin holds at least.
    n_columns
        How many columns the table has; the first 200 are measured, keys left out.
    keys
        The columns whose words nearly all differ: they name rows, and are not compared.
    likeness
        Records of ``class``, ``column``, ``value``, ``floor``: how alike synthetic and training rows are, and how alike
        as many held-out and training rows are.
    pairs
        Records of ``class``, ``value``, ``floor``: the mean absolute difference of the associations of the columns that
        are shown, for synthetic and for held-out rows.
    marginals
        Shares over bins of the columns that are least alike; empty for all splits but the first.
    associations
        Of the same columns; empty for all splits but the first.
    """

    least_rows: int
    n_columns: int
    keys: tuple[str, ...]
    likeness: tuple[dict[str, Any], ...]
    pairs: tuple[dict[str, Any], ...]
    marginals: tuple[Marginal, ...] = ()
    associations: tuple[Associations, ...] = ()

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Return the record from what ``asdict`` made of it and JSON kept."""
        marginals = tuple(Marginal(**{k: _as_tuples(v) for k, v in one.items()}) for one in facts["marginals"])
        pairs = tuple(Associations(**{k: _as_tuples(v) for k, v in one.items()}) for one in facts["associations"])
        plain = {name: tuple(facts[name]) for name in ("likeness", "pairs", "keys")}
        return cls(**{**facts, **plain, "marginals": marginals, "associations": pairs})


@dataclass(frozen=True)
class Sets:
    """One class's columns: of the training rows, of the synthetic ones, and of the held-out ones."""

    train: Columns
    synthetic: Columns
    holdout: Columns

    @property
    def real(self) -> Columns:
        """The columns of all real rows."""
        return {name: np.concatenate([self.train[name], self.holdout[name]]) for name in self.train}

    def only(self, names: list[str]) -> "Sets":
        """Return some of the columns."""
        return Sets(*({name: part[name] for name in names} for part in (self.train, self.synthetic, self.holdout)))

    def at_equal_n(self, seed: int) -> "Sets":
        """Return as many synthetic as held-out rows, chosen at random."""
        first = next(iter(self.train))
        n = min(len(self.synthetic[first]), len(self.holdout[first]))
        stream = numpy_stream(seed, "columns")
        chosen = [stream.permutation(len(part[first]))[:n] for part in (self.synthetic, self.holdout)]
        cut = [_rows(part, rows) for part, rows in zip((self.synthetic, self.holdout), chosen, strict=True)]
        return Sets(self.train, *cut)


def describe_columns(
    train: LabelledRows,
    synthetic: LabelledRows,
    holdout: LabelledRows,
    *,
    include_real_rows: bool,
    with_shares: bool,
    seed: int,
) -> ColumnFigures:
    """Return how columns of synthetic rows compare with those of real ones, class by class.

    Parameters
    ----------
    train, synthetic, holdout
        ``(X, y)``: the rows that were learned from, synthetic ones, and real ones that were not learned from; tables
        (n, d) of one kind of container.
    include_real_rows
        Whether a bin may hold a single real row; else ten at least.
    with_shares
        Whether shares over bins and associations are kept too.
    seed
        Decides which rows equal n leaves out.
    """
    least = 1 if include_real_rows else LEAST_ROWS
    real = pd.concat([as_frame(train[0]), as_frame(holdout[0])], ignore_index=True)
    kinds = {str(name): kind_of(real[name]) for name in list(real)[:_MOST_MEASURED]}
    keys = tuple(name for name, kind in kinds.items() if kind == "key")
    if len(keys) == len(kinds):
        return ColumnFigures(least, real.shape[1], keys, (), ())
    classes = _by_class((train, synthetic, holdout), {name: kinds[name] for name in kinds if name not in keys})
    found = _likeness(classes, seed)
    shown = _least_alike(found)
    chosen = {label: sets.only(shown) for label, sets in classes.items()}
    tables = {label: _associations(label, sets, least) for label, sets in chosen.items()} if with_shares else {}
    return ColumnFigures(
        least_rows=least,
        n_columns=real.shape[1],
        keys=keys,
        likeness=tuple({str(k): v for k, v in one.items()} for one in found.to_dict("records")),
        pairs=tuple({"class": label, **_pairs(sets, seed)} for label, sets in chosen.items()),
        marginals=_marginals(chosen, kinds, least) if with_shares else (),
        associations=tuple(table for table in tables.values() if table is not None),
    )


def _by_class(sets: tuple[LabelledRows, LabelledRows, LabelledRows], kinds: dict[str, str]) -> dict[str, Sets]:
    """Return the columns of each class that was drawn, in the order of the labels."""
    frames, labels = [as_frame(X) for X, _ in sets], [np.asarray(y).astype(str) for _, y in sets]
    parts = [{name: plain_values(frame[name], kind) for name, kind in kinds.items()} for frame in frames]
    return {
        str(label): Sets(*(_rows(part, of == label) for part, of in zip(parts, labels, strict=True)))
        for label in np.unique(np.asarray(sets[1][1])).astype(str)
    }


def _likeness(classes: dict[str, Sets], seed: int) -> pd.DataFrame:
    records = []
    for label, whole in classes.items():
        sets = whole.at_equal_n(seed)
        for name, values in sets.train.items():
            value, floor = (likeness(part[name], values) for part in (sets.synthetic, sets.holdout))
            records.append({"class": label, "column": name, "value": value, "floor": floor})
    return pd.DataFrame(records, columns=_OF_LIKENESS)


def _least_alike(found: pd.DataFrame) -> list[str]:
    """Return the columns that are least alike for what real rows get, in the table's order."""
    short = (found["floor"].fillna(1.0) - found["value"]).groupby(found["column"], sort=False).mean()
    worst = set(short.nlargest(_MOST_SHOWN).index)
    return [str(name) for name in short.index if name in worst]


def _pairs(whole: Sets, seed: int) -> dict[str, float]:
    """Return the mean absolute difference of associations from the training rows'; NaN for fewer than two columns."""
    sets = whole.at_equal_n(seed)
    train, synthetic, holdout = (associations(part) for part in (sets.train, sets.synthetic, sets.holdout))
    above = np.triu_indices(len(train), 1)
    differences = [np.abs(part - train)[above] for part in (synthetic, holdout)]
    value, floor = (float(one[np.isfinite(one)].mean()) if np.isfinite(one).any() else np.nan for one in differences)
    return {"value": value, "floor": floor}


def _associations(label: str, sets: Sets, least: int) -> Associations | None:
    real = sets.real
    if len(next(iter(real.values()))) < least + 2:
        return None
    tables = (associations(real, fewest=least + 2), associations(sets.synthetic))
    return Associations(label, tuple(real), *(tuple(map(tuple, table.tolist())) for table in tables))


def _marginals(classes: dict[str, Sets], kinds: dict[str, str], least: int) -> tuple[Marginal, ...]:
    """Return the shares of each column in each class, over bins that hold for all classes where they can."""
    found = []
    for name in next(iter(classes.values())).train:
        whole = np.concatenate([sets.real[name] for sets in classes.values()])
        draw = _category if kinds[name] == "category" else _number
        found += draw(name, kinds[name], whole, classes, least)
    return tuple(one for one in found if one is not None)


def _number(name: str, kind: str, whole: np.ndarray, classes: dict[str, Sets], least: int) -> list[Marginal | None]:
    edges = number_bins(whole, least=least)
    return [
        number_marginal(
            label, name, kind, real=sets.real[name], synthetic=sets.synthetic[name], edges=edges, least=least
        )
        for label, sets in classes.items()
    ]


def _category(name: str, kind: str, whole: np.ndarray, classes: dict[str, Sets], least: int) -> list[Marginal | None]:
    names = category_names(whole, least=least)
    return [
        category_marginal(label, name, real=sets.real[name], synthetic=sets.synthetic[name], names=names, least=least)
        for label, sets in classes.items()
    ]


def _rows(part: Columns, rows: np.ndarray) -> Columns:
    return {name: values[rows] for name, values in part.items()}


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(inner) for inner in value) if isinstance(value, list | tuple) else value
