"""What cannot be read is refused with the remedy, or left out with a line in a list: never in silence."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from synthaug.data.readers import listing
from synthaug.errors import ConfigError, FileError, SkippedFilesWarning


def _cut(path: Path, share: float = 0.5) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def _bomb(path: Path) -> None:
    """Write a PNG of a few bytes that says it holds 50,000 x 50,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


BAD = {
    "empty.png": (lambda path: path.write_bytes(b""), "is empty"),
    "truncated.png": (lambda path: (Image.fromarray(_noise()).save(path), _cut(path)), "it is damaged"),
    "truncated.jpg": (lambda path: (Image.fromarray(_noise()).save(path), _cut(path)), "it is damaged"),
    "truncated.tif": (lambda path: (Image.fromarray(_noise()).save(path), _cut(path)), "it is damaged"),
    "text.png": (lambda path: path.write_text("hello"), "it is damaged or no such file"),
    "notes.txt": (lambda path: path.write_text("hello"), "is no image: .txt is not among the endings that are read"),
    "README": (lambda path: path.write_text("hello"), "it is no DICOM file"),
    "black.png": (lambda path: Image.fromarray(np.zeros((12, 10), np.uint8)).save(path), "is blank"),
    "bomb.png": (_bomb, "it is damaged or no such file|more than allowed"),
    "other size.png": (lambda path: Image.fromarray(_noise((5, 10))).save(path), "has 5 x 10 pixels, while .* size="),
    "16 bit.png": (lambda path: Image.fromarray(_noise().astype(np.uint16) * 257).save(path), "has uint16 picture"),
    "nan.tif": (lambda path: Image.fromarray(np.full((12, 10), np.nan, np.float32)).save(path), "has float32 picture"),
    "bad.dcm": (lambda path: path.write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 99), "it is damaged|it holds no image"),
    "bad.nii": (lambda path: path.write_bytes(b"\x5c\x01\0\0" + b"\xff" * 400), "it is damaged"),
    "bad.nii.gz": (lambda path: path.write_bytes(b"\x1f\x8b\x08" + b"\xff" * 40), "it is damaged"),
    "many.npz": (lambda path: np.savez(path, x=_noise()[None]), "holds many images: read it by itself"),
    "link.png": (lambda path: path.symlink_to(path.parent / "a.png"), "is a link"),
    "out.png": (lambda path: path.symlink_to("/etc/hostname"), "is a link"),
    "folder": (lambda path: path.symlink_to(path.parent, target_is_directory=True), "is a link"),
    "pipe.png": (_fifo, "is no file"),
}


def _noise(size: tuple[int, int] = (12, 10)) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_or_listed(root, read, name):
    """A file that cannot be read is an error that names it, why and the way out; or it is left out and listed."""
    make, why = BAD[name]
    make(root / "benign" / name)
    with pytest.raises(FileError, match=rf"(?s)got 1 of 4 that are not: '.*{name}' ({why}).*on_error='skip'"):
        read()
    with pytest.warns(SkippedFilesWarning, match="1 files or slices were left out"):
        rows = read(on_error="skip")
    assert rows.paths.tolist() == ["benign/a.png", "benign/bb.png", "malignant/ccc.png"]
    assert rows.skipped.path.tolist() == [f"benign/{name}"]
    pd.testing.assert_frame_equal(pd.read_csv(rows.skipped_file), rows.skipped)


def test_a_file_without_a_class_is_refused(root, write, read):
    """An image beside the folders of the classes has no label."""
    write("stray.png")
    with pytest.raises(FileError, match=r"'stray.png' has no label: put it into a folder called like its class"):
        read()


def test_unreadable_files_are_refused(root, read, monkeypatch):
    """A file without the right to read it is named."""
    monkeypatch.setattr(listing.os, "access", lambda path, mode: not str(path).endswith("a.png"))
    with pytest.raises(FileError, match=r"'benign/a.png' may not be read: change its permissions"):
        read()


