"""Images of any layout, type and range come back as they went in, and what cannot be read is refused in words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synthaug.data.container import known, unwrap
from synthaug.data.images import ImageCodec
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.errors import ConfigError, ShapeError

INTEGERS = ("uint8", "uint16", "int16", "bool")
FLOATS = ("float16", "float32", "float64")
ORDERS = {"hwc": (0, 2, 3, 1), "chw": (0, 1, 2, 3)}


@dataclass
class Case:
    """Images as a user has them, the same as (n, c, h, w) in float64, and how they are to be read."""

    images: Any
    plain: np.ndarray
    options: RowsOptions


def codec_of(images: Any, **options: Any) -> tuple[ImageCodec, np.ndarray]:
    """Return the codec of images, and the array that it encodes."""
    plain, container = unwrap(known(images))
    rows = np.asarray(plain)
    codec = fit_row_codec(rows, container, RowsOptions(**options))
    assert isinstance(codec, ImageCodec)
    return codec, rows


def pixels(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, low: float, span: float) -> np.ndarray:
    """Return random pixels: whole numbers over a part of the type's range, or floats in [low, low + span]."""
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype in INTEGERS:
        least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
        first = int(least + (low + 1e6) / 2e6 * (most - least))
        last = min(most, first + int(span))
        return rng.integers(first, last, size=shape, endpoint=True).astype(dtype)
    scale = 0.05 if dtype == "float16" else 1.0
    return (scale * (low + span * rng.random(shape))).astype(dtype)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Images of every container, layout, type, range and size that is promised."""
    container = draw(st.sampled_from(["numpy", "torch", "pandas"]))
    layout, flat = draw(st.sampled_from(["hw", "hwc", "chw"])), container == "pandas" or draw(st.booleans())
    most = 16 if container == "pandas" else 128
    n, height, width = draw(st.integers(2, 4)), draw(st.integers(8, most)), draw(st.integers(8, most))
    channels = 1 if layout == "hw" else draw(st.sampled_from([1, 3, 5]))
    dtype = draw(st.sampled_from(INTEGERS + FLOATS))
    low, span = draw(st.floats(-1e6, 1e6)), draw(st.sampled_from([0.0, 1e-5, 1.0, 255.0, 1e5]))
    first = pixels(np.random.default_rng(draw(st.integers(0, 99))), (n, channels, height, width), dtype, low, span)
    images = first[:, 0] if layout == "hw" else first.transpose(ORDERS[layout])
    shape = images.shape[1:]
    images = np.ascontiguousarray(images.reshape(n, -1) if flat else images)
    if container != "numpy":
        images = torch.from_numpy(images) if container == "torch" else pd.DataFrame(images)
    format_ = {"hw": "auto", "hwc": "channels_last", "chw": "channels_first"}[layout]
    return Case(images, first.astype(np.float64), RowsOptions(shape if flat else None, format_))


@settings(max_examples=60)
@given(case=cases())
def test_images_come_back_as_they_went_in(case):
    """decode(encode(X)) is X: container, type, shape and columns, integers exactly, floats to their precision."""
    codec, rows = codec_of(case.images, **vars(case.options))
    decoded = codec.decode(codec.encode(rows))
    assert type(decoded) is type(case.images)
    before, after = np.asarray(case.images), np.asarray(decoded)
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    if isinstance(decoded, pd.DataFrame):
        assert (decoded.columns == case.images.columns).all()
        assert (decoded.dtypes == case.images.dtypes).all()
    if before.dtype.kind != "f":
        np.testing.assert_array_equal(after, before)
        return
    ulp = np.finfo(before.dtype).eps * np.abs(case.plain).max()
    allowed = 1e-6 * np.ptp(case.plain) + ulp + 1e-3 * codec.step
    np.testing.assert_allclose(after.astype(np.float64), before.astype(np.float64), rtol=0, atol=allowed)


@settings(max_examples=40)
@given(case=cases())
def test_the_model_sees_channels_first_in_its_range(case):
    """Whatever the layout, the tensor is (n, c, h, w) in [-1, 1] and each pixel is the rescaled one of its place."""
    codec, rows = codec_of(case.images, **vars(case.options))
    encoded = codec.encode(rows)
    low, span = case.plain.min(), np.ptp(case.plain)
    assert encoded.dtype == torch.float32
    assert encoded.shape == case.plain.shape == (len(rows), *codec.schema(2).shape)
    assert encoded.abs().max() <= 1
    wanted = 2 * (case.plain - low) / span - 1 if span else np.full_like(case.plain, -1.0)
    np.testing.assert_allclose(encoded.numpy(), wanted, atol=1e-6)


@settings(max_examples=30)
@given(case=cases(), seed=st.integers(0, 99))
def test_drawn_pixels_stay_in_the_range_seen(case, seed):
    """However far a network goes, a decoded pixel lies between the training rows' least and greatest one."""
    codec, _ = codec_of(case.images, **vars(case.options))
    wild = 10 * torch.randn(3, *codec.shape, generator=torch.Generator().manual_seed(seed))
    drawn = np.asarray(codec.decode(wild)).astype(np.float64)
    assert drawn.min() >= case.plain.min()
    assert drawn.max() <= case.plain.max()


