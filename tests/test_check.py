"""Border checks: what passes, and the words of what does not."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from synthaug._check import (
    check_choice,
    check_count,
    check_device,
    check_equal_shapes,
    check_fraction,
    check_labels,
    check_positive,
    check_same_length,
    check_two_classes,
    check_word,
)
from synthaug.errors import ConfigError, LabelError, ShapeError, SynthaugError, unknown_word

NO_NUMBERS = [None, "3", True, np.True_, [3], 1j, float("nan")]


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, -1, -0.5, math.inf])
def test_what_is_not_positive_is_named(value):
    """Zero, negative, infinite and what is no number, booleans among it, are refused with name and value."""
    with pytest.raises(ConfigError, match=r"lr must be a positive number; got "):
        check_positive("lr", value)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, -1, 2.0, np.float64(2)])
def test_a_whole_number_is_not_a_float(value):
    """2.0 steps are no steps."""
    with pytest.raises(ConfigError, match=r"n_steps must be a positive integer; got "):
        check_positive("n_steps", value, integer=True)


@given(value=st.one_of(st.integers(min_value=1), st.floats(min_value=0, exclude_min=True, allow_infinity=False)))
def test_positive_numbers_pass_unchanged(value):
    """Any positive number comes back as it is, NumPy's too."""
    assert check_positive("lr", value) is value
    assert check_positive("lr", np.float32(0.5)) == 0.5
    assert check_positive("n", np.int64(3), integer=True) == 3


@pytest.mark.parametrize("value", [*NO_NUMBERS, -0.01, 1.01, math.inf])
def test_what_is_no_fraction_is_named(value):
    """Shares lie between 0 and their most, which the message says."""
    with pytest.raises(ConfigError, match=r"share must be a number from 0 to 1; got "):
        check_fraction("share", value)
    assert check_fraction("share", 1) == 1.0
    assert check_fraction("share", np.float32(0)) == 0.0
    with pytest.raises(ConfigError, match=r"from 0 to 0.5; got 0.6"):
        check_fraction("share", 0.6, most=0.5)


@pytest.mark.parametrize("value", [*NO_NUMBERS, -1, 2.0, 10**9])
def test_absurd_counts_are_named(value):
    """A negative count, a float and more rows than any memory holds are refused before anything is drawn."""
    with pytest.raises(ConfigError, match=r"n must be a whole number from 0 to 10,000,000; got "):
        check_count("n", value)
    assert check_count("n", np.int32(0)) == 0


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "device must be auto, cpu, cuda or cuda:0, ...; got 'gpu'"),
        (None, "got None"),
        ("", "got ''"),
        ("meta", "device must be auto, cpu or cuda; got 'meta'"),
        (
            "cuda:99",
            r"device must be there; got 'cuda:99', but this machine shows \d+ CUDA device.s.. Pass device='cpu'",
        ),
    ],
)
def test_devices_that_are_not_there_are_named(device, message):
    """A missing GPU, a foreign device and a slip are told apart."""
    with pytest.raises(ConfigError, match=message):
        check_device(device)


def test_devices_that_are_there_pass():
    """Auto is the GPU where there is one."""
    assert check_device("cpu") == check_device(torch.device("cpu")) == torch.device("cpu")
    assert check_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("rows", [[np.zeros((8, 8)), np.zeros((8, 9))], [torch.zeros(8, 8), torch.zeros(8, 9)]])
@pytest.mark.parametrize("as_array", [False, True])
def test_rows_of_unequal_shapes_are_placed(rows, as_array):
    """The first row that differs from row 0 is named, in a list and in an array of objects."""
    given = [rows[0], rows[0], rows[1]]
    if as_array:
        given = np.empty(3, dtype=object)
        given[:] = [rows[0], rows[0], rows[1]]
    with pytest.raises(ShapeError, match=r"one shape; got \(8, 8\) in row 0 and \(8, 9\) in row 2. Resize or crop"):
        check_equal_shapes(given)
    check_equal_shapes([rows[0], rows[0]])
    check_equal_shapes([])


def test_rows_and_labels_are_counted():
    """Both lengths are said."""
    with pytest.raises(LabelError, match="one label for each row of X; got 3 rows and 2 labels"):
        check_same_length([1, 2, 3], ["a", "b"])
    check_same_length([1, 2], ["a", "b"])


@pytest.mark.parametrize("only", [np.array(["a"]), np.array([7])])
def test_one_class_is_too_few(only):
    """The one class is named as the user wrote it."""
    with pytest.raises(LabelError, match=rf"at least two classes; got one class \({only.tolist()[0]!r}\)"):
        check_two_classes(only)
    check_two_classes(np.array([0, 1]))


@pytest.mark.parametrize("got", ["cgn", 3, None, ["cgan"]])
def test_unknown_words_list_the_known_ones(got):
    """What is not in the list is named, with the nearest word where there is one."""
    with pytest.raises(ConfigError, match=r"generator must be one of cgan, other; got"):
        check_word("generator", got, {"cgan": 1, "other": 2})
    assert check_word("generator", "other", {"cgan": 1, "other": 2}) == 2
    assert check_choice("generator", "cgan", ["cgan", "other"]) == "cgan"


def test_the_nearest_word_is_offered_only_if_there_is_one():
    """A guess that is far off is no help."""
    assert str(unknown_word("arm", "gatd", ["none", "gated"])).endswith("got 'gatd'. Did you mean 'gated'?")
    assert str(unknown_word("arm", "xyz", ["none", "gated"])).endswith("got 'xyz'.")


@pytest.mark.parametrize("kind", SynthaugError.__subclasses__())
def test_every_error_is_also_pythons_own(kind):
    """A caller that catches ValueError, OSError or RuntimeError catches ours as well."""
    assert issubclass(kind, ValueError | OSError | RuntimeError)


def test_labels_that_are_dates_are_refused_in_words():
    """Dates are no classes; the remedy is named."""
    with pytest.raises(LabelError, match=r"labels must be words, numbers or truth values; got datetime64.*to text"):
        check_labels(np.array(["2024-01-01", "2025-01-01"], dtype="datetime64[D]"))
