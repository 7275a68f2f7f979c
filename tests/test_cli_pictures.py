"""The command line with folders of images: scans in, synthetic DICOM files out."""

import json
from pathlib import Path

import numpy as np
import pytest

from synthaug.cli import main
from synthaug.data.readers import write_rows_file

pydicom = pytest.importorskip("pydicom")

from pydicom.data import get_testdata_file  # noqa: E402

TINY = ["--generator", "cgan", "--steps", "2"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def scans():
    """Sixteen made CT slices of two classes and eight patients, in a folder for each class."""
    dataset, rng = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False)), np.random.default_rng(0)
    dataset.Rows = dataset.Columns = 16
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    for number in range(16):
        folder = Path("scans", "ill" if number % 2 else "well")
        folder.mkdir(parents=True, exist_ok=True)
        dataset.PatientID, dataset.PatientName = f"P{number // 2}", f"Doe^{number // 2}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        dataset.PixelData = rng.integers(900, 1300, size=(16, 16), dtype=np.int16).tobytes()
        dataset.save_as(folder / f"{number}.dcm")
    return Path("scans")


def test_scans_in_synthetic_scans_out(scans, capsys):
    """A folder of CT slices is learned; what is drawn is DICOM in Hounsfield units, in the window, of no patient."""
    assert main(["fit", str(scans), "--out", "model", *TINY]) == 0
    assert "PatientName (16)" in capsys.readouterr().err
    assert main(["sample", "model", "-n", "ill=3", "--out", "drawn", "--format", "dicom", "--seed", "0", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["file"] == str(Path("drawn", "synthetic.csv"))
    drawn = [pydicom.dcmread(path) for path in sorted(Path("drawn", "ill").iterdir())]
    assert len(drawn) == 3
    assert {str(dataset.PatientName) for dataset in drawn} == {"SYNTHETIC"}
    values = np.stack([pydicom.pixels.apply_modality_lut(dataset.pixel_array, dataset) for dataset in drawn])
    assert -161 <= values.min() < values.max() <= 241
    assert len(np.unique(values)) > 20


def test_files_that_cannot_be_read_are_skipped_where_asked(scans, capsys):
    """An odd file stops fit, which says the way out; with it the file is named, and the others are learned."""
    Path(scans, "ill", "odd.dcm").write_bytes(b"odd")
    assert main(["fit", str(scans), "--out", "model", *TINY]) == 1
    assert "(--on-error skip) to leave them out" in " ".join(capsys.readouterr().err.split())
    assert main(["fit", str(scans), "--out", "model", *TINY, "--on-error", "skip"]) == 0
    assert "1 files or slices were left out: 'ill/odd.dcm'" in " ".join(capsys.readouterr().err.split())


def test_an_unknown_word_for_odd_files_is_refused(capsys):
    """The word is judged before anything is read, for a table too."""
    write_rows_file("rows.npz", np.random.default_rng(0).normal(size=(16, 3)), ["ill", "well"] * 8)
    assert main(["fit", "rows.npz", "--out", "model", "--on-error", "skp"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "--on-error must be one of raise, skip; got 'skp'. Did you mean 'skip'?" in said
    assert not Path("model").exists()


@pytest.mark.parametrize("flat", [False, True])
def test_images_of_an_array_file_become_pictures(capsys, flat):
    """A learner of images in arrays, flat ones too, draws PNG files into a folder."""
    X = np.random.default_rng(0).integers(0, 256, size=(16, 8, 10), dtype=np.uint8)
    write_rows_file("rows.npz", X.reshape(16, -1) if flat else X, ["ill", "well"] * 8)
    assert main(["fit", "rows.npz", "--out", "model", *TINY, *(["--image-shape", "8,10"] if flat else [])]) == 0
    assert main(["sample", "model", "-n", "2", "--out", "drawn", "--format", "png"]) == 0
    assert len(list(Path("drawn").rglob("*.png"))) == 4


def test_a_format_that_does_not_fit_is_refused(capsys):
    """Tables go into no picture, unknown formats are named, and a folder that holds something is left alone."""
    write_rows_file("rows.npz", np.random.default_rng(0).normal(size=(16, 3)), ["ill", "well"] * 8)
    assert main(["fit", "rows.npz", "--out", "model", *TINY]) == 0
    for words, message in (
        (["--out", "drawn", "--format", "dicom"], "--format is for images"),
        (["--out", "drawn", "--format", "jpg"], "format must be one of png, tiff, npz, dicom; got 'jpg'"),
    ):
        assert main(["sample", "model", "-n", "2", *words]) == 1
        assert message in " ".join(capsys.readouterr().err.split())
    assert not Path("drawn").exists()


def test_the_meaning_of_pixels_goes_with_its_learner(scans, capsys):
    """A learner saved over another does not keep what the other's pixels meant."""
    assert main(["fit", str(scans), "--out", "model", *TINY]) == 0
    assert Path("model", "intensity.json").exists()
    write_rows_file("rows.npz", np.random.default_rng(0).normal(size=(16, 3)), ["ill", "well"] * 8)
    assert main(["fit", "rows.npz", "--out", "model", *TINY]) == 0
    assert not Path("model", "intensity.json").exists()
