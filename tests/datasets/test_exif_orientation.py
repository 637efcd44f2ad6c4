"""EXIF orientation, compared with Pillow's."""

import io
import struct

import numpy as np
import pytest
from helpers.reading import noise
from PIL import Image
from PIL import ImageOps

from keras_mra.datasets import exif_orientation

pytestmark = pytest.mark.once


def entry(order, tag, kind, value):
    packed = struct.pack(order + ("HH" if kind == 3 else "I"), *[value, 0][: 5 - kind])
    return struct.pack(order + "HHI", tag, kind, 1) + packed


def exif_data(order, kind, value):
    """EXIF data of a width, an orientation and a second directory with another."""
    marks = {"<": b"II*\0", ">": b"MM\0*"}
    first = entry(order, 0x0100, 4, 6) + entry(order, 0x0112, kind, value)
    second = entry(order, 0x0112, 3, 5)
    return b"".join(
        [
            marks[order] + struct.pack(order + "I", 8),
            struct.pack(order + "H", 2) + first + struct.pack(order + "I", 38),
            struct.pack(order + "H", 1) + second + bytes(4),
            b"maker's notes",
        ]
    )


@pytest.mark.parametrize("value", range(1, 9))
def test_upright_is_what_pillow_shows(value):
    pixels = noise(4, 6, 3)
    exif = Image.Exif()
    exif[0x0112] = value
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(file))
    assert exif_orientation.orientation_of(Image.open(file).getexif()) == value
    found = exif_orientation.upright(pixels, value)
    np.testing.assert_array_equal(found, np.asarray(expected))
    found = exif_orientation.upright(pixels[..., 0].astype("uint16"), value)
    np.testing.assert_array_equal(found, np.asarray(expected)[..., 0])


@pytest.mark.parametrize("value", [0, 9, "6"])
def test_unknown_orientation_is_upright(value):
    assert exif_orientation.orientation_of({0x0112: value}) == 1


@pytest.mark.parametrize("marker", [b"", b"Exif\0\0"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [3, 4])
def test_only_the_orientation_of_the_picture_changes(marker, order, kind):
    before = marker + exif_data(order, kind, 6)
    after = exif_orientation.without_orientation(before)
    assert after == marker + exif_data(order, kind, 1) != before
    parsed = Image.Exif()
    parsed.load(after)
    assert dict(parsed) == {0x0100: 6, 0x0112: 1}


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"XX*\0\0\0\0\x08"])
def test_what_is_no_exif_stays(exif):
    assert exif_orientation.without_orientation(exif) == exif


@pytest.mark.parametrize("length", [6, 9, 15, 25])
def test_damaged_exif_stays(length):
    exif = exif_data("<", 3, 6)[:length]
    assert exif_orientation.without_orientation(exif) == exif
