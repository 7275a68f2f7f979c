"""Data sets larger than memory: read, cached and learned from in a process that could not hold a third of them."""

import os
import subprocess
import sys

import numpy as np
import pytest

resource = pytest.importorskip("resource", reason="limits of memory can be set on POSIX alone")

LIMITED = """
import resource, sys
from pathlib import Path

def limit(more_bytes):
    words = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    taken = int(words["VmData"].split()[0]) << 10  # by the interpreter and its libraries
    resource.setrlimit(resource.RLIMIT_DATA, (taken + more_bytes,) * 2)
"""

READ = """
import warnings
from synthaug.data.readers import read_images, dicom
from synthaug.errors import IdentityWarning

root, caches, more_bytes = sys.argv[1], sys.argv[2], int(sys.argv[3])
limit(more_bytes)
rows = read_images(root, cache_dir=caches)
assert rows.X.nbytes > 2.9 * more_bytes, rows.X.nbytes
print(len(rows), sum(int(image[0, 0]) for image in rows.X), int(max(image.max() for image in rows.X)))
"""

LEARN = """
import numpy as np
from synthaug import CGAN, SyntheticAugmenter

def augmenter():
    return SyntheticAugmenter(CGAN(n_steps=2, batch_size=8, width=4), selection="none", random_state=0)

path, n, more_bytes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
X, y = np.memmap(path, dtype=np.uint8, mode="r", shape=(n, 64, 64)), np.arange(n) % 2
augmenter().fit(np.array(X[:32]), y[:32]).sample(2)  # what is imported late takes no part
limit(more_bytes)
drawn, labels = augmenter().fit(X, y, groups=np.arange(n) // 10).sample({1: 5})
print(drawn.shape, drawn.dtype, labels.tolist())
"""


def _run(code: str, *arguments: object) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    words = [sys.executable, "-W", "ignore", "-c", LIMITED + code, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory in use is read from /proc")
def test_reading_takes_a_third_of_the_data_in_memory(tmp_path):
    """DICOM files of three times the memory that may be added are decoded, cached, mapped and looked through."""
    pydicom = pytest.importorskip("pydicom")
    more_bytes, side = 64 << 20, 1024
    first = tmp_path / "first.dcm"
    stored = np.random.default_rng(0).integers(0, 4096, (side, side)).astype("<u2")
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("MR_small.dcm"))
    dataset.Rows = dataset.Columns = side
    del dataset.WindowCenter, dataset.WindowWidth
    dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = 0, 12, 11
    dataset.PixelData = stored.tobytes()
    dataset.save_as(first)
    n_files = 3 * more_bytes // stored.nbytes
    for number in range(n_files):  # names of one file: as many bytes to read, fewer to write
        folder = tmp_path / "root" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        os.link(first, folder / f"{number}.dcm")
    said = _run(READ, tmp_path / "root", tmp_path / "caches", more_bytes)
    assert said == f"{n_files} {n_files * int(stored[0, 0])} {stored.max()}"


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory in use is read from /proc")
def test_learning_takes_a_third_of_the_rows_in_memory(tmp_path):
    """An augmenter learns from mapped rows that, as a learner takes them, are three times the memory it may add."""
    more_bytes = 96 << 20
    n = 3 * more_bytes // (64 * 64 * 4)
    path = tmp_path / "rows.bin"
    block = np.random.default_rng(0).integers(0, 256, (n // 16, 64, 64), dtype=np.uint8)
    with path.open("wb") as file:
        for _ in range(16):
            file.write(block.tobytes())
    assert _run(LEARN, path, n, more_bytes) == "(5, 64, 64) uint8 [1, 1, 1, 1, 1]"
    assert [each.name for each in tmp_path.iterdir()] == ["rows.bin"]  # nothing is left behind


@pytest.mark.slow
def test_rows_in_a_file_are_learned_from_as_rows_in_memory(tmp_path, monkeypatch):
    """The same seed draws the same rows, whether training rows lie in a file or in memory; selection included."""
    from synthaug import CGAN, SyntheticAugmenter

    monkeypatch.setattr("synthaug.data.mapped.FEWEST_BYTES", 1)
    np.random.default_rng(0).integers(0, 256, (240, 8, 8), dtype=np.uint8).tofile(tmp_path / "rows.bin")
    mapped = np.memmap(tmp_path / "rows.bin", dtype=np.uint8, mode="r", shape=(240, 8, 8))
    y, groups, drawn = np.arange(240) % 2, np.arange(240) // 4, []
    for X in (mapped, np.array(mapped)):
        augmenter = SyntheticAugmenter(CGAN(n_steps=2, batch_size=8, width=4), random_state=0)
        drawn.append(augmenter.fit(X, y, groups=groups).sample(3)[0])
    np.testing.assert_array_equal(*drawn)
