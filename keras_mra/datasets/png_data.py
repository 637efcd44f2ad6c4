"""Whether a PNG file holds the data of all of its pixels.

Pillow and OpenCV accept files whose compressed data end early, and leave the rest of
the picture black or undefined.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

_SIGNATURE_LENGTH = 8
# Width, height, depth, colour type, two more, and whether the rows are interlaced.
_HEADER = struct.Struct(">IIBBBBB")
_CHUNK = struct.Struct(">I4s")  # length and name
_CHECKSUM_LENGTH = 4
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # samples of a pixel, by the colour type
# Adam7: first column and row, and steps, of the passes of an interlaced file.
_PASSES = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
_LARGEST_RATIO = 1032  # of deflate
_PIECE = 2**16
_UNPACKED = 2**20


def is_long_enough(file: Any, length: int) -> bool:
    """Whether a file of `length` bytes can hold its pixels, compressed.

    Raises:
        ValueError: If the file does not begin with its header, or has two.
    """
    return _raw_size(file) <= _LARGEST_RATIO * length


def check_whole(file: Any) -> None:
    """Unpacks the data of a file, piece by piece, and counts them.

    Args:
        file: Binary file that starts as a PNG file does.

    Raises:
        ValueError: If the data are damaged or end early.
    """
    wanted, found = _raw_size(file), 0
    unpacker = zlib.decompressobj()
    try:
        for piece in _data(file):
            while piece and found < wanted and not unpacker.eof:
                found += len(unpacker.decompress(piece, _UNPACKED))
                piece = unpacker.unconsumed_tail
            if found >= wanted:
                return
    except zlib.error as error:
        raise ValueError(f"The PNG file is damaged: {error}") from error
    raise ValueError(
        f"The picture's data end early: the PNG file holds {found:,} of {wanted:,} "
        "bytes of pixels."
    )


def _raw_size(file: Any) -> int:
    """The bytes of all rows, with the byte before each that names its filter."""
    width, height, depth, color, *_, interlaced = _HEADER.unpack(_header(file))
    bits = depth * _SAMPLES.get(color, 1)
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    total = 0
    for column, row, column_step, row_step in passes:
        columns = -(-(width - column) // column_step)
        rows = -(-(height - row) // row_step)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def _header(file: Any) -> bytes:
    """The content of the header. Of several, decoders would take different ones."""
    headers, is_first = [], True
    for name, length in _chunks(file):
        if name == b"IDAT":
            break
        if name == b"IHDR" or is_first:
            headers.append((name, file.read(min(length, _HEADER.size))))
        is_first = False
    if [(name, len(data)) for name, data in headers] != [(b"IHDR", _HEADER.size)]:
        raise ValueError(
            "The PNG file is damaged: it must begin with its header, and have no other."
        )
    content: bytes = headers[0][1]
    return content


def _data(file: Any) -> Iterator[bytes]:
    """The pieces of the compressed data."""
    for name, length in _chunks(file):
        end = file.tell() + length
        while name == b"IDAT" and (left := end - file.tell()) > 0:
            piece = file.read(min(left, _PIECE))
            if not piece:
                return
            yield piece


def _chunks(file: Any) -> Iterator[tuple[bytes, int]]:
    """The name and the length of each chunk, with the file at its content."""
    file.seek(_SIGNATURE_LENGTH)
    while len(head := file.read(_CHUNK.size)) == _CHUNK.size:
        length, name = _CHUNK.unpack(head)
        end = file.tell() + length
        yield name, length
        file.seek(end + _CHECKSUM_LENGTH)
