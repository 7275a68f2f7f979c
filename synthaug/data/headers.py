"""What a file's header gives away of a patient: names of tags, never their values.

Study dates are not among them: de-identified sets keep them, shifted. Where a header says that identities were removed,
the name and number in it are taken for pseudonyms.

References
----------
NEMA, "DICOM PS3.15, Annex E, Attribute Confidentiality Profiles": the tags to be removed or replaced.
NEMA, "DICOM PS3.3, C.7.6.1 General Image Module": Burned In Annotation, Recognizable Visual Features.
"""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from synthaug.errors import IdentityWarning, SyntheticFilesWarning

MARK = "SYNTHETIC - not a patient"
NAME = "SYNTHETIC"  # what stands for a patient's name and number

_TELLS_WHO = frozenset(
    {
        "PatientID", "OtherPatientIDs", "PatientBirthDate", "PatientBirthTime", "PatientAddress", "PatientComments",
        "PatientTelephoneNumbers", "PatientTelecomInformation", "IssuerOfPatientID", "MedicalRecordLocator",
        "MilitaryRank", "BranchOfService", "Occupation", "PatientReligiousPreference", "AdditionalPatientHistory",
        "RegionOfResidence", "CountryOfResidence", "AccessionNumber", "AdmissionID", "InstitutionName",
        "InstitutionAddress", "InstitutionalDepartmentName", "ReferringPhysicianAddress",
        "ReferringPhysicianTelephoneNumbers", "PhysicianOfRecordAddress", "ResponsibleOrganization",
    }
)  # fmt: skip
_PSEUDONYMS = frozenset({"PatientName", "PatientID", "OtherPatientIDs"})
_PLACEHOLDERS = frozenset(
    {"", "anonymous", "anonymized", "anonymised", "anon", "deidentified", "de-identified", "removed", "unknown", "none"}
)
_TEXT_IN_PIXELS = frozenset({"US", "IVUS", "ES", "XC", "OT", "SC", "BDUS"})  # modalities whose screens carry text
_FROM_A_SCREEN = frozenset({"DV", "DF", "SD", "SI", "WSD"})  # conversion types: video, film, paper, screen
_EXIF = {
    0x010E: "ImageDescription", 0x013B: "Artist", 0x8298: "Copyright", 0x8825: "GPSInfo", 0x9286: "UserComment",
    0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject",
    0xA430: "CameraOwnerName", 0xA431: "BodySerialNumber",
}  # fmt: skip
_OF_THE_FORMAT = frozenset(
    {"Software", "software", "Creation Time", "date:create", "date:modify", "srgb", "chromaticity"}
)


def header_warnings(dataset: Any) -> list[str]:
    """Return the names of a DICOM header's tags that may tell who the patient is, or that text stands in the pixels.

    Parameters
    ----------
    dataset
        A ``pydicom.Dataset``; its sequences are searched too. Persons are known by the type of an element, others by a
        list. Of text in the pixels speak *BurnedInAnnotation* and *RecognizableVisualFeatures* and, unless the first
        says NO, *Modality* (ultrasound, endoscopy, photographs, captured screens), *ConversionType* and *ImageType*.

    Returns
    -------
    Keywords, each once, sorted; private tags as ``(gggg,eeee)``. Never a value.

    Examples
    --------
    >>> from pydicom.dataset import Dataset
    >>> scan = Dataset()
    >>> scan.PatientName, scan.PatientBirthDate, scan.BurnedInAnnotation, scan.Rows = "Doe^Jane", "19700101", "YES", 64
    >>> header_warnings(scan)
    ['BurnedInAnnotation', 'PatientBirthDate', 'PatientName']
    """
    if is_marked_synthetic(dataset):
        return []
    removed = _said(dataset, "PatientIdentityRemoved") == "YES"
    who = {name for name in _telling(dataset) if not (removed and name in _PSEUDONYMS)}
    return sorted(who | set(_text_in_pixels(dataset)))