@pytest.mark.parametrize(
    ("dtype", "levels", "step"),
    [("float64", 17, 1.0), ("float32", 256, 1 / 255), ("float64", 256, 1 / 255), ("float32", 256, 1.0)],
)
def test_drawn_pixels_are_on_the_grey_levels_of_the_rows(dtype, levels, step):
    """Rows that hold whole numbers, or k / 255, get drawn pixels of the same kind: no level between two of theirs."""
    images = (np.arange(4 * 64).reshape(4, 8, 8) % levels * step).astype(dtype)
    codec, rows = codec_of(images)
    np.testing.assert_array_equal(np.asarray(codec.decode(codec.encode(rows))), images)
    drawn = np.asarray(codec.decode(torch.linspace(-1.2, 1.2, 256).view(4, 1, 8, 8)))
    assert np.isin(drawn, np.unique(images)).all()


def test_a_faint_picture_is_not_rounded_away():
    """Pixels that differ by less than the tolerance of the grey levels keep their differences."""
    images = np.random.default_rng(0).random((3, 8, 8)) * 4e-4
    codec, rows = codec_of(images)
    np.testing.assert_allclose(np.asarray(codec.decode(codec.encode(rows))), images, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((28, 20), "hw"), ((1, 28, 20), "chw"), ((28, 20, 1), "hwc"), ((3, 9, 8), "chw"), ((9, 8, 4), "hwc")],
)
def test_a_clear_layout_needs_no_word(shape, axes):
    """Up to four channels are told from sides without image_format."""
    assert codec_of(np.zeros((2, *shape)))[0].axes == axes


def test_bfloat16_images_come_back():
    """NumPy has no bfloat16; torch's tensors of it work all the same."""
    images = torch.arange(2 * 64).view(2, 8, 8).bfloat16()
    codec, rows = codec_of(images)
    decoded = codec.decode(codec.encode(rows))
    assert decoded.dtype == torch.bfloat16
    assert torch.equal(decoded, images)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((8, 8, 8), {}, r"layout .* must be clear; got rows of shape \(8, 8, 8\), .* Say image_format="),
        ((3, 8, 3), {}, r"layout .* must be clear; got rows of shape \(3, 8, 3\)"),
        ((16, 8, 8, 1), {}, r"\(n, h, w\), \(n, h, w, c\) or \(n, c, h, w\); .* Volumes go in slice by slice"),
        ((7, 8), {}, "8 to 128 pixels high and wide; got 7 x 8 with 1 channel"),
        ((8, 129, 3), {}, "8 to 128 pixels high and wide; got 8 x 129 with 3 channel"),
        ((0, 8), {}, "8 to 128 pixels high and wide; got 0 x 8"),
        ((8, 8, 5), {}, "layout of the images must be clear"),
        ((8, 0, 8), {"image_format": "channels_last"}, "got 8 x 0 with 8 channel"),
        ((64,), {"image_shape": (8, 9)}, r"as many pixels as a row has numbers; got \(8, 9\) \(72 pixels\) .* of 64"),
        ((64,), {"image_shape": 64}, r"image_shape must be \(h, w\), .* got 64. Say it like image_shape=\(28, 28\)"),
        ((64,), {"image_shape": (64,)}, r"image_shape must be \(h, w\), .* got \(64,\)"),
        ((64,), {"image_shape": (8, 8.0)}, r"in whole numbers; got \(8, 8.0\)"),
        ((64,), {"image_shape": (-8, -8)}, r"in whole numbers; got \(-8, -8\)"),
        ((64,), {"image_shape": "8x8"}, "in whole numbers; got '8x8'"),
        ((512,), {"image_shape": (8, 8, 8)}, r"layout .* must be clear; got rows of shape \(8, 8, 8\)"),
        ((8, 8), {"image_shape": (8, 9)}, r"agree with the images; got \(8, 9\) for images of shape \(8, 8\)"),
    ],
)
def test_images_that_cannot_be_read_are_named(shape, options, message):
    """Layouts that can be read two ways, volumes, sizes out of range and a wrong image_shape: what came, what to do."""
    with pytest.raises(ShapeError, match=message):
        codec_of(np.zeros((2, *shape)), **options)


@pytest.mark.parametrize(("bad", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
@pytest.mark.parametrize("dtype", FLOATS)
def test_pixels_that_are_not_finite_are_counted_and_placed(bad, word, dtype):
    """NaN and infinity are told apart, how many images have them, and which is the first; at fit and later."""
    images = np.random.default_rng(0).random((5, 9, 8)).astype(dtype)
    codec, _ = codec_of(images)
    images[2, 4, 4] = images[4, 0, 0] = bad
    for attempt in (lambda: codec_of(images), lambda: codec.encode(images)):
        with pytest.raises(ShapeError, match=f"finite; got {word} in 2 of 5 images .the first is row 2.. Drop"):
            attempt()


def test_another_shape_than_fit_saw_is_named():
    """At prediction time both shapes are said."""
    codec, _ = codec_of(np.zeros((2, 8, 9)))
    with pytest.raises(ShapeError, match=r"shape that fit saw, \(n, 8, 9\); got \(3, 9, 8\). Resize"):
        codec.encode(np.zeros((3, 9, 8)))


def test_an_unknown_format_gets_the_nearest_word():
    """A slip in image_format is named with the word that was meant."""
    with pytest.raises(ConfigError, match=r"got 'chanels_last'. Did you mean 'channels_last'\?"):
        codec_of(np.zeros((2, 8, 8, 3)), image_format="chanels_last")
