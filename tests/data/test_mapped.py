"""Rows in a file: the same numbers as in memory, gone with their tensor."""

import errno

import numpy as np
import pytest
import torch

from synthaug.data import mapped
from synthaug.data.container import Container
from synthaug.data.images import fit_image_codec
from synthaug.errors import FileError


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """Images that lie in a file, and few enough for a test to count as many."""
    monkeypatch.setattr(mapped, "FEWEST_BYTES", 1)
    monkeypatch.setattr(mapped, "_AT_ONCE", 5 * 4 * 8 * 9)  # five rows
    images = np.random.default_rng(0).integers(0, 256, (23, 8, 9), dtype=np.uint8)
    images.tofile(tmp_path / "rows.bin")
    return np.memmap(tmp_path / "rows.bin", dtype=np.uint8, mode="r", shape=images.shape)


@pytest.fixture
def codec(rows):
    return fit_image_codec(np.asarray(rows), Container("numpy", "uint8"), image_shape=None, image_format="auto")


def test_a_maps_file_is_found_behind_views_and_copies_have_none(rows, tmp_path):
    """A view of a mapped array lies in its file; a copy and a plain array do not."""
    for view in (rows, np.asarray(rows), np.asarray(rows)[3:], np.asarray(rows).reshape(23, -1)):
        assert mapped.file_of(view) == tmp_path / "rows.bin"
    assert mapped.file_of(np.array(rows)) is None
    assert mapped.file_of([1, 2]) is None


@pytest.mark.parametrize("numbers", [range(23), [0, 7, 22], [5]], ids=str)
def test_encoded_rows_are_those_of_the_codec(rows, codec, numbers):
    """In a file or in memory, a learner gets the same numbers."""
    numbers = np.array(numbers)
    encoded = mapped.encode_mapped(codec, rows, numbers)
    assert mapped.is_mapped(encoded)
    torch.testing.assert_close(encoded, codec.encode(np.array(rows)[numbers]), rtol=0, atol=0)


def test_taken_rows_are_those_of_the_tensor(rows, codec):
    """Taking rows of a tensor in a file gives another in a file; of one in memory, one in memory."""
    encoded, order = mapped.encode_mapped(codec, rows, np.arange(23)), torch.randperm(23)
    taken = mapped.take_rows(encoded, order)
    assert mapped.is_mapped(taken)
    torch.testing.assert_close(taken, encoded.clone()[order], rtol=0, atol=0)
    assert not mapped.is_mapped(mapped.take_rows(encoded.clone(), order))


def test_few_rows_and_rows_in_memory_stay_there(rows, codec, monkeypatch):
    """What fits into memory, or came in it, gets no file."""
    assert mapped.encode_mapped(codec, np.array(rows), np.arange(23)) is None
    monkeypatch.setattr(mapped, "FEWEST_BYTES", 1 << 30)
    assert mapped.encode_mapped(codec, rows, np.arange(23)) is None


def test_the_file_has_no_name(rows, codec, tmp_path):
    """While the tensor lives, nothing but the rows' own file is in the folder."""
    encoded = mapped.encode_mapped(codec, rows, np.arange(23))
    assert [path.name for path in tmp_path.iterdir()] == ["rows.bin"]
    assert encoded.isfinite().all()


def test_a_full_disk_is_told_before_it_is_written_to(rows, codec, monkeypatch):
    """Room is taken before the first row is written, for a map without it would end the process."""

    def full(file: int, n_bytes: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(mapped, "_reserve", full)
    with pytest.raises(FileError, match=r"must have 0 MiB of room on a disk; got .*No space left on device"):
        mapped.encode_mapped(codec, rows, np.arange(23))
