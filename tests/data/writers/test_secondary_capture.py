"""DICOM files of synthetic images: valid, marked wherever the standard has a place, of nobody, with their own UIDs."""

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")

from pydicom.uid import SecondaryCaptureImageStorage  # noqa: E402

from synthaug import write_images  # noqa: E402
from synthaug.data.headers import header_warnings, is_marked_synthetic  # noqa: E402
from synthaug.data.readers import read_images  # noqa: E402
from synthaug.data.readers.intensity import Intensity  # noqa: E402
from synthaug.errors import SyntheticFilesWarning  # noqa: E402

IMAGES = np.random.default_rng(0).integers(0, 256, size=(3, 9, 11), dtype=np.uint8)
WINDOW = Intensity("window", low=-160.0, high=240.0, dtype="uint8", file_dtype="int16", unit="HU")
LABELS = ["Müller", "well", "well"]


def datasets(folder, images=IMAGES, **settings):
    """The datasets of written images, in their order."""
    write_images(folder, images, LABELS, format="dicom", **settings)
    return sorted(map(pydicom.dcmread, folder.rglob("*.dcm")), key=lambda dataset: dataset.InstanceNumber)


def test_the_header_says_that_it_is_synthetic(tmp_path):
    """Type, names, comments, conversion and the standard's own tag all say that no patient is shown."""
    first = datasets(tmp_path / "out")[0]
    assert first.SOPClassUID == first.file_meta.MediaStorageSOPClassUID == SecondaryCaptureImageStorage
    assert list(first.ImageType) == ["DERIVED", "SECONDARY"]
    assert (first.SyntheticData, first.ConversionType, first.BurnedInAnnotation) == ("YES", "SYN", "NO")
    assert first.SeriesDescription == first.StudyDescription == "SYNTHETIC - not a patient"
    assert str(first.PatientName) == first.PatientID == "SYNTHETIC"
    assert first.ImageComments == "SYNTHETIC - not a patient; class Müller"
    assert is_marked_synthetic(first)
    assert header_warnings(first) == []


def test_nothing_of_a_patient_or_a_scanner_is_there(tmp_path):
    """Births, dates, physicians, numbers and places are empty or absent; so is spacing, that nobody measures on it."""
    first = datasets(tmp_path / "out", intensity=WINDOW)[0]
    for name in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber", "StudyID"):
        assert first.get(name) in ("", None)
    absent = {
        "InstitutionName",
        "StationName",
        "PixelSpacing",
        "ImagerPixelSpacing",
        "FrameOfReferenceUID",
        "AcquisitionDate",
    }
    assert not absent & set(first.dir())
    assert {str(element.value) for element in first.iterall() if element.VR == "PN"} == {"SYNTHETIC", ""}


def test_uids_are_new_and_valid(tmp_path):
    """Images of one writing share a study and a series; each has a UID of its own, and none comes twice."""
    one, other = datasets(tmp_path / "one"), datasets(tmp_path / "other")
    for name, n in (("StudyInstanceUID", 2), ("SeriesInstanceUID", 2), ("SOPInstanceUID", 6)):
        uids = [dataset[name].value for dataset in one + other]
        assert len(set(uids)) == n
        assert all(uid.is_valid for uid in uids)
    assert [dataset.InstanceNumber for dataset in one] == [1, 2, 3]
    assert all(dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID for dataset in one)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
@pytest.mark.parametrize("channels", [1, 3])
def test_pydicom_decodes_the_pixels(tmp_path, dtype, channels):
    """Grey and colour, of an odd number of bytes too, come back from pydicom as they went in."""
    if (dtype, channels) == (np.int16, 3):
        return
    limits = np.iinfo(dtype)
    shape = (3, 9, 11) if channels == 1 else (3, 9, 11, 3)
    images = np.random.default_rng(0).integers(limits.min, limits.max, size=shape, dtype=dtype, endpoint=True)
    found = datasets(tmp_path / "out", images)
    assert np.array_equal(np.stack([dataset.pixel_array for dataset in found]), images)
    assert all(len(dataset.PixelData) % 2 == 0 for dataset in found)


def test_values_and_window_come_back(tmp_path):
    """Read again by the header's window, pixels, window and unit are those that were learned from."""
    found = datasets(tmp_path / "out", intensity=WINDOW)[0]
    values = pydicom.pixels.apply_modality_lut(found.pixel_array, found)
    assert np.array_equal(values, WINDOW.undo(IMAGES)[0])
    assert found.RescaleType == "HU"
    with pytest.warns(SyntheticFilesWarning):
        again = read_images(
            tmp_path / "out", manifest=tmp_path / "out" / "synthetic.csv", cache_dir=tmp_path, verbose=False
        )
    assert (again.intensity.low, again.intensity.high, again.intensity.unit) == (-160.0, 240.0, "HU")
    limit = np.iinfo(again.X.dtype).max / 255
    assert np.abs(again.X / limit - IMAGES).max() <= 1
