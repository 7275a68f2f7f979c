"""Neither identities nor pixels of real rows leave a study unless it is said: every file it leaves is searched.

Planted are a name, a birth date, a hospital and numbers in headers, in the names of files and of patients' folders, and
images of noise that nothing could draw by chance. Not searched are the data and the cache of ``read_images``, which is
a copy of the images by design and lies where the user says.
"""

import base64
import gzip
import hashlib
import io
import json
import logging
import re
import shutil
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image, ImageSequence

from synthaug import CGAN, SyntheticAugmenter
from synthaug.cli import main
from synthaug.data.readers import read_images
from synthaug.errors import IdentityWarning

WORDS = ["Zanzibar", "Persephone", "19010203", "Quagmire", "ZQ4711"]
PATIENTS = [f"ZQ4711-{number}" for number in range(8)]
SIDE = 16
OWN = ("scans", "cache")


def planted():
    """Images of noise (24, 16, 16), uint8; three of each of eight patients."""
    return np.random.default_rng(0).integers(0, 256, size=(24, SIDE, SIDE), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch, migrated):
    """A folder with DICOM files of planted patients, classes even and odd, where everything else is to be left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    shutil.copy(migrated, tmp_path / "mlflow.db")
    write_scans(tmp_path / "scans")
    return tmp_path


def write_scans(folder):
    pydicom = pytest.importorskip("pydicom")
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm", download=False))
    dataset.Rows = dataset.Columns = SIDE
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    dataset.PatientBirthDate, dataset.InstitutionName = WORDS[2], WORDS[3]
    for number, image in enumerate(planted()):
        patient = number % 8
        dataset.PatientName, dataset.PatientID = f"{WORDS[0]}^{WORDS[1]}", PATIENTS[patient]
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        dataset.PixelData = image.tobytes()
        place = folder / ("ill" if patient % 2 else "well") / f"{WORDS[1]}-{PATIENTS[patient]}"
        place.mkdir(parents=True, exist_ok=True)
        dataset.save_as(place / f"{WORDS[0]}-{number}.dcm")


def contents(path):
    """The bytes of a file and, unpacked, of what it holds: members, arrays, texts in base64, pictures' own words."""
    found = [path.read_bytes()]
    for content in found:
        if content[:2] == b"\x1f\x8b":
            found.append(gzip.decompress(content))
        if content[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                found += [file.read(name) for name in file.namelist()]
        found += [base64.b64decode(text) for text in re.findall(rb"base64,([A-Za-z0-9+/]+=*)", content)]
    return found


def pictures(content):
    """Grey pictures (h, w) that bytes are: every frame of an image file, every image of an array file."""
    if content[:6] == b"\x93NUMPY":
        array = np.load(io.BytesIO(content), allow_pickle=False)
        whole = array.ndim >= 3 and array.dtype.kind in "fiu" and array.size > 0
        last = array.shape[-1:] in ((1,), (3,))
        return (
            list(array.reshape(-1, *array.shape[-3:]).mean(-1) if last else array.reshape(-1, *array.shape[-2:]))
            if whole
            else []
        )
    if content[:4] not in (b"\x89PNG", b"GIF8", b"\xff\xd8\xff\xe0", b"RIFF"):
        return []
    frames = ImageSequence.all_frames(Image.open(io.BytesIO(content)))
    return [np.asarray(frame.convert("RGB"), dtype=np.float64).mean(-1) for frame in frames]


def shows(picture, images):
    """Whether a picture (h, w) shows one of the images at any place, at its size or up to four times as large."""
    kernels = torch.from_numpy(images.astype(np.float32).reshape(len(images), -1))
    kernels = kernels - kernels.mean(1, keepdim=True)
    kernels = kernels / kernels.norm(dim=1, keepdim=True)
    for scale in (1, 2, 3, 4):
        grey = torch.from_numpy(np.ascontiguousarray(picture, dtype=np.float32))[None, None]
        for top, left in np.ndindex(scale, scale):
            small = (
                torch.nn.functional.avg_pool2d(grey[..., top:, left:], scale)
                if min(grey.shape[2:]) > 5 * scale
                else grey
            )
            if min(small.shape[2:]) < SIDE:
                continue
            windows = torch.nn.functional.unfold(small, SIDE)[0]
            windows = windows - windows.mean(0)
            if ((kernels @ windows) / windows.norm(dim=0).clamp_min(1e-6)).abs().max() > 0.9:
                return True
    return False


def forms(image):
    """The bytes of a quarter of an image in any type and scale that it could be kept in, and as text."""
    for quarter in np.array_split(image.astype(np.float64).ravel(), 4):
        for values in (quarter, quarter / 255, quarter / 127.5 - 1):
            for dtype in (np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.uint16, np.uint8):
                if np.allclose(values, values.astype(dtype), rtol=1e-2):
                    yield values.astype(dtype).tobytes()
            yield json.dumps(values.tolist())[1:-1].replace(" ", "").encode()
        yield json.dumps(quarter.astype(int).tolist())[1:-1].replace(" ", "").encode()


def identities():
    """What would tell who a patient is, in any spelling, and hashes that anybody could make of a number."""
    words = [*WORDS, *PATIENTS]
    spelt = [spelling(word) for word in words for spelling in (str, str.lower, str.upper)]
    codes = ("utf-8", "utf-16-le", "utf-32-le")  # the last one is how arrays hold words
    plain = [word.encode(code) for word in spelt for code in codes]
    plain += [base64.b64encode(word.encode())[:-4] for word in spelt]
    hashes = [
        hashlib.new(name, word.encode()).hexdigest().encode() for word in PATIENTS for name in ("md5", "sha1", "sha256")
    ]
    short = [hashlib.blake2b(word.encode(), digest_size=n).hexdigest().encode() for word in PATIENTS for n in (8, 16)]
    return [form for form in dict.fromkeys([*plain, *hashes, *short]) if len(form) > 5]


NAMES, PIXELS = identities(), [form for image in planted() for form in forms(image)]


def names_in(content):
    return [form for form in NAMES if form in content]


def pixels_in(content):
    squeezed = b"".join(content.split())
    if any(form in content or form in squeezed for form in PIXELS):
        return True
    return any(shows(picture, planted()) for picture in pictures(content))


def left_in(folder):
    return [
        path for path in sorted(folder.rglob("*")) if path.is_file() and path.relative_to(folder).parts[0] not in OWN
    ]


def study(*, allowed):
    settings = {
        "name": "planted",
        "data": {"folder": "scans"},
        "design": {"kind": "folds", "n_splits": 2, "n_repeats": 1},
        "estimator": {"name": "GaussianNB"},
        "generator": {"name": "cgan", "params": {"n_steps": 2, "width": 4, "batch_size": 8}},
        "arms": ["none", "classic", "gan", "gated"],
        "tracking": {"uri": "sqlite:///mlflow.db", "experiment": "planted"},
        "output": "study",
        "include_real_rows": allowed,
    }
    Path("planted.yaml").write_text(yaml.safe_dump(settings))


@pytest.mark.slow
@pytest.mark.parametrize("allowed", [False, True])
def test_a_study_leaves_nobody_behind(folder, allowed, capfd, caplog):
    """No file, printed line or log record of a study, its report and its dossier holds an identity, or, without leave,
    a real pixel; with leave the search finds them.
    """
    study(allowed=allowed)
    with caplog.at_level(logging.DEBUG):
        assert main(["run", "planted.yaml"]) == 0
        assert main(["report", "study", "--dossier"]) == 0
    said = capfd.readouterr()
    printed = "".join([said.out, said.err, caplog.text]).encode()
    left = left_in(folder)
    assert {"mlflow.db", "report.html", "study.json"} <= {path.name for path in left}
    assert b"PatientName (24)" in b"".join(printed.split(b"\n"))
    assert not names_in(printed)
    assert not pixels_in(printed)
    assert not names_in("\n".join(str(path.relative_to(folder)) for path in left).encode())
    assert not {path.name for path in left if any(map(names_in, contents(path)))}
    shown = {path.name for path in left if any(map(pixels_in, contents(path)))}
    assert bool(shown) == allowed, shown


@pytest.mark.slow
def test_a_learner_leaves_nobody_behind(folder):
    """Neither the checkpoints while it learns, nor the saved learner, nor the page of how it learned."""
    with pytest.warns(IdentityWarning):
        rows = read_images(folder / "scans", verbose=False)
    assert len(np.unique(rows.groups)) == 8
    checkpoints = folder / "checkpoints"
    learner = CGAN(n_steps=3, width=4, batch_size=8)
    augmenter = SyntheticAugmenter(learner, checkpoint_dir=checkpoints, random_state=0)
    augmenter.fit(rows.X, rows.y, groups=rows.groups).save(folder / "model")
    left = left_in(folder)
    assert any(path.parent == checkpoints for path in left)
    assert not {path.name for path in left if any(map(names_in, contents(path)))}
    assert not {path.name for path in left if any(map(pixels_in, contents(path)))}


def as_png(picture):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def sheet(scale=1):
    """A picture in which the fifth planted image stands among noise."""
    picture = np.random.default_rng(9).integers(0, 256, size=(40, 60), dtype=np.uint8)
    picture[7 : 7 + SIDE, 21 : 21 + SIDE] = planted()[5]
    return np.kron(picture, np.ones((scale, scale), dtype=np.uint8))


def as_npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


HIDDEN_PIXELS = {
    "bytes": lambda: b"head" + planted()[3].tobytes(),
    "weights": lambda: b"head" + (planted()[3] / 127.5 - 1).astype(np.float32).tobytes(),
    "a quarter": lambda: planted()[3].ravel()[64:128].tobytes(),
    "text": lambda: json.dumps(planted()[3].ravel().tolist()).encode(),
    "arrays": lambda: as_npz(real=planted()[None, :4, ..., None]),
    "a picture": lambda: as_png(sheet()),
    "a large picture": lambda: as_png(sheet(3)),
    "a page": lambda: b"<img src='data:image/png;base64," + base64.b64encode(as_png(sheet(2))) + b"'>",
    "packed text": lambda: gzip.compress(json.dumps(planted()[3].ravel().tolist()).encode()),
}


@pytest.mark.parametrize("place", HIDDEN_PIXELS)
def test_the_search_finds_pixels(tmp_path, place):
    """A real image in a file of any kind that a study leaves would be found."""
    (tmp_path / "file").write_bytes(HIDDEN_PIXELS[place]())
    assert any(map(pixels_in, contents(tmp_path / "file")))


HIDDEN_NAMES = {
    "text": b"the patient is zanzibar^x",
    "wide text": "Persephone".encode("utf-16-le"),
    "packed": gzip.compress(b"born 19010203"),
    "a page": b"data:text/plain;base64," + base64.b64encode(b"at QUAGMIRE hospital"),
    "arrays": as_npz(groups=np.array(["ZQ4711-1"])),
    "a hash": hashlib.sha256(b"ZQ4711-7").hexdigest().encode(),
}


@pytest.mark.parametrize("place", HIDDEN_NAMES)
def test_the_search_finds_names(tmp_path, place):
    """An identity in a file of any kind would be found, packed, in wide letters or as a hash."""
    (tmp_path / "file").write_bytes(HIDDEN_NAMES[place])
    assert any(map(names_in, contents(tmp_path / "file")))


def test_the_search_finds_names_in_a_database(tmp_path):
    """Words in a table of the tracker's store stand in its file as they are."""
    with sqlite3.connect(tmp_path / "store.db") as store:
        store.execute("create table params (value text)")
        store.execute("insert into params values ('Zanzibar')")
    store.close()
    assert any(map(names_in, contents(tmp_path / "store.db")))


def test_the_search_finds_nothing_in_noise(tmp_path):
    """Other noise, and a picture of it, are not taken for planted rows."""
    other = np.random.default_rng(5).integers(0, 256, size=(64, 64), dtype=np.uint8)
    (tmp_path / "file").write_bytes(as_png(other) + other.tobytes())
    assert not any(map(pixels_in, contents(tmp_path / "file")))
    assert not any(map(names_in, contents(tmp_path / "file")))
