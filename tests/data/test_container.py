"""The container of rows and labels comes off, goes on again, and two of one kind are joined."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st

from synthaug.data.container import Container, join, known, unwrap

SERIES = [
    pd.Series([3, 1, 3], name="grade"),
    pd.Series([3, 1, 3], dtype="Int64"),
    pd.Series([True, False, True], dtype="boolean", name=7),
    pd.Series(["b", "a", "b"], dtype="string"),
    pd.Series(["b", "a", "b"], name=("a", 1)),
    pd.Series(pd.Categorical(["low", "high", "low"], ["low", "high", "none"], ordered=True), name="risk"),
]


@pytest.mark.parametrize("values", [[1, 2], (1.5, 2.5), [[1, 2], [3, 4]], "ab"])
def test_what_is_no_container_becomes_an_array(values):
    """Lists and tuples become arrays; what is known stays what it is."""
    assert type(known(values)) is np.ndarray
    for container in (np.eye(2), torch.eye(2), pd.DataFrame([1]), pd.Series([1]), scipy.sparse.csr_matrix(np.eye(2))):
        assert known(container) is container


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64"])
@pytest.mark.parametrize("kind", ["numpy", "torch"])
@given(values=st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_integers_are_rounded_not_cut(kind, dtype, values):
    """2.9 becomes 3: a drawn value goes to the nearest whole number."""
    wrapped = Container(kind, dtype).wrap(np.array(values))
    assert np.asarray(wrapped).tolist() == [round(value) for value in values]


def test_lists_of_rows_with_words_keep_their_numbers():
    """Beside words, numbers and booleans stay what they are; a list of labels is an array of words as ever."""
    rows = known([[1, "a", True], [2, "b", False]])
    assert rows.dtype == object
    assert [type(cell) for cell in rows[0]] == [int, str, bool]
    assert known(["a", "b"]).dtype.kind == "U"


def test_a_longer_word_is_not_cut():
    """An array of words takes words that are longer than its own, and stays as it is for others."""
    container = unwrap(np.array([["ab", "c"]]))[1]
    assert container.wrap(np.array([["abcdef", "c"]], dtype=object)).tolist() == [["abcdef", "c"]]
    assert container.wrap(np.array([["x", "y"]], dtype=object)).dtype == "<U2"


def test_a_tensor_leaves_its_graph_and_device():
    """A tensor that needs gradients can be read all the same."""
    plain, container = unwrap(torch.ones(2, 3, requires_grad=True))
    assert (plain == np.ones((2, 3))).all()
    assert container == Container("torch", "float32")


@pytest.mark.parametrize("series", SERIES, ids=lambda series: str(series.dtype))
def test_a_series_comes_back(series):
    """Name and type of a Series are kept, a category's order and unused values included."""
    values, container = unwrap(series)
    pd.testing.assert_series_equal(container.wrap(values), series)


@pytest.mark.parametrize("series", SERIES, ids=lambda series: str(series.dtype))
def test_joined_series_keep_their_type(series):
    """A part that holds one value only does not change the type of the whole."""
    values, container = unwrap(series)
    joined = join(series, container.wrap(values[:1]))
    assert joined.dtype == series.dtype
    assert joined.tolist() == [*series.tolist(), series.tolist()[0]]
    assert joined.index.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("wrap", [np.asarray, torch.as_tensor, pd.DataFrame], ids=["numpy", "torch", "pandas"])
@pytest.mark.parametrize("n", [0, 2])
def test_rows_are_joined_in_order(wrap, n):
    """The first container's rows come first, untouched; the type stays also where nothing is added."""
    first, second = wrap(np.arange(6).reshape(3, 2)), wrap(np.arange(100, 100 + 2 * n).reshape(n, 2))
    joined = join(first, second)
    assert type(joined) is type(first)
    expected = [*range(6), *range(100, 100 + 2 * n)]
    assert np.asarray(joined).ravel().tolist() == expected
    assert np.asarray(joined).dtype == np.asarray(first).dtype
