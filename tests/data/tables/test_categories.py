"""Categories become blocks of one 1, also a thousand and more of them."""

import numpy as np
import pytest

from synthaug.data.tables.categories import fit_categories
from synthaug.data.tables.column_types import Cells


def cells(values, missing=None):
    values = np.asarray(values)
    return Cells(values, np.zeros(len(values), dtype=bool) if missing is None else missing)


def test_the_most_frequent_value_comes_first():
    """Places are ordered by frequency, equal ones by value, so that the order of rows plays no part."""
    words = np.array(["b", "a", "c", "c", "a", "c", "b"], dtype=object)
    assert fit_categories(cells(words), "x").values.tolist() == ["c", "a", "b"]
    assert fit_categories(cells(words[::-1]), "x").values.tolist() == ["c", "a", "b"]


def test_a_row_is_one_place_and_missing_is_the_last():
    """One 1 a row, whatever else a network draws: the largest place decides."""
    words, missing = np.array(["b", "a", "b", "a"], dtype=object), np.array([False, False, True, False])
    codec = fit_categories(cells(words, missing), "x")
    block = codec.encode(cells(words, missing))
    assert block.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]]
    decoded = codec.decode(block * 0.2 - 3, np.arange(4))
    assert decoded.missing.tolist() == missing.tolist()
    assert decoded.present.tolist() == ["b", "a", "a"]


@pytest.fixture(scope="module")
def many():
    """Five thousand rows of three thousand values, some of them frequent."""
    return np.concatenate([np.arange(3000), np.repeat(np.arange(20), 100)])


def test_beyond_a_thousand_values_the_rest_share_a_place(many):
    """A block of a thousand; frequent values come back exactly, a rare one as some rare one."""
    codec = fit_categories(cells(many), "x")
    assert codec.columns[0].width == 1000
    decoded = codec.decode(codec.encode(cells(many)), np.arange(len(many), dtype=np.uint64)).values
    frequent = many < 20
    assert (decoded[frequent] == many[frequent]).all()
    assert set(decoded) <= set(many)
    assert len(set(decoded[:3000])) > 1500


def test_what_comes_of_the_rest_hangs_on_the_number_of_the_row(many):
    """The same row number gives the same value in any batch, so that a sample is one however it is cut."""
    codec = fit_categories(cells(many), "x")
    block = codec.encode(cells(many[2000:2100]))
    rows = np.arange(100, dtype=np.uint64) + np.uint64(2**62)
    whole = codec.decode(block, rows).values
    parts = [codec.decode(block[i : i + 7], rows[i : i + 7]).values for i in range(0, 100, 7)]
    assert whole.tolist() == np.concatenate(parts).tolist()
