"""DICOM (pydicom): rescaled to the units of the scanner, negatives turned positive, one image a frame.

Values are slope * stored + intercept (Hounsfield units in CT). MONOCHROME1, where the least value is shown white, is
read as its negative, so that brighter always means more. Palettes become colours. The header's window is not applied
here but told, so that one window can be chosen for all images and recorded.

References
----------
NEMA, "DICOM PS3.3": C.7.6.3 Image Pixel Module, C.11.1 Modality LUT Module, C.11.2 VOI LUT Module.
"""

import hashlib
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import generate_frames
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels import apply_color_lut, apply_modality_lut, get_decoder, iter_pixels
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from synthaug.data.headers import header_warnings, is_marked_synthetic, is_placeholder
from synthaug.data.readers.codestreams import size_said
from synthaug.data.readers.records import Header, ImageOptions
from synthaug.errors import FileError

DAMAGED = (
    OSError, ValueError, RuntimeError, EOFError, KeyError, TypeError, IndexError, AttributeError, OverflowError,
    NotImplementedError, AssertionError, MemoryError, SyntaxError, struct.error, zlib.error, InvalidDicomError,
    BytesLengthException, Image.DecompressionBombError,
)  # fmt: skip
_GREY = ("MONOCHROME1", "MONOCHROME2")
_INFLATED_AT_MOST = 16  # of the largest image allowed, in bytes
_CHUNK = 1 << 20
_ELEMENT = 12  # bytes of the tag, type and length of compressed pixels
_FEWEST_BYTES = 8  # of a compressed frame: the tag and the length of its fragment
_LONGEST = 240  # letters of another package's message


def look(path: Path, options: ImageOptions) -> Header:
    """Return what a file's header says; no pixel is decoded.

    Raises
    ------
    FileError
        If it holds no image, one larger than allowed, or one that no installed package decodes.
    DAMAGED
        If it is no such file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _check_inflated(path, _INFLATED_AT_MOST * options.max_pixels)
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        _check_image(dataset, options)
        _check_length(path, dataset, options)
        grey = str(dataset.PhotometricInterpretation) in _GREY
        patient, of_study = _patient(dataset)
        n_frames = int(dataset.get("NumberOfFrames", 1) or 1)
        return Header(
            size=(int(dataset.Rows), int(dataset.Columns)),
            channels=1 if grey else 3,
            n_frames=n_frames,
            value_dtype=_value_dtype(dataset, grey=grey),
            source="dicom",
            spacing=_spacing(dataset),
            volume=n_frames > 1,
            patient=patient,
            of_study=of_study,
            window=_window(dataset) if grey else None,
            unit=_unit(dataset),
            identity=tuple(header_warnings(dataset)),
            synthetic=is_marked_synthetic(dataset),
        )


def frames(path: Path, header: Header, options: ImageOptions) -> Iterator[np.ndarray]:
    """Yield the images (h, w) or (h, w, 3) of a file: grey in the scanner's units, colours as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        dataset = pydicom.dcmread(path, defer_size=_CHUNK)
        _check_codestreams(path, header)
        for number, stored in enumerate(_decoded(path, dataset)):
            if stored.shape[:2] != header.size:
                raise FileError(f"its pixels {stored.shape[:2]} are not of the size its header says, {header.size}")
            yield _colours(stored, dataset) if header.channels == 3 else _units(stored, dataset, number)


def _decoded(path: Path, dataset: pydicom.Dataset) -> Iterator[np.ndarray]:
    """Yield the stored numbers of each frame; a deflated file cannot be read in pieces."""
    deflated = dataset.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    try:
        yield from iter_pixels(pydicom.dcmread(path) if deflated else path)
    except RuntimeError as error:
        said = " ".join(str(error).split())[:_LONGEST]
        raise FileError(f"it is damaged, or of a kind that no installed package decodes ({said})") from error


