"""PNG, JPEG and TIFF, 8 and 16 bits a pixel, one image or several pages."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from synthaug.data.headers import is_marked_picture, picture_warnings
from synthaug.data.readers.records import Header, ImageOptions
from synthaug.errors import FileError

DAMAGED = (
    OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, AttributeError, OverflowError,
    NotImplementedError, MemoryError, struct.error, zlib.error, cv2.error, Image.DecompressionBombError, Warning,
)  # fmt: skip
_FORMATS = ("PNG", "JPEG", "TIFF", "MPO")
_GREY = {"1": "uint8", "L": "uint8", "I;16": "uint16", "I;16B": "uint16", "I;16L": "uint16", "F": "float32"}
_PHOTOMETRIC = 262  # the tag that says whether zero is white
_WIDE = {"I": "int32"}


def look(path: Path, options: ImageOptions) -> Header:
    """Return what a picture's header says; but for PNG files, whose words may follow their pixels, nothing is decoded.

    Raises
    ------
    FileError
        If pixels are of a kind that is not read, or more than allowed.
    DAMAGED
        If it is no such file.
    """
    with _opened(path) as picture:
        height, width = _upright_size(picture)
        if height * width > options.max_pixels:
            raise FileError(f"its {height} x {width} pixels are more than allowed: raise max_pixels if it is to be so")
        n_frames = int(getattr(picture, "n_frames", 1)) if picture.format == "TIFF" else 1
        deep = _sixteen_bit_colour(picture)
        if deep and n_frames > 1:
            raise FileError("it holds several pages of 16-bit colour. Save a file a page")
        channels = 1 if picture.mode in _GREY or picture.mode in _WIDE or picture.mode == "LA" else 3
        return Header(
            size=(height, width),
            channels=channels,
            n_frames=n_frames,
            value_dtype=_dtype(picture, deep),
            source="picture",
            volume=n_frames > 1,
            identity=tuple(picture_warnings(picture)),
            synthetic=is_marked_picture(picture),
        )


def frames(path: Path, header: Header, options: ImageOptions) -> Iterator[np.ndarray]:
    """Yield the images (h, w) or (h, w, 3) of a picture, with the values of the file."""
    with _opened(path) as picture:
        if _sixteen_bit_colour(picture):
            yield _colour_16(path)
            return
        for number in range(header.n_frames):
            picture.seek(number)
            if _upright_size(picture) != header.size:
                raise FileError("its pages differ in size. Save a file a page")
            yield _plain(picture)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=_FORMATS) as picture:
            yield picture


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    turned = picture.format in ("JPEG", "MPO") and picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (picture.width, picture.height) if turned else (picture.height, picture.width)


def _dtype(picture: Image.Image, deep: bool) -> str:
    if deep:
        return "uint16"
    if picture.mode == "I" and picture.format == "PNG":  # 16-bit grey, in older versions of Pillow
        return "uint16"
    return {**_GREY, **_WIDE}.get(picture.mode, "uint8")


def _sixteen_bit_colour(picture: Image.Image) -> bool:
    """Return whether it holds 16 bits a colour, of which Pillow would keep eight."""
    raw = [str(tile[3]) for tile in getattr(picture, "tile", ())]
    return picture.mode in ("RGB", "RGBA", "RGBX", "LA") and any(";16" in words for words in raw)


def _plain(picture: Image.Image) -> np.ndarray:
    upright = ImageOps.exif_transpose(picture) if picture.format in ("JPEG", "MPO") else picture
    if upright.mode in _GREY or upright.mode in _WIDE:
        values = np.asarray(upright)
        if _white_is_zero(picture):
            return values.dtype.type(65535) - values
        return values.astype(np.uint8) * 255 if upright.mode == "1" else values
    return np.asarray(upright.convert("L" if upright.mode == "LA" else "RGB"))


def _white_is_zero(picture: Image.Image) -> bool:
    """Return whether 16-bit greys are stored from white to black, which Pillow turns round for eight bits alone."""
    tags = getattr(picture, "tag_v2", {})
    return picture.mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == 0


def _colour_16(path: Path) -> np.ndarray:
    values = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16:
        raise FileError("its 16-bit colours cannot be decoded")
    return values[..., 2::-1] if values.ndim == 3 else values
