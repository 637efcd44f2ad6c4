"""TIFF files that lack strips or tiles, and those that hold all of them."""

import struct
import zlib

import numpy as np
import pytest
from helpers.reading import readers

from keras_mra.datasets import image_reader

pytestmark = pytest.mark.once

WIDTH, HEIGHT = 50, 40
PIXELS = np.random.default_rng(0).integers(1, 256, (HEIGHT, WIDTH, 3)).astype("uint8")


def tiff(data, parts, tags):
    """A TIFF file without compression.

    Args:
        data: Bytes, the strips or tiles.
        parts: `(tag of the places, tag of the sizes, list of the sizes)`.
        tags: Dict from numbers to ints or lists of them.
    """
    place_tag, size_tag, sizes = parts
    tags = {256: WIDTH, 257: HEIGHT, 258: 8, 259: 1, 262: 1, 277: 1, **tags}
    first = 8
    places = [first + sum(sizes[:i]) for i in range(len(sizes))]
    tags = {place_tag: places, size_tag: sizes, **tags}
    entries, values, rest = b"", b"", first + len(data)
    for tag, value in sorted(tags.items()):
        value = value if isinstance(value, list) else [value]
        packed = struct.pack(f"<{len(value)}I", *value)
        if len(value) == 1:
            field = packed
        else:
            field = struct.pack("<I", rest + len(values))
            values += packed
        entries += struct.pack("<HHI", tag, 4, len(value)) + field
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    start = struct.pack("<2sHI", b"II", 42, rest + len(values))
    return start + data + values + directory


def strips(rows, count=None, planes=False, pack=bytes, **tags):
    """The pixels in strips, of which only the first `count` are listed."""
    layers = [PIXELS[..., 0]]
    tags = {int(tag[1:]): value for tag, value in tags.items()}
    if planes:
        layers = [PIXELS[..., i] for i in range(3)]
        tags |= {258: [8, 8, 8], 277: 3, 284: 2, 262: 2}
    pieces = [
        pack(layer[y : y + rows].tobytes())
        for layer in layers
        for y in range(0, HEIGHT, rows)
    ]
    sizes = [len(piece) for piece in pieces][:count]
    return tiff(b"".join(pieces), (273, 279, sizes), {278: rows, **tags})


def tiles(side, count=None, compression=1):
    padded = np.zeros((96, 96), "uint8")
    padded[:HEIGHT, :WIDTH] = PIXELS[..., 0]
    pieces = [
        padded[y : y + side, x : x + side].tobytes()
        for y in range(0, HEIGHT, side)
        for x in range(0, WIDTH, side)
    ]
    sizes = [len(piece) for piece in pieces][:count]
    tags = {322: side, 323: side, 259: compression}
    return tiff(b"".join(pieces), (324, 325, sizes), tags)


# An entry of the directory, and what replaces it.
WIDTH_OF_TILES = struct.pack("<HHII", 322, 4, 1, 16)
NONE = struct.pack("<HHII", 322, 4, 1, 0)
TEXT = struct.pack("<HHI4s", 322, 2, 4, b"16")

WHOLE = {
    "one strip": strips(HEIGHT),
    "a strip of more rows": strips(HEIGHT, t278=2**32 - 1),
    "strips": strips(7),
    "strips of a row": strips(1),
    "strips of planes": strips(7, planes=True),
    "compressed strips": strips(7, pack=zlib.compress, t259=8),
    "tiles": tiles(16),
    "one tile": tiles(96),
    "too small sizes": strips(7, t279=[1] * 6),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_files_are_read(tmp_path, kind):
    path = tmp_path / "a.tif"
    path.write_bytes(WHOLE[kind])
    expected = PIXELS if "planes" in kind else PIXELS[..., :1]
    np.testing.assert_array_equal(image_reader.read_exact(path).color, expected)
    image_reader.read_upright(path, 8)


LACKING = {
    "strips": strips(7, 5),
    "one strip of a row": strips(1, 1),
    "compressed strips": strips(7, 5, pack=zlib.compress, t259=8),
    "planes": strips(7, 12, planes=True),
    "a part of a plane": strips(7, 17, planes=True),
    "tiles": tiles(16, 11),
    "one tile": tiles(16, 1),
}


@pytest.mark.parametrize("kind", LACKING)
def test_strips_and_tiles_that_are_not_listed(tmp_path, kind):
    """Pillow leaves them black."""
    path = tmp_path / "a.tif"
    path.write_bytes(LACKING[kind])
    for read in [*readers(path), lambda: image_reader.read_header(path)]:
        with pytest.raises(ValueError, match="end early: .* lists .* of .* strips or"):
            read()


OUTSIDE = {
    "behind the file": strips(40, t273=100_000),
    "compressed strips": strips(7, pack=zlib.compress, t259=8, t279=[9999] * 6),
    "in the header": strips(40, t273=0),
    "in part behind the file": strips(40, t257=4000, t278=4000),
}


@pytest.mark.parametrize("kind", OUTSIDE)
def test_strips_that_lie_outside_of_the_file(tmp_path, kind):
    path = tmp_path / "a.tif"
    path.write_bytes(OUTSIDE[kind])
    for read in readers(path):
        with pytest.raises(ValueError, match="end early: .* does not hold the strips"):
            read()


DAMAGED = {
    "no rows": (strips(7, t278=0), "have no size"),
    "tiles of no width": (tiles(16, None, 5).replace(WIDTH_OF_TILES, NONE), "no size"),
    "a text": (tiles(16, None, 5).replace(WIDTH_OF_TILES, TEXT), "322 is no integer"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_strips_and_tiles_without_a_size(tmp_path, kind):
    content, message = DAMAGED[kind]
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    for read in readers(path):
        with pytest.raises(ValueError, match=message):
            read()
