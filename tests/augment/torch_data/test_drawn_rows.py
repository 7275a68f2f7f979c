"""The cache of drawn rows: kept, keyed, checked, and never served to another learner."""

import pickle

import numpy as np
import pytest

from synthaug import CGAN, SyntheticAugmenter, SyntheticDataset
from synthaug.augment.torch_data.drawn_rows import CachedRows, LazyRows, row_key
from synthaug.errors import FileError


@pytest.fixture
def other(pixels, classes):
    learner = CGAN(n_steps=4, batch_size=8, width=8)
    return SyntheticAugmenter(learner, selection="none", random_state=0).fit(pixels, classes)


def test_kept_rows_are_not_drawn_again(augmenter, tmp_path, monkeypatch):
    """A second dataset with the same learner, counts and seed reads the file of the first."""
    first = CachedRows(augmenter, {0: 5}, 0, tmp_path)
    monkeypatch.setattr(type(augmenter), "sample", lambda *_, **__: pytest.fail("rows were drawn again"))
    again = CachedRows(augmenter, {0: 5}, 0, tmp_path)
    assert np.array_equal(first.take(range(5)), again.take(range(5)))


def test_key_names_learner_counts_and_seed(augmenter, other):
    """Another learner, other counts or another seed make another key; the same make the same."""
    keys = [
        row_key(augmenter, {0: 5}, 0),
        row_key(other, {0: 5}, 0),
        row_key(augmenter, {0: 6}, 0),
        row_key(augmenter, {1: 5}, 0),
        row_key(augmenter, {0: 5}, 1),
    ]
    assert len(set(keys)) == len(keys)
    assert row_key(augmenter, {0: 5}, 0) == keys[0]


def test_learners_share_a_folder(augmenter, other, tmp_path):
    """Two learners with one cache_dir each get their own rows."""
    datasets = [SyntheticDataset(learner, 3, cache_dir=tmp_path) for learner in (augmenter, other)]
    fresh = [SyntheticDataset(learner, 3) for learner in (augmenter, other)]
    for cached, direct in zip(datasets, fresh, strict=True):
        assert np.array_equal(cached.raw(range(6)), direct.raw(range(6)))
    assert not np.array_equal(datasets[0].raw(range(6)), datasets[1].raw(range(6)))


@pytest.mark.parametrize("damage", ["truncated", "altered", "empty", "seal"])
def test_damaged_file_is_drawn_anew(augmenter, tmp_path, damage):
    """A truncated or altered file is noticed and drawn again."""
    good = CachedRows(augmenter, {0: 5}, 0, tmp_path).take(range(5))
    path = next(tmp_path.glob("*.npy"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    damages = {"truncated": content[:-10], "altered": content, "empty": b"", "seal": path.read_bytes()}
    path.write_bytes(damages[damage])
    if damage == "seal":
        path.with_suffix(".json").write_text("{")
    assert np.array_equal(CachedRows(augmenter, {0: 5}, 0, tmp_path).take(range(5)), good)


def test_unwritable_folder_is_named(augmenter, tmp_path):
    """A cache_dir that cannot be made raises FileError."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="folder must be writable"):
        CachedRows(augmenter, {0: 1}, 0, tmp_path / "file" / "below")


def test_vanished_rows_are_explained(augmenter):
    """Unpickling after the temporary folder is gone names the remedy."""
    rows = CachedRows(augmenter, {0: 1}, 0)
    content = pickle.dumps(rows)
    del rows
    with pytest.raises(FileError, match="give SyntheticDataset a cache_dir"):
        pickle.loads(content)


def test_lazy_rows_forget_old_blocks(augmenter, monkeypatch):
    """Memory stays bounded, and a row that was forgotten comes back the same."""
    monkeypatch.setattr("synthaug.augment.torch_data.drawn_rows._BLOCKS_KEPT", 1)
    rows = LazyRows(augmenter, {0: 100, 1: 10}, 0)
    first = rows.take([3, 70, 105])
    assert len(rows._blocks) == 1
    assert np.array_equal(rows.take([105, 3, 70])[[1, 2, 0]], first)
