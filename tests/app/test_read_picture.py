"""Files that visitors upload: read by their content, and bounded."""

import io
import struct
import zlib

import numpy as np
import pytest
from helpers.visitor import encoded
from PIL import Image
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.exceptions import UnsupportedMediaType

from keras_mra.app.read_picture import MAX_PIXELS
from keras_mra.app.read_picture import read_picture

pytestmark = pytest.mark.once
SHAPE = (8, 12, 3)


def read(content, shape=SHAPE):
    return read_picture(io.BytesIO(content), shape)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_a_picture_of_the_models_size_keeps_its_pixels(pixels, kind):
    np.testing.assert_array_equal(read(encoded(pixels, kind)), pixels)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
def test_other_formats(kind):
    gray = np.full((8, 12, 3), 99, "uint8")
    assert np.abs(read(encoded(gray, kind)).astype(int) - 99).max() < 3


def test_the_centre_is_cut_out_and_resized():
    wide = np.zeros((16, 40, 3), "uint8")
    wide[:, 8:32] = 200  # the centre of 2:3
    found = read(encoded(wide))
    assert found.shape == SHAPE and (found[:, 1:-1] == 200).all()
    assert (found > 150).all()  # The filter reaches across the border of the cut.


def test_orientation():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    stored = np.zeros((12, 8, 3), "uint8")
    stored[:6] = 255
    found = read(encoded(stored, exif=exif))
    assert (found[:, 6:] == 255).all() and (found[:, :6] == 0).all()


def test_channels(pixels):
    gray = read(encoded(pixels), (8, 12, 1))
    assert gray.shape == (8, 12, 1)
    assert (read(encoded(gray)) == gray).all()
    assert (read(encoded(pixels), (8, 12, 4))[..., 3] == 255).all()


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", POSTSCRIPT, SVG, b"GIF89a" * 20]
)
def test_what_is_no_image(content):
    with pytest.raises(UnsupportedMediaType, match="`picture` must be an image file"):
        read(content)


def test_a_damaged_image(pixels):
    with pytest.raises(UnsupportedMediaType, match="cannot be read"):
        read(encoded(np.tile(pixels, (9, 9, 1)))[:-500])


def png_of(width, height):
    """The start of a PNG file that promises so many pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(header))
    signature = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13)
    return signature + header + crc + struct.pack(">I", 9) + b"IDAT"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "size", [(MAX_PIXELS, 2), (10_000, 5_001), (10_000, 10_000), (2**30, 2**30)]
)
def test_too_many_pixels_are_not_decoded(size):
    # To decode them would fail: the file holds none.
    with pytest.raises(RequestEntityTooLarge, match="at most 50,000,000 pixels"):
        read(png_of(*size))