def picture_warnings(picture: Any) -> list[str]:
    """Return the names of a picture's tags that may tell who or where somebody is.

    Parameters
    ----------
    picture
        A ``PIL.Image.Image``, open.

    Returns
    -------
    Names of EXIF or TIFF tags, and ``text`` for a PNG's own words (their names may be anything). Never a value.
    """
    if is_marked_picture(picture):
        return []
    tags = picture.getexif()
    named = {name for tag, name in _EXIF.items() if str(tags.get(tag, "")).strip("\0 ")}
    named |= {"GPSInfo"} if tags.get_ifd(0x8825) else set()
    words = {key for key, value in getattr(picture, "text", {}).items() if str(value).strip()}
    return sorted(named | ({"text"} if words - _OF_THE_FORMAT else set()))


def nifti_warnings(header: Any) -> list[str]:
    """Return the names of a NIfTI header's fields that may tell who the patient is.

    Parameters
    ----------
    header
        ``nibabel.load(path).header``.

    Returns
    -------
    ``db_name`` and ``aux_file`` where they are filled, ``extensions`` where there are any (DICOM headers travel there).
    """
    filled = [
        name for name in ("db_name", "aux_file") if name in header and bytes(header[name].tobytes()).strip(b"\0 ")
    ]
    return filled + (["extensions"] if len(getattr(header, "extensions", ())) else [])


def is_marked_synthetic(dataset: Any) -> bool:
    """Return whether a DICOM header says that its image was made, not taken."""
    return _said(dataset, "SyntheticData") == "YES" or _said(dataset, "SeriesDescription") == MARK


def is_marked_picture(picture: Any) -> bool:
    """Return whether an open ``PIL.Image.Image`` carries the mark that ``write_images`` puts into files."""
    return MARK in str(picture.info.get("Description", "")) or MARK in str(picture.getexif().get(0x010E, ""))


def is_placeholder(value: Any) -> bool:
    """Return whether what a header says in a person's place is nothing, or a word for nobody, such as *ANONYMOUS*."""
    return str(value or "").strip("^ \0").casefold() in _PLACEHOLDERS


def warn_of_synthetic(n_marked: int, *, n_files: int, stacklevel: int = 2) -> None:
    """Warn that files that are read are marked as synthetic.

    Parameters
    ----------
    n_marked, n_files
        How many of the files are, and how many were read.
    stacklevel
        As in ``warnings.warn``, seen from the caller.

    Warns
    -----
    SyntheticFilesWarning
        If there is one.
    """
    if n_marked:
        warnings.warn(
            f"files should show patients; {n_marked} of {n_files} are marked as synthetic. What is learned from or "
            "tested on them says nothing of patients. Leave them out, or ignore this warning where they are meant.",
            SyntheticFilesWarning,
            stacklevel=stacklevel + 1,
        )


def warn_of_identities(found: Mapping[str, int], *, n_files: int, stacklevel: int = 2) -> None:
    """Warn that headers of files may tell who patients are.

    Parameters
    ----------
    found
        How many files hold each of the tags.
    n_files
        How many files were read.
    stacklevel
        As in ``warnings.warn``, seen from the caller.

    Warns
    -----
    IdentityWarning
        If there is a tag.
    """
    if found:
        told = ", ".join(f"{name} ({n})" for name, n in sorted(found.items()))
        warnings.warn(
            f"files should not tell who a patient is; of {n_files} files some hold {told}. Headers are not kept, "
            "pixels are: so look for text in them. De-identify the files before you share them or what was learned.",
            IdentityWarning,
            stacklevel=stacklevel + 1,
        )


def _telling(dataset: Any) -> Iterator[str]:
    for element in dataset.iterall():
        tells = element.VR == "PN" or element.keyword in _TELLS_WHO
        if tells and not is_placeholder(element.value):
            yield element.keyword or f"({element.tag.group:04x},{element.tag.element:04x})"


def _text_in_pixels(dataset: Any) -> Iterator[str]:
    burnt = _said(dataset, "BurnedInAnnotation")
    yield from (name for name in ("BurnedInAnnotation", "RecognizableVisualFeatures") if _said(dataset, name) == "YES")
    if burnt in ("YES", "NO"):
        return
    if _said(dataset, "Modality") in _TEXT_IN_PIXELS:
        yield "Modality"
    if _said(dataset, "ConversionType") in _FROM_A_SCREEN:
        yield "ConversionType"
    if "SCREEN SAVE" in _said(dataset, "ImageType").upper():
        yield "ImageType"


def _said(dataset: Any, name: str) -> str:
    return str(dataset.get(name, "") or "").strip()
