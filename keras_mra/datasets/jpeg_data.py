"""Whether a JPEG file holds the data of all of its blocks.

The decoder leaves blocks without data grey, and only warns. A file can hold such blocks
although it has an end: its data were cut, and closed with an end marker. Extra data
before that marker tell the two apart, because they become pixels only where blocks
lack data.

Three cuts are not noticed: one within the last block, one of a file with arithmetic
coding, and one after the first pass of a file with several passes, whose picture is
whole, but less sharp or grey.
"""

import io
import re
from collections.abc import Iterator
from typing import IO
from typing import Any

import numpy as np

# Passes of an honest picture: at most 14 bits of 4 components, and a few more.
_MOST_PASSES = 100
_PIECE = 2**20
# More data than any picture needs, and room for metadata.
_BYTES_PER_PIXEL = 4
_METADATA = 2**26

# The markers that a length follows, and the end. Bytes 0xFF before a marker fill up:
# a pattern that reads them too would read a long run of them once for each.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd9-\xfe]")
_RESTARTS = range(0xD0, 0xD8)
_END = 0xD9
_SCAN = 0xDA
_ARITHMETIC = (0xC9, 0xCA, 0xCB)

# What a pixel without data may differ from grey, by rounding.
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


def check_passes(file: IO[bytes]) -> None:
    """Refuses a picture of so many passes that decoding it would take minutes.

    A file need not be progressive for that: each colour can have many passes.

    Args:
        file: The binary file.

    Raises:
        ValueError: If it has too many.
    """
    passes = 0
    for marker, _ in _markers(file):
        passes += marker == _SCAN
        if passes > _MOST_PASSES:
            raise ValueError(
                f"A JPEG file must have at most {_MOST_PASSES} passes. Received: more"
            )


def may_end_early(corner: Any) -> bool:
    """Whether the last pixel of a picture may be one without data.

    Colours of the block beside it can tint such a pixel, but its luma is grey.

    Args:
        corner: Int or sequence of ints, the decoded pixel in the lower right corner.
    """
    values = np.atleast_1d(np.asarray(corner, "float64"))
    luma = np.dot(values, _LUMA) if len(values) == 3 else values
    return bool(np.all(np.abs(luma - 127.5) <= _ROUNDING))


def bounded(file: IO[bytes], width: int, height: int) -> bytes:
    """The start of a file: all data of a picture of this size, and its metadata."""
    # `read` allocates as many bytes as it is asked for.
    length = file.seek(0, io.SEEK_END)
    file.seek(0)
    return file.read(min(length, _BYTES_PER_PIXEL * width * height + _METADATA))


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
    for marker, place in _markers(io.BytesIO(content)):
        if marker == _END:
            return len(content[:place].rstrip(b"\xff"))
        if marker in _ARITHMETIC:
            return None
    return None


def _markers(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """The markers that a length follows, up to the first end, with their places."""
    place, is_last = 2, False
    while not is_last:
        file.seek(place)
        piece = file.read(_PIECE)
        is_last = len(piece) < _PIECE
        # The length behind a marker must be in the same piece.
        until = len(piece) if is_last else len(piece) - 2
        start = 0
        while found := _MARKER.search(piece, start, until):
            marker = piece[found.end() - 1]
            yield marker, place + found.start()
            if marker == _END:
                return
            length = piece[found.end() : found.end() + 2]
            start = found.end() + max(2, int.from_bytes(length, "big"))
        place += max(start, until - 1)  # The last byte may begin a marker.


def _thumbnail(content: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
        return image.tobytes()
