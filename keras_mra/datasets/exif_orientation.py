"""EXIF orientation: how the pixels of a file must be turned to stand upright.

Works on arrays, because Pillow does not hold 16-bit colours.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

TAG = 0x0112
UPRIGHT = 1
_MARKER = b"Exif\0\0"  # Pillow puts it before the data of every format but TIFF.
_BYTES = {3: "H", 4: "I"}  # The types SHORT and LONG.


def orientation_of(exif: Any) -> int:
    """The orientation that EXIF data gives, 1 to 8; other values count as 1.

    Args:
        exif: A `PIL.Image.Exif`.
    """
    value = exif.get(TAG, UPRIGHT)
    return value if value in range(1, 9) else UPRIGHT


def upright(pixels: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Turns and mirrors pixels as an orientation asks.

    Args:
        pixels: Array of shape `(height, width, ...)`.
        orientation: Int from 1 to 8.

    Returns:
        A contiguous array. From 5 upwards height and width are exchanged.
    """
    if orientation >= 5:
        pixels = np.swapaxes(pixels, 0, 1)  # (width, height, ...)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def without_orientation(exif: bytes) -> bytes:
    """EXIF data whose orientation is 1, with all else as it was.

    The value is replaced in place: encoding the data again with Pillow would lose
    the thumbnail and the makers' notes.

    Args:
        exif: Bytes, with or without the marker of JPEG files.

    Returns:
        Bytes of the same length. Damaged data is returned as it is.
    """
    data = bytearray(exif)
    start = len(_MARKER) if exif.startswith(_MARKER) else 0
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    if order is None:
        return exif
    try:
        (offset,) = struct.unpack_from(order + "I", data, start + 4)
        (entries,) = struct.unpack_from(order + "H", data, start + offset)
        for entry in range(entries):
            place = start + offset + 2 + 12 * entry
            tag, kind = struct.unpack_from(order + "HH", data, place)
            if tag == TAG and kind in _BYTES:
                struct.pack_into(order + _BYTES[kind], data, place + 8, UPRIGHT)
    except struct.error:
        return exif
    return bytes(data)
