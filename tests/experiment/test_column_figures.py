"""What is kept of a table's columns: figures beside their floor, and no row."""

import json
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from synthaug.experiment.column_figures import ColumnFigures, describe_columns

Table = Callable[..., tuple[pd.DataFrame, np.ndarray]]


def figures(a_table: Table, *, slope: float = 1.0, real: bool = False, shares: bool = True) -> ColumnFigures:
    sets = [a_table(150, seed=0), a_table(300, seed=1, slope=slope), a_table(150, seed=2)]
    return describe_columns(*sets, include_real_rows=real, with_shares=shares, seed=0)


def test_rows_of_the_same_source_reach_the_floor(a_table: Table):
    """New rows of the source itself are as alike as held-out ones; where one column is spoilt, that one falls short."""
    short = {}
    for slope in (1.0, 0.0):
        found = pd.DataFrame(figures(a_table, slope=slope).likeness)
        short[slope] = (found["floor"] - found["value"]).groupby(found["column"]).mean()
    assert short[1.0].abs().max() < 0.1
    assert short[0.0].idxmax() == "slope"
    assert short[0.0]["slope"] > 0.2


def test_pairs_that_do_not_go_together_any_more_show(a_table: Table):
    """The mean difference of associations is the floor's for rows of the source, and more for spoilt ones."""
    good, bad = (pd.DataFrame(figures(a_table, slope=slope).pairs) for slope in (1.0, 0.0))
    assert (good["value"] - good["floor"]).max() < 0.06
    assert (bad["value"] > good["value"]).all()


def test_keys_are_not_compared(a_table: Table):
    """A column whose words all differ is named, and has no figure and no share."""
    found = figures(a_table)
    assert found.keys == ("key",)
    assert "key" not in {record["column"] for record in found.likeness}
    assert "key 0 1" not in json.dumps(asdict(found))


@pytest.mark.parametrize(("real", "least"), [(False, 10), (True, 1)])
def test_extremes_and_rare_words_are_not_told(a_table: Table, real: bool, least: int):
    """A planted number, date and word, held by one person each, are nowhere unless real rows may be shown."""
    X, y = a_table(150, seed=0)
    X["word"] = X["word"].astype(object)
    X.loc[0, ["first", "word", "day"]] = [98765.25, "planted", pd.Timestamp("2091-02-03")]
    found = describe_columns(
        (X, y), a_table(300, seed=1), a_table(150, seed=2), include_real_rows=real, with_shares=True, seed=0
    )
    text = json.dumps(asdict(found))
    assert found.least_rows == least
    assert ("planted" in text) == real
    edges = {one.column: one.edges[-1] for one in found.marginals if one.edges}
    assert (edges["first"] > 90_000) == real
    assert (edges["day"] > 40_000) == real


def test_shares_are_kept_where_asked(a_table: Table):
    """Without shares only figures of whole columns are kept."""
    found = figures(a_table, shares=False)
    assert (found.marginals, found.associations) == ((), ())
    assert found.likeness
    assert found.pairs


def test_comes_back_from_json(a_table: Table):
    """What is written is read back the same."""
    found = figures(a_table)
    back = ColumnFigures.from_facts(json.loads(json.dumps(asdict(found))))
    assert repr(back) == repr(found)


def test_columns_that_few_rows_hold_tell_no_association(a_table: Table):
    """What goes together is told of pairs of columns that enough rows hold, not of any few."""

    def rarely_known(X, y):
        return X.assign(**{X.columns[0]: X[X.columns[0]].where(np.arange(len(X)) % 16 == 0)}), y

    rows = rarely_known(*a_table(40, seed=0)), a_table(100, seed=1), rarely_known(*a_table(40, seed=2))
    found = describe_columns(*rows, include_real_rows=False, with_shares=True, seed=0).associations[0]
    table = np.array(found.real)
    assert np.isnan(table[0, 1:]).all()
    assert np.isfinite(table[1:, 1:]).all()


def test_small_classes_tell_nothing_but_figures(a_table: Table):
    """A class with fewer real rows than a bin needs has no share and no association."""
    X, y = a_table(40, seed=0)
    few = np.concatenate([np.flatnonzero(y == "a"), np.flatnonzero(y == "b")[:3]])
    test, labels = a_table(40, seed=2)
    rows = (X.iloc[few], y[few]), a_table(100, seed=1), (test[labels == "a"], labels[labels == "a"])
    found = describe_columns(*rows, include_real_rows=False, with_shares=True, seed=0)
    assert {one.label for one in found.marginals} == {"a"}
    assert {one.label for one in found.associations} == {"a"}
