"""Writing: what is written is read back by other libraries, is marked as synthetic, and stands apart."""

import io
import re

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from synthaug import write_images
from synthaug.data.headers import MARK
from synthaug.data.readers import read_images, read_rows_file
from synthaug.data.readers.intensity import Intensity
from synthaug.data.writers import FORMATS
from synthaug.errors import ConfigError, FileError, LabelError, ShapeError, SyntheticFilesWarning

ENDINGS = {"png": ".png", "tiff": ".tif", "dicom": ".dcm"}
WINDOW = Intensity("window", low=-160.0, high=240.0, dtype="uint8", file_dtype="int16", unit="HU")


@pytest.fixture(autouse=True)
def _quiet_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def grey(dtype, n=4):
    top = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1
    return (np.random.default_rng(0).random((n, 9, 12)) * top).astype(dtype)


def colour(dtype):
    return np.stack([grey(dtype)[:, ::step, ::step] for step in (1, -1, 1)], axis=-1)


LABELS = np.array(["ill", "well", "ill", "well"])
IMAGES = {
    "8 bits": grey(np.uint8),
    "16 bits": grey(np.uint16),
    "8-bit colour": colour(np.uint8),
    "16-bit colour": colour(np.uint16),
    "few whole numbers": np.rint(grey(np.float32) * 16),
    "bits": grey(np.float64) > 0.5,
}


@pytest.mark.parametrize("format", ENDINGS)
@pytest.mark.parametrize("kind", IMAGES)
def test_what_is_written_is_read_back(tmp_path, kind, format):
    """Whole numbers of 8 and 16 bits come back exactly, with their labels, by the list that was written."""
    if (kind, format) == ("16-bit colour", "tiff"):
        return
    listed = write_images(tmp_path / "out", IMAGES[kind], LABELS, format=format)
    with pytest.warns(SyntheticFilesWarning, match="4 of 4 are marked as synthetic. What is learned from"):
        rows = read_images(listed.parent, manifest=listed, label="label", window="none", verbose=False)
    assert rows.X.dtype == (np.uint16 if "16" in kind else np.uint8)
    assert np.array_equal(rows.X, IMAGES[kind])
    assert rows.y.tolist() == LABELS.tolist()


def opened(path):
    """A PNG or TIFF file as Pillow sees it."""
    return Image.open(io.BytesIO(path.read_bytes()))


def test_pillow_reads_pictures(tmp_path):
    """Another library sees the numbers and the words, of either format and depth."""
    for format in ("png", "tiff"):
        for kind in ("8 bits", "16 bits", "8-bit colour"):
            folder = tmp_path / format / kind
            write_images(folder, IMAGES[kind], LABELS, format=format)
            files = sorted(folder.rglob(f"synthetic-*{ENDINGS[format]}"), key=lambda path: path.name)
            assert np.array_equal(np.stack([np.asarray(opened(path)) for path in files]), IMAGES[kind])
            picture = opened(files[0])
            words = picture.text["Description"] if format == "png" else picture.tag_v2[0x010E]
            assert words == f"{MARK}; class ill"


@pytest.mark.parametrize("format", FORMATS)
def test_every_file_is_marked(tmp_path, format):
    """Every file is called synthetic and says in its bytes that it is no patient."""
    write_images(tmp_path / "out", IMAGES["8 bits"], LABELS, format=format)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert all(path.name.startswith("synthetic") for path in files)
    for path in files:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert str(arrays["notice"]) == MARK
                assert arrays["synthetic"].all()
        elif path.suffix != ".csv":
            assert MARK.encode() in path.read_bytes()


def test_arrays_are_read_back(tmp_path):
    """The file of arrays is one that rows are read from."""
    path = write_images(tmp_path / "out", IMAGES["16 bits"], LABELS, format="npz")
    X, y = read_rows_file(path)
    assert np.array_equal(X, IMAGES["16 bits"])
    assert y.tolist() == LABELS.tolist()


@pytest.mark.parametrize("format", ["tiff", "dicom", "npz"])
def test_scaling_is_undone(tmp_path, format):
    """Pixels that stand for Hounsfield units are written as these; what the file cannot say, its words do."""
    pixels = np.array([0, 51, 255], dtype=np.uint8)[:, None, None] * np.ones((3, 8, 8), dtype=np.uint8)
    path = write_images(tmp_path / "out", pixels, intensity=WINDOW, format=format)
    assert (values_of(path)[:, 0, 0] == [-160, -80, 240]).all()


