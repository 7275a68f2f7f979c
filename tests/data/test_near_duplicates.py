"""Near-duplicates: copies in disguise are found, look-alikes of one kind are not, and groups join up."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits

from synthaug import near_duplicate_groups
from synthaug.data.near_duplicates import near_duplicate_pairs, warn_of_near_duplicates
from synthaug.data.split import Split
from synthaug.errors import ConfigError, LeakWarning, ShapeError


def scans(n=12, side=48):
    """Smooth random images (n, 48, 48), uint8, each with structure at several sizes."""
    rng = np.random.default_rng(0)
    parts = [gaussian_filter(rng.normal(size=(n, side, side)), (0, sigma, sigma)) * sigma for sigma in (2, 4, 8)]
    images = np.sum(parts, axis=0)
    low, high = (edge(images, axis=(1, 2), keepdims=True) for edge in (np.min, np.max))
    return np.rint(200 * (images - low) / (high - low) + 20).astype(np.uint8)


def as_jpeg(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=70)
    return np.asarray(Image.open(buffer))


def resized(image):
    small = Image.fromarray(image).resize((36, 36), Image.Resampling.BILINEAR)
    return np.asarray(small.resize(image.shape, Image.Resampling.BILINEAR))


def noisy(image):
    return np.clip(image + np.random.default_rng(1).normal(0, 4, image.shape), 0, 255).astype(np.uint8)


DISGUISES = {
    "copy": lambda image: image.copy(),
    "brighter": lambda image: (image * 0.8 + 40).astype(np.uint8),
    "gamma": lambda image: (255 * (image / 255) ** 0.9).astype(np.uint8),
    "noisy": noisy,
    "compressed": as_jpeg,
    "resized": resized,
    "sixteen bit": lambda image: image.astype(np.float64) * 257,
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copy_in_disguise_is_found(disguise):
    """A scan exported anew is a near-duplicate of itself, and of no other."""
    images = scans()
    changed = np.stack([DISGUISES[disguise](image) for image in images])
    pairs = near_duplicate_pairs(np.concatenate([images.astype(changed.dtype), changed]))
    assert pairs.tolist() == [[row, row + len(images)] for row in range(len(images))]


def test_handwritten_digits_are_no_duplicates():
    """Of 1,797 digits that resemble each other none is taken for another."""
    assert len(near_duplicate_pairs(load_digits().images)) == 0


def test_the_layout_and_colour_do_not_matter():
    """Grey images, and the same with three channels in either place, have the same duplicates."""
    images = np.concatenate([scans(), scans()[:3]])
    colour = np.repeat(images[..., None], 3, axis=-1)
    found = near_duplicate_pairs(images).tolist()
    assert len(found) == 3
    assert near_duplicate_pairs(colour).tolist() == found
    assert near_duplicate_pairs(colour.transpose(0, 3, 1, 2)).tolist() == found


def test_a_memory_mapped_file_is_read_in_blocks(tmp_path):
    """Images in a file, more than a block of them, give what they give in memory."""
    images = np.concatenate([scans(700, 8), scans(700, 8)])
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    pairs = {tuple(pair) for pair in near_duplicate_pairs(mapped).tolist()}
    assert {(row, row + 700) for row in range(700)} <= pairs
    assert pairs == {tuple(pair) for pair in near_duplicate_pairs(images).tolist()}


def test_blank_images_have_no_duplicates():
    """All-black images are equal, but nothing says that they are of one patient; NaN does no harm."""
    images = np.zeros((4, 16, 16), dtype=np.float32)
    images[3, 2:9, 4:6] = np.nan
    assert near_duplicate_groups(images).tolist() == [0, 1, 2, 3]


def test_duplicates_join_patients():
    """Two patients that hold copies of one scan become one group; the others keep theirs, in order."""
    images = scans(6)
    images[5] = images[0]
    patients = ["z", "z", "y", "y", "x", "x"]
    assert near_duplicate_groups(images).tolist() == [0, 1, 2, 3, 4, 0]
    assert near_duplicate_groups(images, patients).tolist() == [0, 0, 1, 1, 0, 0]


@settings(max_examples=40)
@given(data=st.data(), n=st.integers(0, 12))
def test_groups_are_the_connected_parts(data, n):
    """Whatever copies and patients there are, rows share a group if and only if a chain of them leads from one to the
    other.
    """
    copied = np.array(data.draw(st.lists(st.integers(0, 11), min_size=n, max_size=n)), dtype=int)
    patients = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)), dtype=int)
    groups = near_duplicate_groups(SCANS[copied], patients)
    linked = (copied[:, None] == copied) | (patients[:, None] == patients)
    for _ in range(n):
        linked = linked @ linked
    assert ((groups[:, None] == groups) == linked).all()
    assert np.unique(groups).tolist() == list(range(len(np.unique(groups))))


SCANS = scans()


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"images": np.zeros((3, 64))}, ShapeError, r"images must have shape \(n, h, w\).*; got \(3, 64\)"),
        ({"images": SCANS, "groups": [1]}, ShapeError, "one entry for each row"),
        ({"images": SCANS, "distance": 64}, ConfigError, "distance must be 0 to 63 bits; got 64"),
        ({"images": SCANS, "distance": -1}, ConfigError, "distance must be a whole number"),
        ({"images": SCANS, "image_format": "hwc"}, ConfigError, "image_format must be one of"),
    ],
)
def test_what_cannot_be_is_refused(arguments, kind, message):
    """Flat rows, groups of another length, impossible distances and unknown layouts are refused."""
    with pytest.raises(kind, match=message):
        near_duplicate_groups(**arguments)


def test_near_duplicates_across_a_split_are_told():
    """A split that trains on one of a pair and tests on the other is warned of by row numbers."""
    images = np.concatenate([SCANS, SCANS[:2]])
    torn, whole = Split(0, 0, np.arange(12), np.array([12, 13])), Split(0, 1, np.r_[0:2, 12:14], np.arange(2, 12))
    with pytest.warns(LeakWarning, match=r"in 1 of 2 splits \(in the first of them rows 0 and 12, 1 and 13\)\. Give"):
        assert warn_of_near_duplicates(images, [torn, whole]) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert warn_of_near_duplicates(images, [whole]) == 0
    with pytest.warns(LeakWarning, match="rows 0 and 12"):
        warn_of_near_duplicates(images.reshape(len(images), -1), [torn], image_shape=(48, 48))