def _check_codestreams(path: Path, header: Header) -> None:
    """Raise FileError if a compressed frame says another size than the header: its decoder would make room for it."""
    with path.open("rb") as file:
        dataset = pydicom.dcmread(file, stop_before_pixels=True)
        syntax = dataset.file_meta.TransferSyntaxUID
        if not syntax.is_encapsulated or syntax == RLELossless:
            return
        file.seek(_ELEMENT, 1)
        offsets = (dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths"))
        told = offsets if all(offsets) else None
        for frame in generate_frames(file, number_of_frames=header.n_frames, extended_offsets=told):
            if (said := size_said(frame)) not in (None, header.size):
                raise FileError(f"its compressed pixels {said} are not of the size its header says, {header.size}")


def _check_inflated(path: Path, most: int) -> None:
    """Raise FileError if a deflated file unpacks to more bytes than allowed; it is unpacked piece by piece."""
    with path.open("rb") as file:
        if file.read(132)[128:] != b"DICM":
            raise FileError("it is no DICOM file (the mark DICM is missing)")
        meta = pydicom.filereader.read_file_meta_info(path)
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return
        file.seek(144 + int(meta.get("FileMetaInformationGroupLength", 0)))
        inflate, n_bytes = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while not inflate.eof and (chunk := inflate.unconsumed_tail or file.read(_CHUNK)):
            n_bytes += len(inflate.decompress(chunk, _CHUNK))
            if n_bytes > most:
                raise FileError("it unpacks to more than is allowed: raise max_pixels if it is meant to be")


def _check_image(dataset: pydicom.Dataset, options: ImageOptions) -> None:
    if "Rows" not in dataset or "PhotometricInterpretation" not in dataset:
        raise FileError(f"it holds no image ({dataset.get('Modality', 'no modality')})")
    if int(dataset.Rows) * int(dataset.Columns) > options.max_pixels:
        raise FileError(
            f"its {dataset.Rows} x {dataset.Columns} pixels are more than allowed: raise max_pixels if it is to be so"
        )
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise FileError(f"it is compressed as {syntax.name}, which is not read. Export it uncompressed") from error
    if not decoder.is_available:
        raise FileError(
            f"it is compressed as {syntax.name}, for which no decoder is installed. Export it uncompressed, or install "
            "one: pip install pylibjpeg pylibjpeg-openjpeg pyjpegls python-gdcm"
        )


def _check_length(path: Path, dataset: pydicom.Dataset, options: ImageOptions) -> None:
    """Raise FileError if the header says more frames than the file can hold."""
    syntax, n_frames = dataset.file_meta.TransferSyntaxUID, int(dataset.get("NumberOfFrames", 1) or 1)
    deflated = syntax == DeflatedExplicitVRLittleEndian
    most = _INFLATED_AT_MOST * options.max_pixels if deflated else path.stat().st_size
    if (n_frames * _FEWEST_BYTES if syntax.is_encapsulated else get_expected_length(dataset)) > most:
        raise FileError(
            f"it is damaged or cut off: too short for the pixels of {n_frames} frame(s) that its header says"
        )


def _value_dtype(dataset: pydicom.Dataset, *, grey: bool) -> str:
    """Return the least type that holds all values that the header makes possible."""
    bits, signed = int(dataset.get("BitsStored", dataset.BitsAllocated)), bool(dataset.get("PixelRepresentation", 0))
    if not grey:
        return _colour_dtype(dataset)
    if bits > 16 or "ModalityLUTSequence" in dataset or _rescales_by_frame(dataset):
        return "float32"
    slope, intercept = _rescale(dataset)
    ends = np.array([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] if signed else [0, 2**bits - 1]) * slope + intercept
    if not (float(slope).is_integer() and float(intercept).is_integer()):
        return "float32"
    fits = (name for name in ("uint8", "uint16", "int16", "int32") if _within(ends, np.iinfo(name)))
    return next(fits, "float32")


def _colour_dtype(dataset: pydicom.Dataset) -> str:
    palette = dataset.get("RedPaletteColorLookupTableDescriptor")
    bits = int(palette[2] if palette else dataset.BitsAllocated)
    return "uint8" if bits <= 8 else "uint16" if bits <= 16 else "float32"


def _within(ends: np.ndarray, limits: Any) -> bool:
    return bool(ends.min() >= limits.min and ends.max() <= limits.max)


def _rescale(dataset: pydicom.Dataset) -> tuple[float, float]:
    return float(dataset.get("RescaleSlope", 1) or 1), float(dataset.get("RescaleIntercept", 0) or 0)


def _rescales_by_frame(dataset: pydicom.Dataset) -> bool:
    return _of_frame(dataset, 0, "PixelValueTransformationSequence") is not None


def _of_frame(dataset: pydicom.Dataset, number: int, name: str) -> pydicom.Dataset | None:
    """Return what an enhanced multi-frame file says of one frame, else of all frames; None if nothing."""
    each, shared = dataset.get("PerFrameFunctionalGroupsSequence"), dataset.get("SharedFunctionalGroupsSequence")
    for group in (*(each[number : number + 1] if each else ()), *(shared or ())):
        if group.get(name):
            return group[name][0]
    return None


def _units(stored: np.ndarray, dataset: pydicom.Dataset, number: int) -> np.ndarray:
    """Return grey values in the scanner's units, the negative of a MONOCHROME1 image."""
    own = _of_frame(dataset, number, "PixelValueTransformationSequence")
    values = apply_modality_lut(stored, dataset if own is None else own)
    return _reflection(dataset, own) - values.astype(np.float64) if _is_negative(dataset) else values


def _is_negative(dataset: pydicom.Dataset) -> bool:
    return str(dataset.PhotometricInterpretation) == "MONOCHROME1"


def _reflection(dataset: pydicom.Dataset, own: pydicom.Dataset | None = None) -> float:
    """Return what a value and its negative add up to: the rescaled least and greatest stored value."""
    bits, signed = int(dataset.BitsStored), bool(dataset.get("PixelRepresentation", 0))
    slope, intercept = _rescale(dataset if own is None else own)
    return slope * (-1 if signed else 2**bits - 1) + 2 * intercept


def _colours(stored: np.ndarray, dataset: pydicom.Dataset) -> np.ndarray:
    if str(dataset.PhotometricInterpretation) != "PALETTE COLOR":
        return stored
    return apply_color_lut(stored, dataset)[..., :3]


def _window(dataset: pydicom.Dataset) -> tuple[float, float] | None:
    """Return the values (low, high) between which the header wants the image shown; the first of several windows."""
    source = _of_frame(dataset, 0, "FrameVOILUTSequence") or dataset
    centre, width = (_first(source.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width <= 1:
        return None
    linear = str(source.get("VOILUTFunction", "LINEAR")) == "LINEAR"
    low = centre - 0.5 - (width - 1) / 2 if linear else centre - width / 2
    high = low + (width - 1 if linear else width)
    if not _is_negative(dataset):
        return low, high
    turned = _reflection(dataset, _of_frame(dataset, 0, "PixelValueTransformationSequence"))
    return turned - high, turned - low


def _first(value: Any) -> float | None:
    several = isinstance(value, pydicom.multival.MultiValue)
    first = (value[0] if len(value) else None) if several else value
    return None if first is None or first == "" else float(first)


def _spacing(dataset: pydicom.Dataset) -> tuple[float, float] | None:
    measures = _of_frame(dataset, 0, "PixelMeasuresSequence") or dataset
    said = measures.get("PixelSpacing") or dataset.get("ImagerPixelSpacing")
    if not said or len(said) != 2 or min(map(float, said)) <= 0:
        return None
    return float(said[0]), float(said[1])


def _patient(dataset: pydicom.Dataset) -> tuple[str | None, bool]:
    """Return a hash of the patient's number, or of the study's where that was taken out, and whether it is of those;
    None where neither is.
    """
    named = [
        str(dataset.get(name, "") or "").strip() for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID")
    ]
    said = next((f"{place}:{name}" for place, name in enumerate(named) if not is_placeholder(name)), None)
    hashed = None if said is None else hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
    return hashed, is_placeholder(named[0])


def _unit(dataset: pydicom.Dataset) -> str:
    said = str(dataset.get("RescaleType", "") or ("HU" if dataset.get("Modality") == "CT" else ""))
    return "" if said == "US" else said  # unspecified
