"""What a pixel means: scaled by one line, and undone by it."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthaug.data.readers import Intensity

KINDS = st.sampled_from(["uint8", "uint16"])


@given(low=st.integers(-2000, 2000), width=st.integers(1, 4000), dtype=KINDS, data=st.data())
def test_values_in_the_window_come_back(low, width, dtype, data):
    """Undone, a whole value differs by half a step of the pixels at most, and by nothing where there are enough."""
    window = Intensity("window", low, low + width, dtype, "int16", "HU")
    values = np.array(data.draw(st.lists(st.integers(low, low + width), min_size=1, max_size=20)), dtype=np.int16)
    back = window.undo(window.apply(values))
    assert back.dtype == np.int16
    assert np.abs(back.astype(int) - values).max() <= (0 if width < window.top else width / window.top / 2 + 0.5)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), dtype=KINDS)
def test_values_outside_the_window_become_its_ends(values, dtype):
    """Pixels fill the range of their type, in the order of the values."""
    window = Intensity("window", -100.0, 300.0, dtype, "float32")
    ordered = np.sort(np.array(values))
    pixels = window.apply(ordered)
    assert pixels.dtype == dtype
    assert np.all(np.diff(pixels.astype(int)) >= 0)
    assert np.all(pixels[ordered <= -100] == 0)
    assert np.all(pixels[ordered >= 300] == window.top)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_without_scaling_pixels_are_the_values(dtype):
    """The kind none changes nothing, in either direction."""
    values = np.arange(200).astype(dtype)
    same = Intensity("none", dtype=dtype, file_dtype=dtype)
    np.testing.assert_array_equal(same.apply(values), values)
    np.testing.assert_array_equal(same.undo(values), values)


def test_negative_whole_numbers_come_back_from_floats():
    """Hounsfield units that were read as floats are rounded and clipped to the files' type."""
    record = Intensity("none", dtype="float32", file_dtype="int16", unit="HU")
    np.testing.assert_array_equal(record.undo(np.array([-1000.4, 99999.0], np.float32)), [-1000, 32767])


def test_the_record_goes_through_json():
    """What is written beside a model says all of it."""
    record = Intensity("header", -160.0, 240.0, "uint16", "int16", "HU")
    assert Intensity.from_dict(json.loads(json.dumps(record.to_dict()))) == record
