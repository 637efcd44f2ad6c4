"""Whether a JPEG file holds the data of all of its blocks.

The decoder leaves blocks without data gray, and only warns. A file can hold such blocks
although it has an end: its data were cut, and closed with an end marker. Extra data
before that marker tell the two apart, because they become pixels only where blocks
lack data.

Two cuts are not noticed: one within the last block, and one of a progressive file
after its first pass, whose picture is whole, but less sharp.
"""

import io
from typing import IO
from typing import Any

import numpy as np

_END = 0xD9
_SCAN = 0xDA
_RESTARTS = range(0xD0, 0xD8)
_NO_MARKER = (0x00, *_RESTARTS)  # What follows 0xFF inside of a scan.
_GRAY = (127, 128)
# Noise, as data of a block, is gray with a chance of nearly nothing.
_NOISE = np.random.default_rng(0).integers(1, 255, 64, "uint8").tobytes()
# A decoder that waits for a restart marker skips all data before it.
_EXTRA = _NOISE + b"".join(bytes([0xFF, marker]) + _NOISE for marker in _RESTARTS)


def may_end_early(corner: Any) -> bool:
    """Whether the last pixel of a picture is gray, as one without data is.

    Args:
        corner: Int or sequence of ints, the decoded pixel in the lower right corner.
    """
    return bool(np.isin(corner, _GRAY).all())


def check_whole(file: IO[bytes]) -> None:
    """Decodes a file with and without extra data, at an eighth of its size.

    Args:
        file: Binary file of a JPEG picture that can be decoded.

    Raises:
        ValueError: If the data end early.
    """
    file.seek(0)
    content = file.read()
    end = _end_of_picture(content)
    extended = content[:end] + _EXTRA + content[end:]
    if _thumbnail(content) != _thumbnail(extended):
        raise ValueError(
            "The picture's data end early: the JPEG file has an end marker before its "
            "last block."
        )


def _end_of_picture(content: bytes) -> int:
    """The place of the end marker. A file may hold more pictures after it."""
    place = 2
    while (marker := content[place + 1]) != _END:
        if marker == 0xFF:  # A byte of padding.
            place += 1
            continue
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if marker == _SCAN:
            place = content.index(b"\xff", place)
            while content[place + 1] in _NO_MARKER:
                place = content.index(b"\xff", place + 2)
    return place


def _thumbnail(content: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        image.draft(None, (image.width // 8, image.height // 8))
        return image.tobytes()
