"""Pictures: pixels that are the drawn rows', sheets in order, animations whose frames come back."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from synthaug.experiment.pictures import animation, as_pixels, png, sheet, with_bar


@pytest.mark.parametrize(("channels", "shown"), [(1, 1), (2, 1), (3, 3), (5, 1)])
def test_pixels_span_black_to_white(channels: int, shown: int):
    """-1 is black, 1 is white, what lies outside is clipped; channels that are no colours are averaged."""
    samples = torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0])[:, None, None, None].expand(5, channels, 2, 3)
    pixels = as_pixels(samples)
    assert pixels.shape == (5, 2, 3, shown)
    assert pixels[:, 0, 0, 0].tolist() == [0, 0, 128, 255, 255]


def test_sheet_puts_images_in_rows_and_columns():
    """Image (i, j) stands in row i and column j, opaque; the gaps are transparent."""
    images = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1).repeat(4, 2).repeat(5, 3)
    picture = sheet(images)
    assert picture.shape == (2 * 5 - 1, 3 * 6 - 1, 4)
    assert picture[::5, ::6, 0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (picture[4, :, 3] == 0).all()
    assert (picture[:4, 5, 3] == 0).all()
    assert (picture[:4, :5, 3] == 255).all()


def test_bar_is_as_long_as_the_share():
    """At a quarter, a quarter of the line below the picture is coloured."""
    picture = with_bar(np.full((6, 8, 4), 255, np.uint8), 0.25)
    assert picture.shape == (9, 8, 4)
    assert (picture[-1, :, 3] > 0).tolist() == [True] * 2 + [False] * 6


def test_animation_keeps_every_frame_and_its_time():
    """A reader of animated PNG gets the frames back, pixel by pixel, to be repeated for ever."""
    frames = np.random.default_rng(0).integers(0, 256, (3, 7, 9, 4), np.uint8)
    frames[..., 3] = 255
    with Image.open(io.BytesIO(animation(list(frames), milliseconds=[100, 200, 900]))) as read:
        assert (read.n_frames, read.info["loop"]) == (3, 0)
        for place, frame in enumerate(frames):
            read.seek(place)
            np.testing.assert_array_equal(np.asarray(read.convert("RGBA")), frame)
            assert read.info["duration"] == [100, 200, 900][place]


def test_one_picture_is_a_plain_png():
    """What stands still is no animation."""
    picture = np.full((4, 4, 4), 200, np.uint8)
    with Image.open(io.BytesIO(png(picture))) as read:
        assert getattr(read, "n_frames", 1) == 1
        np.testing.assert_array_equal(np.asarray(read), picture)
