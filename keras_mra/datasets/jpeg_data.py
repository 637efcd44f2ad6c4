"""Whether a JPEG file holds the data of all of its blocks.

The decoder leaves blocks without data gray, and only warns. A file can hold such blocks
although it has an end: its data were cut, and closed with an end marker. Extra data
before that marker tell the two apart, because they become pixels only where blocks
lack data.

Three cuts are not noticed: one within the last block, one of a file with arithmetic
coding, and one after the first pass of a file with several passes, whose picture is
whole, but less sharp or gray.
"""

import io
import re
from typing import IO
from typing import Any

import numpy as np

# Passes of an honest picture: at most 14 bits of 4 components, and a few more.
_MOST_PASSES = 100
_PIECE = 2**20
# More data than any picture needs, and room for metadata.
_BYTES_PER_PIXEL = 4
_METADATA = 2**26

# A byte 0xFF that zero or a marker follows; 0xFF itself may be repeated.
_MARKER = re.compile(rb"\xff+([\x01-\xfe])")
_RESTARTS = range(0xD0, 0xD8)
_WITHOUT_LENGTH = (0x01, 0xD8, *_RESTARTS)
_END = 0xD9
_SCAN = b"\xff\xda"
_ARITHMETIC = (0xC9, 0xCA, 0xCB)

# What a pixel without data may differ from gray, by rounding.
_ROUNDING = 1.5
_LUMA = (0.299, 0.587, 0.114)


def _extra_data() -> bytes:
    """Noise, of which some becomes pixels wherever blocks lack data.

    A decoder that waits for a restart marker skips what is before it. Long codes stand
    for large values, and begin with ones.
    """
    noise = np.random.default_rng(0)
    pieces = []
    for marker in 4 * tuple(_RESTARTS):
        pieces.append(b"\xfe" + noise.integers(1, 255, 63, "uint8").tobytes())
        pieces.append(bytes([0xFF, marker]))
    return b"".join(pieces)


_EXTRA = _extra_data()


def check_passes(image: Any, file: IO[bytes]) -> None:
    """Refuses a picture of so many passes that decoding it would take minutes.

    Args:
        image: `PIL.Image.Image` of a JPEG file.
        file: The binary file.

    Raises:
        ValueError: If it has too many.
    """
    if "progressive" not in image.info:
        return
    file.seek(0)
    passes, last = 0, b""
    while piece := file.read(_PIECE):
        passes += (last + piece).count(_SCAN)
        last = piece[-1:]
    if passes > _MOST_PASSES:
        raise ValueError(
            f"A JPEG file must have at most {_MOST_PASSES} passes. Received: {passes}"
        )


def may_end_early(corner: Any) -> bool:
    """Whether the last pixel of a picture may be one without data.

    Colours of the block beside it can tint such a pixel, but its luma is gray.

    Args:
        corner: Int or sequence of ints, the decoded pixel in the lower right corner.
    """
    values = np.atleast_1d(np.asarray(corner, "float64"))
    luma = np.dot(values, _LUMA) if len(values) == 3 else values
    return bool(np.all(np.abs(luma - 127.5) <= _ROUNDING))


def bounded(file: IO[bytes], width: int, height: int) -> bytes:
    """The start of a file: all data of a picture of this size, and its metadata."""
    file.seek(0)
    return file.read(_BYTES_PER_PIXEL * width * height + _METADATA)


def check_whole(file: IO[bytes], width: int, height: int) -> None:
    """Decodes a file with and without extra data, at an eighth of its size.

    Args:
        file: Binary file of a JPEG picture that can be decoded.
        width: Int, the width of the picture.
        height: Int.

    Raises:
        ValueError: If the data end early.
    """
    content = bounded(file, width, height)
    end = _end_of_picture(content)
    if end is None:
        return
    extended = content[:end] + _EXTRA + content[end:]
    if _thumbnail(content) != _thumbnail(extended):
        raise ValueError(
            "The picture's data end early: the JPEG file has an end marker before its "
            "last block."
        )


def _end_of_picture(content: bytes) -> int | None:
    """The place of the end marker. A file may hold more pictures after it.

    Returns:
        `None` if there is none, or the data are of arithmetic coding, whose encoders
        leave out zeros at the end.
    """
    place = 2
    while found := _MARKER.search(content, place):
        marker, place = found[1][0], found.end()
        if marker == _END:
            return found.start()
        if marker in _ARITHMETIC:
            return None
        if marker not in _WITHOUT_LENGTH:
            place += max(2, int.from_bytes(content[place : place + 2], "big"))
    return None


def _thumbnail(content: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
        return image.tobytes()