def test_hidden_files_are_passed_over_and_listed(root, read):
    """What systems leave in folders stops nobody, and stands in the list all the same."""
    for name in (".DS_Store", "benign/Thumbs.db", ".git/config"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    rows = read()
    assert len(rows) == 3
    assert sorted(rows.skipped.path) == [".DS_Store", ".git/config", "benign/Thumbs.db"]


LINES = {
    "../secret.png": "leaves the folder of the data",
    "/etc/hostname": "leaves the folder of the data",
    "benign/../../secret.png": "leaves the folder of the data",
    "..\\secret.png": "leaves the folder of the data",
    "nope.png": "is not there",
    "benign": "is no file",
    "benign/a.png": "has two lines in the manifest",
    "benign/link.png": "is a link",
    "": "has no path in the manifest",
}


@pytest.mark.parametrize("path", LINES)
def test_bad_lines_of_a_manifest_are_refused_or_listed(root, read, tmp_path, path):
    """No line leads out of the root, to a link, to a file that is not there, or twice to one."""
    (tmp_path / "secret.png").write_bytes((root / "benign/a.png").read_bytes())
    names = ["benign/a.png", "benign/bb.png", "malignant/ccc.png"]
    if path == "benign/link.png":
        (root / path).symlink_to(root / "benign/a.png")
    pd.DataFrame({"path": [*names, path], "label": [0, 0, 1, 1]}).to_csv(root / "m.csv", index=False)
    with pytest.raises(FileError, match=rf"got 1 of 4 that are not: '.*' {LINES[path]}"):
        read(root / "m.csv")
    with pytest.warns(SkippedFilesWarning):
        rows = read(root / "m.csv", on_error="skip")
    assert rows.paths.tolist() == names
    assert len(rows.skipped) == 1


def test_every_file_has_a_line_and_every_line_a_label(root, read):
    """A file that no line names, and a line without a label, are both refused, or both listed."""
    table = pd.DataFrame({"path": ["benign/a.png", "benign/bb.png"], "label": ["x", None]})
    table.to_csv(root / "m.csv", index=False)
    with pytest.raises(
        FileError, match=r"'benign/bb.png' has no label in the manifest; 'malignant/ccc.png' has no line"
    ):
        read(root / "m.csv")
    with pytest.warns(SkippedFilesWarning):
        assert read(root / "m.csv", on_error="skip").paths.tolist() == ["benign/a.png"]


def test_nothing_left_is_an_error(root, read):
    """Where every file is bad, skipping them all is no data set."""
    for path in root.rglob("*.png"):
        _cut(path, 0.6)
    with pytest.raises(FileError, match="at least one file must be readable; got none of 3"):
        read(on_error="skip")


def test_many_bad_files_are_told_in_short(root, read):
    """The message names three of them and how many there are."""
    for number in range(5):
        (root / "benign" / f"{number}.png").write_bytes(b"")
    with pytest.raises(
        FileError, match=r"got 5 of 8 that are not: '.*0.png' .*; '.*1.png' .*; '.*2.png' .*; \.\.\.\. Mend"
    ):
        read()


def test_a_strict_reader_does_not_take_what_a_lenient_one_cached(root, read):
    """A cache made while skipping is no way round the policy to raise."""
    _cut(root / "benign" / "a.png", 0.7)
    with pytest.warns(SkippedFilesWarning):
        read(on_error="skip")
    with pytest.raises(FileError, match=r"'benign/a.png' it is damaged"):
        read()


def test_a_full_disk_is_named_before_anything_is_decoded(root, read, monkeypatch):
    """Decoded images that do not fit are refused at once, with how much room they need."""
    monkeypatch.setattr("synthaug.data.readers.cache._SPARE", 1 << 60)
    with pytest.raises(FileError, match=r"cache_dir must have room for the decoded images, 0 MiB; got '.*caches' with"):
        read()


def test_too_many_pixels_are_not_decoded_to_look_at_their_words(root, read, write, monkeypatch):
    """The size that a PNG says is judged before its words are sought, which may stand behind its pixels."""
    write("benign/large.png", _noise((60, 50)))
    loaded = []
    real = PngImageFile.load
    monkeypatch.setattr(PngImageFile, "load", lambda self: (loaded.append(self.size), real(self))[1])
    with pytest.raises(FileError, match=r"'benign/large.png' its 60 x 50 pixels are more than allowed: raise max_pix"):
        read(max_pixels=120)
    assert (50, 60) not in loaded


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "VAL", "test"), ("train",)])
def test_splits_are_not_taken_for_classes(write, read, tmp_path, names):
    """Folders called like splits are refused: their names are no labels, and those in them no patients."""
    for name in names:
        write(f"{name}/ill/a.png")
    with pytest.raises(ConfigError, match=r"which are splits. Read one of them by its own path, or all by a manifest"):
        read()
    assert read(tmp_path / "root" / names[0]).y.tolist() == ["ill"]
    assert len(read(label=None)) == len(names)


@pytest.mark.parametrize("path", ["", "m.csv"])
def test_a_cache_among_the_images_is_refused(root, read, path):
    """Else the second reading would find the first one's cache; a hidden folder is passed over and may hold it."""
    names = [each.relative_to(root).as_posix() for each in sorted(root.rglob("*.png"))]
    (root.parent / "m.csv").write_text("path,label\n" + "".join(f"root/{name},x\n" for name in names))
    settings = {"path": root.parent / path} if path else {"path": root}
    with pytest.raises(ConfigError, match=r"cache_dir must be outside the folder of the images.*Choose another folder"):
        read(**settings, cache_dir=root / "cache")
    if not path:
        assert [len(read(cache_dir=root / ".cache")) for _ in range(2)] == [3, 3]
