"""One size for all: averages kept, aspect kept or not, fine texture not folded into coarse one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from synthaug.data.readers.records import Resizing
from synthaug.data.readers.sizes import ASPECTS, fitted, size_after, spacing_after

SIDES = st.integers(1, 40)


@given(
    size=st.tuples(SIDES, SIDES),
    wanted=st.tuples(SIDES, SIDES),
    aspect=st.sampled_from(ASPECTS),
    coloured=st.booleans(),
)
def test_every_image_gets_the_size(size, wanted, aspect, coloured):
    """Whatever the sides, the result has the size asked for and no value outside the image's own."""
    image = np.random.default_rng(0).integers(0, 256, (*size, 3) if coloured else size).astype(np.uint8)
    made = fitted(image, None, Resizing(wanted, aspect))
    assert made.shape == (*wanted, *image.shape[2:])
    assert size_after(size, None, Resizing(wanted, aspect)) == wanted
    assert image.min() - 1e-3 <= made.min() <= made.max() <= image.max() + 1e-3


@pytest.mark.parametrize("size", [(16, 16), (20, 30), (64, 48)])
def test_it_agrees_with_torchs_anti_aliased_resizing(size):
    """A second implementation of the same filter gives the same image."""
    image = np.random.default_rng(0).random((48, 64), dtype=np.float32)
    truth = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None, None], size, mode="bilinear", antialias=True, align_corners=False
    )[0, 0]
    np.testing.assert_allclose(fitted(image, None, Resizing(size, "stretch")), truth, atol=1e-5)


def test_stripes_finer_than_the_new_pixels_become_grey():
    """Stripes of one pixel, shrunk four times, leave their average and no pattern of their own."""
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    small = fitted(stripes, None, Resizing((16, 16), "stretch"))
    np.testing.assert_allclose(small[:, 1:-1], 127.5, atol=6)


def test_padding_keeps_the_aspect_and_fills_with_the_least_value():
    """A wide image lies in the middle, undistorted, above and below it the least of its values."""
    wide = np.full((10, 20), 200.0)
    wide[0, 0] = 50.0
    made = fitted(wide, None, Resizing((20, 20), "pad"))
    assert np.all(made[:5] == 50)
    assert np.all(made[15:] == 50)
    np.testing.assert_array_equal(made[5:15], wide)


def test_cropping_keeps_the_aspect_and_the_middle():
    """A wide image loses its ends."""
    wide = np.arange(200.0).reshape(10, 20)
    np.testing.assert_array_equal(fitted(wide, None, Resizing((10, 10), "crop")), wide[:, 5:15])


@given(side=st.integers(8, 60), own=st.floats(0.3, 3.0), wanted=st.floats(0.3, 3.0))
def test_resampling_keeps_the_millimetres(side, own, wanted):
    """Size times spacing is the same before and after."""
    how = Resizing(spacing=(wanted, wanted))
    height, width = size_after((side, side), (own, own), how)
    row, column = spacing_after((side, side), (own, own), how)
    assert height * row == pytest.approx(side * own)
    assert width * column == pytest.approx(side * own)
    assert fitted(np.ones((side, side)), (own, own), how).shape == (height, width)


def test_the_spacing_of_a_padded_image_is_that_of_its_inside():
    """Padding adds pixels of the same size; stretching changes it along each axis."""
    assert spacing_after((10, 20), (1.0, 1.0), Resizing((40, 40), "pad")) == (0.5, 0.5)
    assert spacing_after((10, 20), (1.0, 1.0), Resizing((40, 40), "stretch")) == (0.25, 0.5)
    assert spacing_after((10, 20), None, Resizing((40, 40))) is None