def values_of(path):
    """Values of the files that a list names, by their own words or tags."""
    if path.suffix == ".npz":
        return np.load(path)["x"]
    return np.stack([value_of(path.parent / name) for name in pd.read_csv(path)["path"]])


def value_of(path):
    if path.suffix == ".dcm":
        import pydicom

        dataset = pydicom.dcmread(path)
        return pydicom.pixels.apply_modality_lut(dataset.pixel_array, dataset)
    told = re.search(r"value = (\S+) \* stored \+ (\S+)", opened(path).tag_v2[0x010E])
    return np.asarray(opened(path)) * float(told[1]) + float(told[2])


@pytest.mark.parametrize("scale", [1.0, 1e-4, 3e5])
def test_numbers_with_fractions_keep_their_value(tmp_path, scale):
    """Numbers that are not whole are written on 65,536 steps of their range, and come back to half a step."""
    pytest.importorskip("pydicom")
    images = ((grey(np.float64) - 0.3) * scale).astype(np.float32)
    path = write_images(tmp_path / "out", images, format="dicom")
    assert np.abs(values_of(path) - images).max() <= 0.51 * np.ptp(images) / 65535


def test_fractions_of_one_become_sixteen_bits(tmp_path):
    """Images from 0 to 1 fill the range of a 16-bit picture."""
    images = np.linspace(0, 1, 144).reshape(1, 12, 12)
    path = write_images(tmp_path / "out", images)
    stored = np.asarray(opened(path.parent / "synthetic-000001.png"))
    assert stored.dtype == np.uint16
    assert np.array_equal(stored, np.rint(images[0] * 65535))


FORMS = {
    "channels last": lambda images: images[..., None],
    "channels first": lambda images: images[:, None],
    "torch": torch.from_numpy,
}


@pytest.mark.parametrize("form", FORMS)
def test_any_layout_is_written(tmp_path, form):
    """One channel in either place and tensors give the files that plain images give."""
    images = IMAGES["8 bits"]
    paths = [write_images(tmp_path / name, rows) for name, rows in (("plain", images), (form, FORMS[form](images)))]
    contents = [sorted(path.read_bytes() for path in listed.parent.glob("*.png")) for listed in paths]
    assert contents[0] == contents[1]


def test_flat_rows_need_a_shape(tmp_path):
    """Flat rows are written with image_shape, and refused without or with another."""
    flat = IMAGES["8 bits"].reshape(4, -1)
    path = write_images(tmp_path / "out", flat, image_shape=(9, 12))
    assert np.asarray(opened(path.parent / "synthetic-000001.png")).shape == (9, 12)
    with pytest.raises(ShapeError, match="Flat rows need image_shape"):
        write_images(tmp_path / "a", flat)
    with pytest.raises(ShapeError, match=r"image_shape must have as .* got \(9, 9\) \(81 pixels\) for rows of 108"):
        write_images(tmp_path / "b", flat, image_shape=(9, 9))


@pytest.mark.parametrize(
    ("labels", "folders"),
    [
        (["a/b", "../c", "a/b", "../c"], {"a_b", "c"}),
        (["A", "a", "A", "a"], {"class-0", "class-1"}),
        (["/", "..", "/", ".."], {"class-0", "class-1"}),
        ([0, 1, 0, 1], {"0", "1"}),
    ],
)
def test_no_label_leads_out_of_the_folder(tmp_path, labels, folders):
    """A label that is a path, empty as a name or another's in capitals gets a safe folder; the list has it whole."""
    path = write_images(tmp_path / "out", IMAGES["8 bits"], labels)
    assert {each.name for each in path.parent.iterdir() if each.is_dir()} == folders
    assert pd.read_csv(path)["label"].tolist() == labels
    assert {each.name for each in tmp_path.iterdir()} <= {"out", "cache"}


