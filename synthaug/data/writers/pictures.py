"""PNG and TIFF, 8 or 16 bits a pixel, with the mark among their words.

PNG keeps it under the keys *Description* and *Software* (``tEXt``), TIFF in the tags ImageDescription and Software.
"""

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import Image

from synthaug._version import __version__
from synthaug.data.headers import MARK
from synthaug.data.writers.levels import Levels
from synthaug.errors import ShapeError

_AFTER_HEADER = 33  # a PNG's signature and its first chunk, which is of fixed size
_IMAGE_DESCRIPTION, _SOFTWARE = 0x010E, 0x0131


def png(stored: np.ndarray, levels: Levels, words: str) -> bytes:
    """Return an image (h, w) or (h, w, 3), uint8 or uint16, as a PNG file."""
    done, content = cv2.imencode(".png", stored[..., ::-1] if stored.ndim == 3 else stored)
    assert done
    plain, said = content.tobytes(), {"Description": described(levels, words), "Software": f"synthaug {__version__}"}
    chunks = b"".join(_chunk(f"{key}\0{text}".encode("latin-1", "replace")) for key, text in said.items())
    return plain[:_AFTER_HEADER] + chunks + plain[_AFTER_HEADER:]


def tiff(stored: np.ndarray, levels: Levels, words: str) -> bytes:
    """Return an image (h, w) or (h, w, 3) as a TIFF file; colours of 8 bits only.

    Raises
    ------
    ShapeError
        If colours have 16 bits.
    """
    if stored.ndim == 3 and stored.dtype != np.uint8:
        raise ShapeError("colours of more than 8 bits do not go into TIFF files here. Write format='png' or 'npz'.")
    buffer, said = io.BytesIO(), described(levels, words).encode("ascii", "replace").decode()
    tags = {_IMAGE_DESCRIPTION: said, _SOFTWARE: f"synthaug {__version__}"}
    Image.fromarray(stored).save(buffer, "TIFF", compression="tiff_adobe_deflate", tiffinfo=tags)
    return buffer.getvalue()


def described(levels: Levels, words: str) -> str:
    """Return the mark, what the image is of, and how stored numbers become values again."""
    back = "" if levels.is_plain else f"; value = {levels.slope!r} * stored + {levels.intercept!r}"
    return f"{MARK}; {words}{back}"


def _chunk(content: bytes) -> bytes:
    named = b"tEXt" + content
    return struct.pack(">I", len(content)) + named + struct.pack(">I", zlib.crc32(named))
