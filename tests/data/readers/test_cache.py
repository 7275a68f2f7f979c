"""The cache: made once, by content, whole or not there, and its owner's alone."""

import multiprocessing
import os
import resource
import stat

import numpy as np
import pytest

from synthaug.data.readers import cache, decoding, read_images
from synthaug.errors import FileError


@pytest.fixture
def decodes(monkeypatch):
    """How often files were decoded."""
    counted = []
    real = decoding.CacheWriter.add
    monkeypatch.setattr(decoding.CacheWriter, "add", lambda self, image: (counted.append(1), real(self, image)))
    return counted


def test_files_are_decoded_once(root, read, decodes):
    """The second reading maps what the first wrote, labels read anew."""
    first, again = read(), read()
    assert len(decodes) == 3
    assert first.X.filename == again.X.filename
    assert again.y.tolist() == first.y.tolist()
    assert again.intensity == first.intensity


def test_other_labels_need_no_new_cache(root, read, decodes):
    """Labels are no part of the key: changing a manifest's decodes nothing."""
    manifest = root.parent / "m.csv"
    names = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.png"))]
    for labels in ([0, 0, 1], [1, 0, 1]):
        manifest.write_text("path,label\n" + "".join(f"{n},{y}\n" for n, y in zip(names, labels, strict=True)))
        assert read(manifest=manifest).y.tolist() == labels
    assert len(decodes) == 3


@pytest.mark.parametrize("change", ["content", "name", "size", "window"])
def test_what_changes_pixels_changes_the_cache(root, read, write, decodes, change):
    """Content, names and every setting that decides pixels are part of the key; times of files are not."""
    before = read()
    os.utime(root / "benign" / "a.png", (1, 1))
    assert read().X.filename == before.X.filename
    if change == "content":
        write("benign/a.png", before.X[0] // 2)
    if change == "name":
        (root / "benign" / "a.png").rename(root / "benign" / "b.png")
    settings = {"size": {"size": 8}, "window": {"window": (100, 50)}}.get(change, {})
    assert read(**settings).X.filename != before.X.filename


@pytest.mark.parametrize("damage", ["cut", "gone", "words"])
def test_a_damaged_cache_is_made_anew(root, read, decodes, damage):
    """A cache that is not whole is no cache."""
    folder = read().skipped_file.parent
    path = folder / {"cut": "rows.bin", "gone": "rows.npz", "words": "rows.json"}[damage]
    path.unlink() if damage == "gone" else path.write_bytes(path.read_bytes()[:-20])
    rows = read()
    assert len(decodes) == 6
    assert rows.X.shape == (3, 12, 10)


def test_an_interrupted_reading_leaves_nothing(root, read, monkeypatch, tmp_path):
    """Stopped half way, it leaves no cache and no rubbish."""
    real = decoding.CacheWriter.add

    def stop(self, image):
        real(self, image)
        if self.n_rows == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(decoding.CacheWriter, "add", stop)
    with pytest.raises(KeyboardInterrupt):
        read()
    assert list((tmp_path / "caches").iterdir()) == []


def test_a_full_disk_is_no_damaged_file(root, read, tmp_path):
    """An error of writing is not taken for one of reading, not even where bad files may be left out."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))
    try:
        with pytest.raises(FileError, match=r"cache_dir must have room for the decoded images; got '.*caches'"):
            read(on_error="skip")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "caches").iterdir()) == []


def test_only_its_owner_may_read_it(root, read):
    """The folder of a cache, which holds patients' images, is closed to others."""
    folder = read().skipped_file.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_no_file_of_a_cache_can_run_code(root, read):
    """Numbers, JSON and text: nothing in it is a pickle."""
    folder = read().skipped_file.parent
    assert sorted(path.name for path in folder.iterdir()) == ["rows.bin", "rows.json", "rows.npz", "skipped.csv"]
    with np.load(folder / "rows.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


def _read_once(arguments):
    root, caches = arguments
    return np.asarray(read_images(root, cache_dir=caches).X).sum()


@pytest.mark.slow
def test_processes_that_read_at_once_share_one_cache(root, tmp_path):
    """Whoever is slower takes the other's cache, and all get the same rows."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        sums = pool.map(_read_once, [(root, tmp_path / "caches")] * 2)
    assert len(set(sums)) == 1
    assert len(list((tmp_path / "caches").iterdir())) == 1


def test_the_room_left_is_asked_for(tmp_path):
    """A folder on a disk with room is accepted."""
    cache.check_room(tmp_path, 1)
