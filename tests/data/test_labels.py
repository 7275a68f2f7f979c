"""Labels of any type become class numbers and come back; what is no label is refused in words."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from synthaug._check import check_labels
from synthaug.data.labels import fit_label_codec
from synthaug.errors import LabelError

LABELS = {
    "list of strings": ["b", "a", "b"],
    "strings": np.array(["benign", "malignant", "benign"]),
    "object strings": np.array(["no", "yes", "no"], dtype=object),
    "gaps": np.array([40, -3, 40], dtype=np.int16),
    "whole floats": np.array([1.0, 3.0, 1.0]),
    "booleans": np.array([True, False, True]),
    "tensor": torch.tensor([9, 4, 9]),
    "boolean tensor": torch.tensor([True, False, True]),
    "series": pd.Series(["b", "a", "b"], name="finding"),
    "category": pd.Series(pd.Categorical(["low", "high", "low"], ["low", "high", "none"], ordered=True), name="risk"),
    "nullable integer": pd.Series([7, 2, 7], dtype="Int64"),
    "nullable boolean": pd.Series([True, False, True], dtype="boolean"),
    "nullable string": pd.Series(["b", "a", "b"], dtype="string"),
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_labels_come_back_as_they_went_in(y):
    """Values, container, type and name come back; classes are numbered from 0 in their order."""
    codec = fit_label_codec(y)
    numbers = codec.encode(y)
    assert numbers.dtype == np.int64
    assert numbers.tolist() in ([0, 1, 0], [1, 0, 1])
    decoded = codec.decode(numbers)
    if isinstance(y, pd.Series):
        pd.testing.assert_series_equal(decoded, y)
    else:
        assert type(decoded) is (np.ndarray if isinstance(y, list) else type(y))
        assert decoded.dtype == (y if hasattr(y, "dtype") else np.asarray(y)).dtype
        assert decoded.tolist() == list(y if isinstance(y, list) else y.tolist())


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_one_class_alone_keeps_the_type(y):
    """A sample of one class has the labels' own type, so that it can be put under the real ones."""
    decoded = fit_label_codec(y).decode(np.zeros(2, dtype=np.int64))
    assert decoded.dtype == (y if hasattr(y, "dtype") else np.asarray(y)).dtype


@given(
    labels=st.one_of(
        st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=20),
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), min_size=2, max_size=20),
    )
)
def test_numbers_are_places_among_the_sorted_labels(labels):
    """The number of a label is its place among the distinct labels in their order."""
    codec = fit_label_codec(np.array(labels))
    order = sorted(set(labels))
    assert codec.encode(np.array(labels)).tolist() == [order.index(label) for label in labels]
    assert [codec.number(label) for label in order] == list(range(len(order)))
    assert codec.decode(codec.encode(np.array(labels))).tolist() == labels


def test_a_number_may_be_named_as_text():
    """A YAML file or a command line says '3' where the label is 3; an unknown one is listed."""
    codec = fit_label_codec(np.array([3, 5]))
    assert codec.number("5") == 1
    with pytest.raises(LabelError, match="class must be one of 3, 5; got '4'"):
        codec.number("4")
    with pytest.raises(LabelError, match=r"class must be one of 0, .* 7, ... \(12 in all\); got 99"):
        fit_label_codec(np.arange(12)).number(99)


@pytest.mark.parametrize(
    ("seen", "met", "message"),
    [
        (np.array(["a", "b"]), np.array(["a", "c"]), r"fit saw \('a', 'b'\); got 'c' in row 1"),
        (np.array([1, 3]), np.array([1, 3, 2]), r"fit saw \(1, 3\); got 2 in row 2"),
        (np.array([1, 3]), np.array(["1", "3"]), r"fit saw \(1, 3\); got '1' in row 0"),
        (np.array(["1", "3"]), np.array([1, 3]), r"fit saw \('1', '3'\); got 1 in row 0"),
        (np.array(["a", "b"], dtype=object), np.array([0, 1]), r"fit saw \('a', 'b'\); got 0 in row 0"),
        (np.array([1, 3]), np.array([9]), r"got 9 in row 0"),
        (np.array([0, 1]), np.array([True, False]), r"fit saw \(0, 1\); got True in row 0"),
        (np.array([0.0, 1.0]), pd.Series([True], dtype="boolean"), r"fit saw \(0.0, 1.0\); got True in row 0"),
        (np.array([False, True]), np.array([1, 0]), r"fit saw \(False, True\); got 1 in row 0"),
    ],
)
def test_labels_that_fit_did_not_see_are_named(seen, met, message):
    """The first unknown label and its row are said, whatever the two types are."""
    with pytest.raises(LabelError, match=message):
        fit_label_codec(seen).encode(met)


@pytest.mark.parametrize(
    "y",
    [
        np.array([0.0, 1.0, np.nan]),
        ["a", "b", None],
        ["a", "b", float("nan")],
        [1, 2, None],
        np.array(["a", "b", None], dtype=object),
        torch.tensor([0.0, 1.0, float("nan")]),
        pd.Series(["a", "b", None]),
        pd.Series([1, 2, pd.NA], dtype="Int64"),
        pd.Series(["a", "b", pd.NA], dtype="string"),
        pd.Series([True, False, pd.NA], dtype="boolean"),
        pd.Series(["a", "b", None], dtype="category"),
    ],
    ids=lambda y: f"{type(y).__name__} {getattr(y, 'dtype', '')}",
)
def test_missing_labels_are_counted_and_placed(y):
    """None, NaN and NA are missing labels, never a class of their own, also in a list of strings."""
    with pytest.raises(LabelError, match=r"must not be missing \(NaN, None\); got 1 missing, the first in row 2. Drop"):
        check_labels(y)


@pytest.mark.parametrize("y", [["a", 1, "b"], ("a", True), np.array([1, "b"], dtype=object)])
def test_labels_of_two_types_are_refused(y):
    """1 and '1' would become one class or two, depending on the container: the user has to say."""
    with pytest.raises(LabelError, match=r"one type; got (int and str|bool and str). Convert them"):
        check_labels(y)


def test_strings_of_numpy_and_of_python_are_one_type():
    """A list that mixes str with np.str_ holds strings."""
    assert check_labels(["a", np.str_("b")]).tolist() == ["a", "b"]


def test_labels_that_are_none_at_all():
    """No labels, numbers that are measurements, and tables of labels are refused."""
    with pytest.raises(LabelError, match="y must be given"):
        check_labels(None)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        check_labels(np.array([0.5, 1.7, 2.2]))
    with pytest.raises(ValueError, match="1d array"):
        check_labels(np.eye(3))
