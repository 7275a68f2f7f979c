"""Images in one file of arrays: MedMNIST's and others', with splits, labels and groups."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from synthaug.data.readers import scaling
from synthaug.errors import FileError, ShapeError

DATA = Path(os.environ.get("SYNTHAUG_DATA", "/nowhere"))
FORMS = {
    "MedMNIST": ("{}_images", "{}_labels", "{}_groups"),
    "Keras": ("x_{}", "y_{}", "groups_{}"),
}


@pytest.fixture
def images(noise) -> np.ndarray:
    """Nine images of noise."""
    return noise((9, 12, 10))


@pytest.mark.parametrize("form", FORMS)
def test_splits_are_joined_and_told_apart(tmp_path, read, images, form):
    """The rows of train, val and test come one after the other, with the name of the split of each."""
    parts = {"train": slice(0, 5), "val": slice(5, 7), "test": slice(7, 9)}
    arrays, patients = {}, np.array([7, 7, 5, 5, 5, 8, 8, 6, 6])
    for split, part in parts.items():
        x, y, groups = (name.format(split) for name in FORMS[form])
        arrays |= {x: images[part], y: np.arange(9)[part, None] % 3, groups: patients[part]}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    rows = read(tmp_path / "a.npz")
    np.testing.assert_array_equal(rows.X, images)
    assert rows.y.tolist() == [0, 1, 2] * 3
    assert rows.split.tolist() == ["train"] * 5 + ["val"] * 2 + ["test"] * 2
    assert rows.groups.tolist() == [0, 0, 1, 1, 1, 2, 2, 3, 3]


def test_a_patient_in_two_splits_is_refused(tmp_path, read, images):
    """A file, or a manifest, that trains on a patient whom it tests on is refused; the number and the rows are told."""
    arrays = {"x_train": images[:5], "y_train": np.arange(5), "groups_train": np.array([1, 1, 2, 2, 3])}
    arrays |= {"x_test": images[5:], "y_test": np.arange(4), "groups_test": np.array([3, 4, 4, 5])}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ShapeError, match=r"group number 2 in 2 \(rows 5 in 'test' and rows 4 in 'train'\)"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("names", [("x", "y"), ("X", "y"), ("images", "labels")], ids=" ".join)
def test_arrays_without_splits_are_read(tmp_path, read, images, names):
    """One array of images and one of labels is enough; without groups there are none."""
    np.savez(tmp_path / "a.npz", **{names[0]: images, names[1]: list("abcabcabc"), "grade": np.arange(9)})
    rows = read(tmp_path / "a.npz", size=8)
    assert (rows.X.shape, rows.y.tolist(), rows.groups, rows.split) == ((9, 8, 8), list("abcabcabc"), None, None)
    assert read(tmp_path / "a.npz", label="grade").y.tolist() == list(range(9))
    assert read(tmp_path / "a.npz", label=None).y is None


def test_colours_and_single_channels_are_read(tmp_path, read, noise):
    """A last axis of three is colours, one of one is grey."""
    for channels, shape in ((3, (4, 12, 10, 3)), (1, (4, 12, 10))):
        np.savez(tmp_path / f"{channels}.npz", x=noise((4, 12, 10, channels)), y=np.arange(4))
        assert read(tmp_path / f"{channels}.npz").X.shape == shape


def test_bad_images_of_a_file_are_listed_by_number(tmp_path, read, images):
    """An image with NaN, and a blank one, are left out, and labels stay with their images."""
    floats = images.astype(np.float32)
    floats[2, 0, 0], floats[5] = np.nan, 1.0
    np.savez(tmp_path / "a.npz", x=floats, y=np.arange(9))
    with pytest.raises(FileError, match=r"'a.npz#2' holds NaN or infinite pixels: fill them; 'a.npz#5' is blank"):
        read(tmp_path / "a.npz")
    with pytest.warns(match="2 files or slices were left out"):
        rows = read(tmp_path / "a.npz", on_error="skip")
    assert rows.y.tolist() == [0, 1, 3, 4, 6, 7, 8]


REFUSED = {
    "other names": ({"a": np.zeros((2, 9, 9))}, r"must hold the arrays x and y, or train_images"),
    "a table": ({"x": np.zeros((4, 2)), "y": np.zeros(4)}, r"array x must hold images .* it is \(4, 2\) of float64"),
    "words": ({"x": np.full((4, 9, 9), "a"), "y": np.zeros(4)}, "array x must hold images"),
    "volumes": ({"x": np.zeros((4, 9, 9, 9)), "y": np.zeros(4)}, r"array x must hold images .*\(4, 9, 9, 9\)"),
    "by columns": ({"x": np.asfortranarray(np.ones((4, 9, 9)))}, "its arrays run column by column"),
    "objects": ({"x": np.array([{}]), "y": np.zeros(1)}, "it is damaged|array x must hold images"),
    "no labels": ({"x": np.random.default_rng(0).random((4, 9, 9))}, "must hold the array y; it holds x. Name it"),
    "few labels": (
        {"x": np.random.default_rng(0).random((4, 9, 9)), "y": np.zeros(3)},
        r"array y of .* must hold one entry an image, \(4,\); got shape \(3,\)",
    ),
    "unlike splits": (
        {"x_train": np.ones((4, 9, 9)), "x_test": np.ones((4, 8, 8))},
        "its arrays of images must be alike",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arrays_that_are_no_labelled_images_are_named(tmp_path, read, case):
    """The message names file, array and shape."""
    arrays, message = REFUSED[case]
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(FileError, match=message):
        read(tmp_path / "a.npz")


def test_a_zip_bomb_is_unpacked_image_by_image(tmp_path, read):
    """An array that says it holds more than the disk has room for is refused; one that ends early is, too."""
    header = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
    fields = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000, 100, 100), }"
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", header + fields.ljust(117) + b"\n" + bytes(1000))
    with pytest.raises(FileError, match="cache_dir must have room for the decoded images, 9,536,743 MiB"):
        read(tmp_path / "a.npz", label=None)
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as file:
        content = header + fields.replace(b"1000000000", b"100").ljust(117) + b"\n" + bytes(range(250)) * 50
        file.writestr("x.npy", content)
    with pytest.raises(FileError, match=r"'b.npz' it ends before its images do"):
        read(tmp_path / "b.npz", label=None)


@pytest.mark.skipif(not (DATA / "breastmnist.npz").exists(), reason="SYNTHAUG_DATA names no folder with breastmnist")
def test_medmnists_own_file_is_read(read):
    """BreastMNIST: 780 grey images of 28 x 28 in its official splits."""
    rows = read(DATA / "breastmnist.npz")
    assert (rows.X.shape, rows.X.dtype) == ((780, 28, 28), "uint8")
    assert {split: int((rows.split == split).sum()) for split in ("train", "val", "test")} == {
        "train": 546,
        "val": 78,
        "test": 156,
    }


@pytest.mark.parametrize("name", ["y", "groups"])
def test_labels_that_are_python_objects_are_refused(tmp_path, read, images, name):
    """An array of objects, which only a pickle can hold, is refused with the way to save it."""
    words = {"y": ["ill"] * 9, "groups": list("aaabbbccc")}
    np.savez(tmp_path / "a.npz", x=images, **{**words, name: np.array(words[name], dtype=object)})
    with pytest.raises(FileError, match=rf"array {name} of '.*a.npz' must hold plain numbers or words.*astype\(str\)"):
        read(tmp_path / "a.npz")


def test_percentiles_of_many_images_are_a_samples(tmp_path, read, noise, monkeypatch):
    """Of a file of many images some are looked at, evenly spread: not all of them are held at once."""
    seen = []
    real = scaling._percentiles
    monkeypatch.setattr(scaling, "_percentiles", lambda images: real(seen.extend(images) or seen))
    np.savez(tmp_path / "a.npz", x=noise((300, 12, 10)), y=np.zeros(300))
    assert read(tmp_path / "a.npz", window="percentile").intensity.kind == "percentile"
    assert 64 <= len(seen) < 128
