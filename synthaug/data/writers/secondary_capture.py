"""DICOM: a derived, secondary image that is marked as synthetic wherever the standard has a place for it.

No tag comes from a file: everything is written here. The image has no date of a study, no spacing (nothing can be
measured on it) and UIDs of its own.

References
----------
NEMA, "DICOM PS3.3": A.8.1 Secondary Capture Image IOD, C.8.6.1 SC Equipment (Conversion Type SYN, synthetic image),
C.12.1 SOP Common (Synthetic Data), C.7.6.1 General Image (Image Type DERIVED, Burned In Annotation).
"""

import io
from dataclasses import dataclass, field

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from pydicom.valuerep import DSfloat

from synthaug._version import __version__
from synthaug.data.headers import MARK, NAME
from synthaug.data.writers.levels import Levels


def _uid() -> UID:
    return generate_uid(prefix=None)


@dataclass(frozen=True)
class Series:
    """What all images of one writing share.

    Attributes
    ----------
    levels
        How values stand in the files.
    window
        The values (low, high) to be shown from black to white; None for a viewer's choice.
    unit
        What values are measured in, such as ``HU``; "" for nothing known.
    study_uid, series_uid
        UIDs of their own.
    """

    levels: Levels
    window: tuple[float, float] | None = None
    unit: str = ""
    study_uid: UID = field(default_factory=_uid)
    series_uid: UID = field(default_factory=_uid)


def secondary_capture(stored: np.ndarray, series: Series, *, number: int, words: str) -> bytes:
    """Return an image (h, w) or (h, w, 3) of stored numbers as a DICOM file.

    Parameters
    ----------
    stored
        uint8, uint16 or int16 as ``series.levels`` says.
    series
        What it shares with the others.
    number
        Its number among them, from 1.
    words
        What the image is of.
    """
    uid = _uid()
    dataset = Dataset()
    dataset.file_meta = _meta(uid)
    _mark(dataset, uid, words)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = series.study_uid, series.series_uid
    dataset.SeriesNumber, dataset.InstanceNumber = 1, number
    _put_pixels(dataset, stored)
    if stored.ndim == 2:
        _put_meaning(dataset, series)
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _meta(uid: UID) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def _mark(dataset: Dataset, uid: UID, words: str) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, uid
    dataset.SyntheticData, dataset.ImageType = "YES", ["DERIVED", "SECONDARY"]
    dataset.ConversionType, dataset.Modality, dataset.BurnedInAnnotation = "SYN", "OT", "NO"
    dataset.SeriesDescription = dataset.StudyDescription = MARK
    dataset.ImageComments = f"{MARK}; {words}"
    dataset.DerivationDescription = f"Drawn from a generative model by synthaug {__version__}; it shows no patient."
    dataset.ContentQualification, dataset.LossyImageCompression = "RESEARCH", "00"
    dataset.Manufacturer = dataset.SecondaryCaptureDeviceManufacturer = "synthaug"
    dataset.SoftwareVersions = dataset.SecondaryCaptureDeviceSoftwareVersions = __version__
    dataset.PatientName = dataset.PatientID = NAME
    for empty in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber", "StudyID",
                  "ReferringPhysicianName", "PatientOrientation"):  # fmt: skip
        setattr(dataset, empty, "")


def _put_pixels(dataset: Dataset, stored: np.ndarray) -> None:
    bits = 8 * stored.itemsize
    dataset.Rows, dataset.Columns = stored.shape[:2]
    dataset.SamplesPerPixel = 3 if stored.ndim == 3 else 1
    dataset.PhotometricInterpretation = "RGB" if stored.ndim == 3 else "MONOCHROME2"
    if stored.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, int(stored.dtype.kind == "i")
    content = np.ascontiguousarray(stored, dtype=stored.dtype.newbyteorder("<")).tobytes()
    dataset.PixelData = content + b"\0" * (len(content) % 2)
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"


def _put_meaning(dataset: Dataset, series: Series) -> None:
    levels = series.levels
    if series.unit or not levels.is_plain:
        dataset.RescaleSlope, dataset.RescaleIntercept = _decimal(levels.slope), _decimal(levels.intercept)
        dataset.RescaleType = series.unit or "US"  # unspecified
    if series.window is not None and series.window[1] > series.window[0]:
        low, high = series.window
        dataset.WindowCenter, dataset.WindowWidth = _decimal((low + high) / 2), _decimal(high - low)
        dataset.VOILUTFunction = "LINEAR_EXACT"


def _decimal(value: float) -> DSfloat:
    return DSfloat(value, auto_format=True)
