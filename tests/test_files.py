"""A file is whole or as it was, whatever happens while it is written."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from synthaug._files import make_folder, write_atomically
from synthaug.errors import FileError


def run(code: str, *arguments: object) -> subprocess.CompletedProcess:
    """Run code in a process of its own."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_file_is_replaced_whole(tmp_path):
    """The new content is there, and nothing beside it."""
    path = tmp_path / "model.bin"
    for content in (b"old", b"", b"new" * 1000):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """Where no room is left the old content stays, nothing half-written lies about, and the message says so."""
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    done = run(
        """
        import resource, sys
        from synthaug._files import write_atomically
        from synthaug.errors import FileError
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_atomically(sys.argv[1], b"new" * 1000)
        except FileError as error:
            print(error)
        """,
        path,
    )
    assert "model.bin' cannot be written: no room is left on the disk. Nothing else was lost" in done.stdout
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_kill_9_while_writing_leaves_a_whole_file(tmp_path):
    """A process that is killed at any moment of its writing leaves one of the contents, never a part of one."""
    path = tmp_path / "model.bin"
    code = """
        import itertools, sys
        from synthaug._files import write_atomically
        for number in itertools.count():
            write_atomically(sys.argv[1], bytes([number % 256]) * 2_000_000)
    """
    for wait in (0.0, 0.013, 0.031):
        writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(path)])
        while not path.exists():
            assert writer.poll() is None
            time.sleep(0.001)
        time.sleep(wait)
        writer.kill()
        writer.wait()
        content = path.read_bytes()
        assert content == content[:1] * 2_000_000
        path.unlink()


@pytest.mark.parametrize(
    ("make", "name", "why"),
    [
        (lambda folder: None, "missing/model.bin", "No such file or directory"),
        (lambda folder: (folder / "file").write_text(""), "file/model.bin", "Not a directory"),
        (lambda folder: (folder / "model.bin").mkdir(), "model.bin", "Is a directory"),
        (lambda folder: None, "x" * 300, "File name too long"),
    ],
    ids=["no folder", "a file for a folder", "a folder for a file", "long name"],
)
def test_places_that_cannot_be_written_are_named(tmp_path, make, name, why):
    """Whatever the system's reason, it is our error, with path and reason."""
    make(tmp_path)
    with pytest.raises(FileError, match=f"cannot be written: {why}"):
        write_atomically(tmp_path / name, b"new")


def test_folders_are_made(tmp_path):
    """A folder and its parents are made, once or twice, and left empty."""
    assert make_folder(tmp_path / "a" / "b") == make_folder(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_file_in_the_folders_place_is_named(tmp_path):
    """A path that is a file is no folder."""
    (tmp_path / "a").write_text("")
    for name in ("a", "a/b"):
        with pytest.raises(FileError, match=f"folder must be writable; got '.*{name}' .*. Choose another one"):
            make_folder(tmp_path / name)


def test_unwritable_folders_are_named(tmp_path):
    """A folder without the right to write is found out before anything is learned."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):  # root may write anywhere; the system's own read-only places are left
        folder = Path("/proc/self/synthaug")
    with pytest.raises(FileError, match=r"folder must be writable; got '.*' .*. Choose another one"):
        make_folder(folder)
