"""Headers: tags that tell who a patient is are named, in real files and made ones, and no value ever is."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

pydicom = pytest.importorskip("pydicom")

from pydicom.data import get_testdata_file  # noqa: E402
from pydicom.dataset import Dataset  # noqa: E402
from pydicom.sequence import Sequence  # noqa: E402

from synthaug.data.headers import (  # noqa: E402
    header_warnings,
    is_marked_synthetic,
    nifti_warnings,
    picture_warnings,
    warn_of_identities,
)
from synthaug.errors import IdentityWarning  # noqa: E402


def scan(**tags):
    dataset = Dataset()
    dataset.Modality = "CT"
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


def nested():
    inner = scan(ReferringPhysicianName="Roe^Ann")
    dataset = scan()
    dataset.RequestAttributesSequence = Sequence([inner])
    return dataset


def private():
    dataset = scan()
    dataset.add_new((0x0011, 0x0010), "LO", "MAKER")
    dataset.add_new((0x0011, 0x1001), "PN", "Roe^Ann")
    return dataset


HEADERS = {
    "nothing": (scan(), []),
    "who": (
        scan(PatientName="Doe^Jane", PatientBirthDate="19700101", PatientID="4711", InstitutionName="General"),
        ["InstitutionName", "PatientBirthDate", "PatientID", "PatientName"],
    ),
    "empty tags": (scan(PatientName="", PatientBirthDate="", PatientID=None), []),
    "placeholders": (scan(PatientName="Anonymous", PatientID="REMOVED"), []),
    "a sequence": (nested(), ["ReferringPhysicianName"]),
    "a private tag": (private(), ["(0011,1001)"]),
    "pseudonyms": (scan(PatientName="case 7", PatientID="7", PatientIdentityRemoved="YES"), []),
    "half removed": (scan(PatientBirthDate="19700101", PatientIdentityRemoved="YES"), ["PatientBirthDate"]),
    "burnt in": (scan(BurnedInAnnotation="YES"), ["BurnedInAnnotation"]),
    "a face": (scan(RecognizableVisualFeatures="YES"), ["RecognizableVisualFeatures"]),
    "ultrasound": (scan(Modality="US"), ["Modality"]),
    "clean ultrasound": (scan(Modality="US", BurnedInAnnotation="NO"), []),
    "film": (scan(ConversionType="DF"), ["ConversionType"]),
    "a screen": (scan(ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"]), ["ImageType"]),
    "made": (scan(PatientName="SYNTHETIC", Modality="OT", SyntheticData="YES"), []),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_tags_that_tell_are_named(kind):
    """Persons anywhere, identities by a list, signs of text in the pixels; not what is empty, removed or made."""
    dataset, told = HEADERS[kind]
    assert header_warnings(dataset) == told
    assert is_marked_synthetic(dataset) == (kind == "made")


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "examples_rgb_color.dcm"])
def test_real_headers_are_told_by_name_only(name):
    """Of real files names and numbers are found; no value of theirs is among what is told."""
    dataset = pydicom.dcmread(get_testdata_file(name, download=False))
    told = header_warnings(dataset)
    assert "PatientName" in told
    values = {
        str(element.value) for element in dataset.iterall() if element.VR in ("PN", "LO", "SH", "DA") and element.value
    }
    assert not values & set(told)


def picture(format, **settings):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(buffer, format, **settings)
    return Image.open(io.BytesIO(buffer.getvalue()))


def exif(**tags):
    made = Image.Exif()
    for tag, value in tags.items():
        made[getattr(__import__("PIL.ExifTags", fromlist=["Base"]).Base, tag)] = value
    return made


def words(**said):
    info = PngImagePlugin.PngInfo()
    for key, value in said.items():
        info.add_text(key, value)
    return info


def located():
    made = exif()
    made.get_ifd(0x8825)[1] = "N"
    return made


PICTURES = {
    "plain": (lambda: picture("PNG"), []),
    "software": (lambda: picture("PNG", pnginfo=words(Software="scanner")), []),
    "words": (lambda: picture("PNG", pnginfo=words(Name="Doe, Jane")), ["text"]),
    "photograph": (
        lambda: picture("JPEG", exif=exif(Artist="Doe", ImageDescription="Jane")),
        ["Artist", "ImageDescription"],
    ),
    "place": (lambda: picture("JPEG", exif=located()), ["GPSInfo"]),
    "tiff": (lambda: picture("TIFF", tiffinfo={0x010E: "Doe, Jane"}), ["ImageDescription"]),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_that_tell_are_named(kind):
    """Names and places in EXIF, TIFF and PNG words are told by the tag, not by the word."""
    make, told = PICTURES[kind]
    assert picture_warnings(make()) == told


def test_fields_of_a_nifti_header_are_named():
    """Names of data bases, auxiliary files and extensions are told; an empty header tells nothing."""
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(np.zeros((3, 3, 3), dtype=np.int16), np.eye(4))
    assert nifti_warnings(image.header) == []
    image.header["db_name"] = b"Doe_Jane"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"Doe, Jane"))
    assert nifti_warnings(image.header) == ["db_name", "extensions"]


def test_the_warning_counts_files_by_tag():
    """The warning lists tags and how many files hold them, with a category of its own; without tags there is none."""
    with pytest.warns(IdentityWarning, match=r"of 9 files some hold PatientBirthDate \(2\), PatientName \(7\)\."):
        warn_of_identities({"PatientName": 7, "PatientBirthDate": 2}, n_files=9)
    warn_of_identities({}, n_files=9)
