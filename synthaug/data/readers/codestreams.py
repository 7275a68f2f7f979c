"""What a compressed frame of a DICOM file says of its own size: a bomb says more than the file's header does.

References
----------
ITU-T T.81 (JPEG) and T.87 (JPEG-LS): frame header, Y and X. ITU-T T.800 (JPEG 2000): SIZ, Xsiz and Ysiz.
"""

import struct

_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
_FRAME_HEADERS = {*range(0xFFC0, 0xFFD0), 0xFFF7} - {0xFFC4, 0xFFC8, 0xFFCC}
_BOXES = 1024  # bytes in which a JP2 file's boxes come before the image


def size_said(frame: bytes) -> tuple[int, int] | None:
    """Return the (h, w) that a JPEG, JPEG-LS or JPEG 2000 frame says; None where it says none.

    Raises
    ------
    struct.error
        If it is cut off before it does.
    """
    if (start := frame.find(_JPEG_2000, 0, _BOXES)) >= 0:
        right, lower, left, upper = struct.unpack_from(">4I", frame, start + 8)
        return lower - upper, right - left
    return _jpeg_size(frame) if frame.startswith(_JPEG) else None


def _jpeg_size(frame: bytes) -> tuple[int, int]:
    place = len(_JPEG)
    while True:
        marker, length = struct.unpack_from(">HH", frame, place)
        if marker in _FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", frame, place + 5)
            return height, width
        place += 2 + max(length, 2) if marker != 0xFFFF else 1
