"""Files of rows: read as they were written, refused in words, never run."""

import contextlib
import errno
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from synthaug import _files
from synthaug.data.readers import ARRAY_NAMES, check_rows_file, read_rows_file, write_rows_file
from synthaug.errors import ConfigError, FileError, ShapeError, SynthaugError

TABLE = pd.DataFrame({"age": [1, 2, 3], "size": [0.5, 1.5, 2.5]})
LABELS = np.array(["benign", "malignant", "benign"])


@given(
    rows=arrays(st.sampled_from([np.uint8, np.float32, np.int64]), array_shapes(min_dims=2, max_dims=4, max_side=4)),
    kind=st.sampled_from(["int", "str", "bool", "object"]),
)
def test_npz_comes_back_as_it_was(rows: np.ndarray, kind: str, tmp_path_factory: pytest.TempPathFactory):
    """Rows keep shape, type and values; labels their values, whatever their type."""
    labels = np.arange(len(rows)) % 2
    labels = labels.astype(str).astype(object) if kind == "object" else labels.astype(kind)
    path = write_rows_file(tmp_path_factory.mktemp("rows") / "deep" / "rows.npz", rows, labels)
    X, y = read_rows_file(path)
    assert X.dtype == rows.dtype
    np.testing.assert_array_equal(X, rows)
    assert y.tolist() == labels.tolist()


@pytest.mark.parametrize("label", ["label", "kind of mass"])
def test_csv_comes_back_as_it_was(tmp_path: Path, label: str):
    """Columns keep names, types and order; the labels come from the named column."""
    path = write_rows_file(tmp_path / "rows.csv", TABLE, LABELS, label=label)
    X, y = read_rows_file(path, label=label)
    pd.testing.assert_frame_equal(X, TABLE)
    assert (y.tolist(), y.name) == (LABELS.tolist(), label)


def test_arrays_become_numbered_columns(tmp_path: Path):
    """A table without names gets the numbers of its columns."""
    X, _ = read_rows_file(write_rows_file(tmp_path / "rows.csv", np.eye(3), LABELS), label="label")
    assert list(X.columns) == ["0", "1", "2"]


@pytest.mark.parametrize("names", ARRAY_NAMES, ids=" ".join)
def test_known_pairs_of_arrays_are_found(tmp_path: Path, names: tuple[str, str]):
    """Keras' and MedMNIST's names work as well; labels of shape (n, 1) become flat."""
    np.savez(tmp_path / "a.npz", **{names[0]: np.zeros((3, 8, 8)), names[1]: np.zeros((3, 1)), "other": np.zeros(2)})
    X, y = read_rows_file(tmp_path / "a.npz")
    assert (X.shape, y.shape) == ((3, 8, 8), (3,))


def test_label_names_another_array(tmp_path: Path):
    """The labels may be under a name of the user's."""
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3)), y=np.zeros(2), grade=np.array([4, 5]))
    assert read_rows_file(tmp_path / "a.npz", label="grade")[1].tolist() == [4, 5]


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"a": np.zeros((2, 3))}, "must hold the arrays x and y or .*; it holds a. Rename them"),
        ({"x": np.zeros(3), "y": np.zeros(3)}, r"array x of .* must hold one row or image an entry; got shape \(3,\)"),
        (
            {"x": np.zeros((3, 2)), "y": np.zeros((3, 2))},
            r"array y of .* must hold one label a row; got shape \(3, 2\)",
        ),
        ({"x": np.array([[{}]]), "y": np.zeros(1)}, "it holds Python objects"),
    ],
)
def test_arrays_that_are_no_labelled_rows_are_named(tmp_path: Path, held: dict[str, np.ndarray], message: str):
    """The message names file, array and shape."""
    np.savez(tmp_path / "a.npz", **held)
    with pytest.raises(FileError, match=message):
        read_rows_file(tmp_path / "a.npz")


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("ran"),)


