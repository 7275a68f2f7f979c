"""Writing so that a file is whole or not there, and reading so that a damaged one is refused in words."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from synthaug.errors import FileError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def make_folder(folder: str | Path) -> Path:
    """Return the folder, made if it was not there.

    Raises
    ------
    FileError
        If it cannot be made or written to.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise FileError(f"folder must be writable; got '{path}' ({error.strerror}). Choose another one.") from error


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a file that is either whole or, after a crash or on a full disk, as it was before.

    Raises
    ------
    FileError
        If there is no room left or the folder cannot be written to.
    """
    write_together({Path(path): content})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: on a full disk all of them stay as they were before.

    Raises
    ------
    FileError
        If there is no room left or a folder cannot be written to.
    """
    parts = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in contents}
    try:
        for path, content in contents.items():
            _write_through(parts[path], content)
        for path, part in parts.items():
            os.replace(part, path)
    except OSError as error:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink()
        why = "no room is left on the disk" if error.errno in _NO_ROOM else str(error.strerror)
        raise FileError(
            f"'{path}' cannot be written: {why}. Nothing else was lost; free room or choose another folder."
        ) from error


def _write_through(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
