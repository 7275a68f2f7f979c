"""The data sets that come along can be learned from, and Fashion-MNIST's files are read or refused in words."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from synthaug.data import datasets
from synthaug.data.container import unwrap
from synthaug.data.datasets import DATASETS, fashion
from synthaug.data.labels import fit_label_codec
from synthaug.data.rows import RowsOptions, fit_row_codec
from synthaug.errors import FileError


def write_fashion(folder: Path, n: int = 4) -> np.ndarray:
    """Write Fashion-MNIST's four files with n made pictures each; return the pictures of both parts."""
    pictures = np.random.default_rng(0).integers(0, 256, size=(2, n, 28, 28), dtype=np.uint8)
    for part, images in zip(("train", "t10k"), pictures, strict=True):
        header = struct.pack(">iiii", 2051, n, 28, 28)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
        labels = struct.pack(">ii", 2049, n) + bytes(range(n))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    return pictures.reshape(-1, 28, 28)


@pytest.mark.parametrize("name", sorted(set(DATASETS) - {"fashion"}))
def test_every_data_set_can_be_learned_from(name):
    """Rows and labels fit each other and the codecs, and every label has a name."""
    rows = DATASETS[name]()
    assert len(rows.X) == len(rows.y)
    assert np.isfinite(rows.X).all()
    assert len(rows.class_names) == len(fit_label_codec(rows.y).classes)
    encoded = fit_row_codec(*unwrap(rows.X), RowsOptions()).encode(rows.X)
    assert len(encoded) == len(rows.y)


def test_fashion_is_read_from_its_files(tmp_path, monkeypatch):
    """Both parts come one after the other, pixel by pixel."""
    monkeypatch.setattr(datasets, "_FASHION_FOLDER", tmp_path)
    pictures = write_fashion(tmp_path)
    rows = fashion()
    np.testing.assert_array_equal(rows.X, pictures)
    assert (rows.y.tolist(), rows.y.dtype) == ([0, 1, 2, 3, 0, 1, 2, 3], np.int64)
    assert len(rows.class_names) == 10


def test_fashion_names_the_package_that_is_missing(tmp_path, monkeypatch):
    """Where Debian's package is not installed, its name is said."""
    monkeypatch.setattr(datasets, "_FASHION_FOLDER", tmp_path)
    with pytest.raises(FileError, match=r"cannot be read. Install Debian's package dataset-fashion-mnist"):
        fashion()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda whole: whole[:-20], "cannot be read"),
        (lambda whole: b"not gzip at all", "cannot be read"),
        (lambda whole: gzip.compress(gzip.decompress(whole)[:-5]), "must be a whole IDX file of the kind 2051"),
        (lambda whole: gzip.compress(b"\0"), "must be a whole IDX file of the kind 2051; got 0"),
        (lambda whole: gzip.compress(struct.pack(">ii", 2049, 0)), "of the kind 2051; got 2049"),
    ],
    ids=["cut", "foreign", "short inside", "empty inside", "other kind"],
)
def test_damaged_fashion_files_are_named(tmp_path, monkeypatch, damage, message):
    """A file that is cut, foreign or of another kind is refused, never read as something else."""
    monkeypatch.setattr(datasets, "_FASHION_FOLDER", tmp_path)
    write_fashion(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileError, match=f"t10k-images.*{message}"):
        fashion()