def test_pickles_are_never_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A pickle in the place of a file, or inside one, runs nothing."""
    monkeypatch.chdir(tmp_path)
    Path("a.npz").write_bytes(pickle.dumps(_Bomb()))
    np.savez("b.npz", x=np.array([[_Bomb()]], dtype=object), y=np.zeros(1))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(FileError, match=r"must be a .npz file of plain arrays"):
            read_rows_file(name)
    assert not Path("ran").exists()


@given(cut=st.integers(0, 400), flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3))
def test_damaged_files_are_refused_in_words(cut: int, flips: list, tmp_path_factory: pytest.TempPathFactory):
    """Cut off or changed anywhere, a file is read or refused with our own error, never another."""
    path = tmp_path_factory.mktemp("damaged") / "rows.npz"
    content = bytearray(write_rows_file(path, np.arange(40).reshape(10, 4), np.arange(10) % 2).read_bytes())
    for place, value in flips:
        content[place % len(content)] = value
    path.write_bytes(bytes(content[: len(content) - cut]))
    with contextlib.suppress(SynthaugError):
        read_rows_file(path)


def test_single_array_is_no_archive(tmp_path: Path):
    """A .npy file under the wrong name is refused."""
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, np.zeros((2, 2)))
    with pytest.raises(FileError, match="it is one array"):
        read_rows_file(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a .csv file with a header; No columns"),
        (b"a,b\n1,2\n1,2,3,4\n", "must be a .csv file with a header"),
        (b"\xff\xfe\x00\x01", "must be a .csv file with a header"),
        (b"a,b\n1,2\n", r"label must be a column of .*: a, b; got 'grade'"),
        (b"grades,b\n1,2\n", r"got 'grade'. Did you mean 'grades'\?"),
    ],
)
def test_csv_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str):
    """Empty, ragged, binary and foreign files are told apart in words."""
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SynthaugError, match=message):
        read_rows_file(tmp_path / "a.csv", label="grade")


def test_csv_needs_the_name_of_its_labels(tmp_path: Path):
    """Which column holds the labels is never guessed."""
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match=r"label must name the column of the labels; '.*a.csv' has a, b"):
        read_rows_file(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.pkl", "a", "a.npz.gz"])
def test_other_kinds_of_file_are_refused(tmp_path: Path, name: str):
    """What a file is decides its ending."""
    attempts = (read_rows_file, check_rows_file, lambda path: write_rows_file(path, TABLE, LABELS))
    for attempt in attempts:
        with pytest.raises(ConfigError, match=r"data must be a .npz, .csv or .parquet file"):
            attempt(tmp_path / name)


@pytest.mark.parametrize("name", ["nope.npz", "nope.csv"])
def test_missing_file_is_named(tmp_path: Path, name: str):
    """A path that is not there, or a folder, is a FileError."""
    with pytest.raises(FileError, match=r"data must be a file that is there; got '.*nope"):
        read_rows_file(tmp_path / name, label="y")


def test_images_do_not_go_into_a_csv(tmp_path: Path):
    """The remedy is the other kind."""
    with pytest.raises(ShapeError, match=r"a .csv file holds a table .*; got rows of shape \(8, 8\). Write a .npz"):
        write_rows_file(tmp_path / "a.csv", np.zeros((2, 8, 8)), [0, 1])


def test_labels_do_not_overwrite_a_column(tmp_path: Path):
    """A column of the same name is an error, not lost."""
    with pytest.raises(ConfigError, match="label must be a column that is not there yet; got 'age'"):
        write_rows_file(tmp_path / "a.csv", TABLE, LABELS, label="age")


def test_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file is replaced by a whole one or not at all."""
    path = write_rows_file(tmp_path / "a.csv", TABLE, LABELS)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    with pytest.raises(FileError, match="no room is left on the disk"):
        write_rows_file(path, TABLE[:1], LABELS[:1])
    assert path.read_bytes() == before