def test_a_class_called_none_is_read_back(tmp_path):
    """Words that tables take for missing come back as the classes they are."""
    labels = ["None", "NA", "nan", "null"]
    listed = write_images(tmp_path / "out", IMAGES["8 bits"], labels)
    with pytest.warns(SyntheticFilesWarning):
        assert read_images(listed, verbose=False).y.tolist() == labels


@pytest.mark.parametrize("empty", ["", None, float("nan")])
@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_label_is_refused(tmp_path, format, empty):
    """What could not be read back is not written."""
    labels = ["a", empty, "a", empty]
    for given in (labels, np.array(labels, dtype=object), pd.Series(labels)):
        with pytest.raises(LabelError, match=r"labels must not be empty; got 2 that are, the first of image 1\. Name"):
            write_images(tmp_path / "out", IMAGES["8 bits"], given, format=format)
    assert not (tmp_path / "out").exists()


def test_synthetic_files_stand_apart(tmp_path):
    """A folder that holds something is refused, and nothing in it is touched."""
    (tmp_path / "scan.dcm").write_bytes(b"real")
    with pytest.raises(FileError, match=r"folder must be new or empty.* holds 1 files or folders"):
        write_images(tmp_path, IMAGES["8 bits"])
    with pytest.raises(FileError, match="is a file"):
        write_images(tmp_path / "scan.dcm", IMAGES["8 bits"])
    assert [path.name for path in tmp_path.iterdir()] == ["scan.dcm"]


@pytest.mark.parametrize(
    ("images", "settings", "kind", "message"),
    [
        (np.zeros((2, 8, 8, 4)), {}, ShapeError, "one or three channels to be written; got 4"),
        (np.zeros((0, 8, 8)), {}, ShapeError, "at least one; got"),
        (np.full((2, 8, 8), np.nan), {}, ShapeError, "pixels must be finite; got NaN"),
        (np.zeros((2, 8, 8), dtype=complex), {}, ShapeError, "images must hold numbers; got dtype complex"),
        (
            np.zeros((2, 8, 8)),
            {"format": "jpeg"},
            ConfigError,
            "format must be one of png, tiff, npz, dicom; got 'jpeg'",
        ),
        (np.zeros((2, 8, 8)), {"image_format": "hw"}, ConfigError, "image_format must be one of"),
        (IMAGES["16-bit colour"], {"format": "tiff"}, ShapeError, "more than 8 bits do not go into TIFF"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, images, settings, kind, message):
    """Images that no file of the format can hold, and unknown words, are refused in words."""
    with pytest.raises(kind, match=message):
        write_images(tmp_path / "out", images, **settings)


def test_missing_pydicom_is_named(tmp_path, monkeypatch):
    """Without pydicom the error says what to install, before anything is written."""
    monkeypatch.setitem(__import__("sys").modules, "synthaug.data.writers.secondary_capture", None)
    with pytest.raises(ConfigError, match=r"format='dicom' needs .* pip install synthaug\[medical\]"):
        write_images(tmp_path / "out", IMAGES["8 bits"], format="dicom")
    assert not (tmp_path / "out").exists()


def test_a_png_is_a_whole_file(tmp_path):
    """The words in a PNG leave its chunks whole: Pillow verifies their sums."""
    path = write_images(tmp_path / "out", IMAGES["8 bits"])
    content = (path.parent / "synthetic-000001.png").read_bytes()
    Image.open(io.BytesIO(content)).verify()


def test_arrays_that_are_marked_are_warned_of_as_images(tmp_path):
    """The file of arrays says that it is synthetic when it is read as images, from its cache too."""
    path = write_images(tmp_path / "out", IMAGES["8 bits"], LABELS, format="npz")
    for _ in range(2):
        with pytest.warns(SyntheticFilesWarning, match="1 of 1 are marked as synthetic"):
            assert read_images(path, verbose=False).y.tolist() == LABELS.tolist()


def test_what_a_format_cannot_hold_leaves_the_folder_empty(tmp_path):
    """After a refusal the same folder takes the images in a format that can hold them."""
    with pytest.raises(ShapeError, match="colours of more than 8 bits do not go into TIFF"):
        write_images(tmp_path / "out", IMAGES["16-bit colour"], LABELS, format="tiff")
    assert write_images(tmp_path / "out", IMAGES["16-bit colour"], LABELS, format="png").exists()
