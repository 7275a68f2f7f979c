"""PNG, JPEG and TIFF, 8, 16 and 32 bits a pixel, one image or several pages, turned upright as their tags say."""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from synthaug.data.headers import is_marked_picture, picture_warnings
from synthaug.data.readers.records import Header, ImageOptions
from synthaug.errors import FileError

DAMAGED = (
    OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, AttributeError, OverflowError,
    NotImplementedError, MemoryError, struct.error, zlib.error, cv2.error, Image.DecompressionBombError, Warning,
)  # fmt: skip
_FORMATS = ("PNG", "JPEG", "TIFF", "MPO")
_GREY = {"1": "uint8", "L": "uint8", "I;16": "uint16", "I;16B": "uint16", "I;16L": "uint16", "F": "float32"}
_WIDE = {"I": "int32"}
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLE_FORMAT = 256, 257, 258, 262, 274, 339
_UNSIGNED, _ON_THEIR_SIDE = (1,), (5, 6, 7, 8)
_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


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
        height, width = picture.height, picture.width
        if height * width > options.max_pixels:
            raise FileError(f"its {height} x {width} pixels are more than allowed: raise max_pixels if it is to be so")
        n_frames = int(getattr(picture, "n_frames", 1)) if picture.format == "TIFF" else 1
        deep = _sixteen_bit_colour(picture)
        if deep and n_frames > 1:
            raise FileError("it holds several pages of 16-bit colour. Save a file a page")
        channels = 1 if picture.mode in _GREY or picture.mode in _WIDE or picture.mode == "LA" else 3
        return Header(
            size=_upright_size(picture),
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
            yield _UPRIGHT.get(_orientation(picture), np.asarray)(_colour_16(path))
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
        # no path: Pillow 13 maps a plain TIFF by its path, and then scrambles one that lies on its side
        with path.open("rb") as file, Image.open(file, formats=_FORMATS) as picture:
            yield picture


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    """Return (h, w) as its tags say, which Pillow's versions heed at different times."""
    tags = getattr(picture, "tag_v2", {})
    height, width = tags.get(_HEIGHT, picture.height), tags.get(_WIDTH, picture.width)
    return (width, height) if picture.getexif().get(_ORIENTATION) in _ON_THEIR_SIDE else (height, width)


def _orientation(picture: Image.Image) -> int:
    """Return how decoded pixels lie, 1 to 8; a TIFF's are turned upright by the decoder."""
    return 1 if picture.format == "TIFF" else picture.getexif().get(_ORIENTATION, 1)


def _dtype(picture: Image.Image, deep: bool) -> str:
    if deep:
        return "uint16"
    if picture.mode == "I" and picture.format == "PNG":  # 16-bit grey, in older versions of Pillow
        return "uint16"
    if _unsigned_32(picture):
        return "uint32"
    return {**_GREY, **_WIDE}.get(picture.mode, "uint8")


def _sixteen_bit_colour(picture: Image.Image) -> bool:
    """Return whether it holds 16 bits a colour, of which Pillow would keep eight."""
    raw = [str(tile[3]) for tile in getattr(picture, "tile", ())]
    return picture.mode in ("RGB", "RGBA", "RGBX", "LA") and any(";16" in words for words in raw)


def _plain(picture: Image.Image) -> np.ndarray:
    return _UPRIGHT.get(_orientation(picture), np.asarray)(_as_stored(picture))


def _as_stored(picture: Image.Image) -> np.ndarray:
    if picture.mode not in _GREY and picture.mode not in _WIDE:
        return np.asarray(picture.convert("L" if picture.mode == "LA" else "RGB"))
    values = np.asarray(picture)
    if _white_is_zero(picture):
        return values.dtype.type(65535) - values
    if _unsigned_32(picture):
        return values.view(np.uint32)
    return values.astype(np.uint8) * 255 if picture.mode == "1" else values


def _unsigned_32(picture: Image.Image) -> bool:
    """Return whether it holds 32-bit numbers without a sign, which Pillow gives one."""
    tags = getattr(picture, "tag_v2", {})
    return picture.mode == "I" and tags.get(_BITS) == (32,) and tags.get(_SAMPLE_FORMAT, _UNSIGNED) == _UNSIGNED


def _white_is_zero(picture: Image.Image) -> bool:
    """Return whether 16-bit greys are stored from white to black, which Pillow turns round for eight bits alone."""
    tags = getattr(picture, "tag_v2", {})
    return picture.mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == 0


def _colour_16(path: Path) -> np.ndarray:
    values = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16:
        raise FileError("its 16-bit colours cannot be decoded")
    return values[..., 2::-1] if values.ndim == 3 else values
