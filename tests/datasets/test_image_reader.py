"""How an image file is read: its depth, alpha, orientation and metadata."""

import functools
import io
import struct
import sys
import types
import zlib

import cv2
import numpy as np
import pytest
from helpers.reading import gray_png
from helpers.reading import gray_tiff
from helpers.reading import noise
from helpers.reading import png16
from helpers.reading import save
from PIL import Image
from PIL import ImageCms

from keras_mra.datasets import image_reader

pytestmark = pytest.mark.once

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def orientation(value):
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def written(path, content):
    path.write_bytes(content)
    return path


# --- for training ---------------------------------------------------------------------


def test_header(tmp_path):
    assert image_reader.read_header(save(tmp_path / "a.png")) == ((40, 30), False)
    gray = save(tmp_path / "b.png", mode="L")
    assert image_reader.read_header(gray) == ((40, 30), True)


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_orientation_is_applied(tmp_path, ending, channels):
    pixels = noise(4, 6, channels)
    path = tmp_path / f"a.{ending}"
    Image.fromarray(pixels).save(path, exif=orientation(6))
    upright = image_reader.read_upright(path, 1)
    np.testing.assert_array_equal(upright, np.rot90(pixels, -1))


def test_damaged_exif_does_not_spoil_the_pixels(tmp_path):
    pixels = noise(4, 6, 3)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03"  # It ends within an entry.
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    with pytest.warns(UserWarning, match="Corrupt EXIF data"):
        upright = image_reader.read_upright(tmp_path / "a.png", 1)
    np.testing.assert_array_equal(upright, pixels)


def test_large_jpeg_is_decoded_small_enough_but_not_too_small(tmp_path):
    save(tmp_path / "big.jpg", (1600, 800))
    image = image_reader.read_upright(tmp_path / "big.jpg", 32)
    assert 32 <= min(image.size) <= 200


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_are_scaled_and_alpha_is_dropped(channels):
    values = np.arange(16).reshape(4, 4)
    image = Image.fromarray((values * 257 * 16).astype("uint16"))
    found = np.asarray(image_reader.to_channels(image, channels))
    np.testing.assert_array_equal(found.reshape(4, 4, -1)[..., 0], values * 16)
    pixels = noise(4, 4, 4)
    found = image_reader.to_channels(Image.fromarray(pixels), 3)
    np.testing.assert_array_equal(found, pixels[..., :3])


@pytest.mark.parametrize(
    "bits, white, zero_is_white",
    [(12, 4095, False), (16, 65535, True), (16, 65535, False)],
)
def test_gray_values_of_tiff_files(tmp_path, bits, white, zero_is_white):
    values = (np.arange(16).reshape(2, 8) * white) // 15
    path = written(tmp_path / "a.tif", gray_tiff(values, bits, zero_is_white))
    found = image_reader.to_channels(image_reader.read_upright(path, 1), 1)
    expected = np.rint(255 * values / white)
    expected = 255 - expected if zero_is_white else expected
    np.testing.assert_allclose(found, expected, atol=1)
    if (bits, zero_is_white) == (16, False):
        pixels = image_reader.read_exact(path).color[..., 0]
        np.testing.assert_array_equal(pixels, values)
        return
    with pytest.raises(ValueError, match=f"0 must be black.*{white}"):
        image_reader.read_exact(path)


def test_large_integers_are_refused():
    image = Image.fromarray(np.array([[0, 70_000]], "int32"))
    with pytest.raises(ValueError, match="from 0 to 65535. Received.*70000"):
        image_reader.to_channels(image, 1)


def test_big_endian_gray_is_gray(tmp_path):
    values = np.arange(64).reshape(8, 8) * 1000
    Image.fromarray(values.astype(">u2")).save(tmp_path / "a.tif")
    assert image_reader.read_header(tmp_path / "a.tif") == ((8, 8), True)
    image = image_reader.read_upright(tmp_path / "a.tif", 1)
    found = image_reader.to_channels(image, 1)
    np.testing.assert_array_equal(found, np.rint(values / 257))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_lab(channels):
    image = Image.new("LAB", (4, 4), (255, 128, 128))
    found = np.asarray(image_reader.to_channels(image, channels))
    assert found.reshape(4, 4, -1).shape[-1] == channels and found.min() > 250


# --- exact ----------------------------------------------------------------------------


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bit_png_is_exact(tmp_path, channels, interlaced):
    pixels = noise(11, 13, channels, dtype="uint16")
    path = written(tmp_path / "a.png", png16(pixels, interlaced=interlaced))
    image = image_reader.read_exact(path)
    colors = 1 if channels < 3 else 3
    np.testing.assert_array_equal(image.color, pixels[..., :colors])
    assert image.color.dtype == np.uint16 and image.white == 65535
    if channels in (2, 4):
        np.testing.assert_array_equal(image.alpha, pixels[..., -1:])
    else:
        assert image.alpha is None


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_copy_of_a_sixteen_bit_png_agrees_with_an_independent_decoder(
    tmp_path, channels
):
    tensorflow = pytest.importorskip("tensorflow")
    pixels = noise(13, 9, channels, dtype="uint16")
    pixels[0, ..., -1] = 0  # Colours stay where alpha is 0.
    image = image_reader.read_exact(written(tmp_path / "a.png", png16(pixels)))
    copy = image.png(image.color)
    if channels == 2:  # OpenCV does not write grey with alpha.
        pixels = pixels[..., [0, 0, 0, 1]]
    decoded = tensorflow.io.decode_png(copy, pixels.shape[2], "uint16")
    np.testing.assert_array_equal(decoded.numpy(), pixels)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_metadata_of_a_sixteen_bit_png_is_copied(tmp_path, channels):
    exif = orientation(6).tobytes().removeprefix(b"Exif\0\0")
    cicp = bytes([9, 16, 0, 1])
    chunks = [(b"cICP", cicp), (b"eXIf", exif)]
    if channels > 2:
        chunks.append((b"iCCP", b"name\0\0" + zlib.compress(SRGB)))
    pixels = noise(5, 7, channels, dtype="uint16")
    path = written(tmp_path / "a.png", png16(pixels, chunks))
    image = image_reader.read_exact(path)
    colors = channels // 3 * 2 + 1
    np.testing.assert_array_equal(image.color, np.rot90(pixels[..., :colors], -1))
    if channels != 3:
        np.testing.assert_array_equal(image.alpha, np.rot90(pixels[..., -1:], -1))
    assert image.rotated
    content = image.png(image.color)
    copy = Image.open(io.BytesIO(content))
    assert copy.size == (5, 7) and copy.getexif()[0x0112] == 1
    assert copy.info.get("icc_profile") == (SRGB if channels > 2 else None)
    assert struct.pack(">I", 4) + b"cICP" + cicp in content


def test_profile_of_gray_is_dropped_where_gray_becomes_rgba(tmp_path):
    gray = SRGB[:16] + b"GRAY" + SRGB[20:]
    pixels = noise(5, 7, 2, dtype="uint16")
    chunks = [(b"iCCP", b"name\0\0" + zlib.compress(gray))]
    image = image_reader.read_exact(written(tmp_path / "a.png", png16(pixels, chunks)))
    assert "icc_profile" in image.metadata
    copy = cv2.imdecode(np.frombuffer(image.png(image.color), "uint8"), -1)
    np.testing.assert_array_equal(copy, pixels[..., [0, 0, 0, 1]])


def test_profile_and_exif_of_eight_bits_are_copied(tmp_path):
    exif = orientation(6)
    exif[0x0131] = "software"
    kwargs = {"exif": exif, "icc_profile": b"profile"}
    path = save(tmp_path / "a.jpg", (30, 20), **kwargs)
    image = image_reader.read_exact(path)
    expected = np.rot90(np.asarray(Image.open(path)), -1)
    np.testing.assert_array_equal(image.color, expected)
    copy = Image.open(io.BytesIO(image.png(image.color)))
    assert copy.size == (20, 30)
    assert dict(copy.getexif()) == {0x0112: 1, 0x0131: "software"}
    assert copy.info["icc_profile"] == b"profile"
    cmyk = save(tmp_path / "b.jpg", (30, 20), "CMYK", **kwargs)
    assert image_reader.read_exact(cmyk).metadata.keys() == {"exif"}


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("ending", ["tif", "png"])
def test_exact_pixels_stand_upright(tmp_path, mode, ending):
    pixels = noise(4, 6, dtype="uint16") if mode == "I;16" else noise(4, 6, len(mode))
    pixels = pixels[..., 0] if mode == "L" else pixels
    path = tmp_path / f"a.{ending}"
    Image.fromarray(pixels).save(path, exif=orientation(6))
    image = image_reader.read_exact(path)
    parts = [image.color] if image.alpha is None else [image.color, image.alpha]
    found = np.concatenate(parts, axis=-1)
    np.testing.assert_array_equal(found, np.rot90(pixels.reshape(4, 6, -1), -1))
    assert image.rotated
    Image.fromarray(pixels).save(path, exif=orientation(1))
    assert not image_reader.read_exact(path).rotated


def test_exact_pixels_with_damaged_exif(tmp_path):
    pixels = noise(4, 6, 3)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03"
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    with pytest.warns(UserWarning, match="Corrupt EXIF data"):
        image = image_reader.read_exact(tmp_path / "a.png")
    np.testing.assert_array_equal(image.color, pixels)
    assert image.metadata["exif"] == exif and not image.rotated


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif", "a.jpg"])
def test_further_frames_are_noticed(tmp_path, name):
    frames = [Image.fromarray(noise(6, 8, 3)) for _ in range(3)]
    if name == "a.jpg":  # The second picture of an MPO file is no frame.
        frames[0].save(tmp_path / name, "MPO", save_all=True, append_images=frames[1:])
        assert not image_reader.read_exact(tmp_path / name).animated
    else:
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        image = image_reader.read_exact(tmp_path / name)
        assert image.animated
        first = np.asarray(Image.open(tmp_path / name).convert("RGB"))
        np.testing.assert_array_equal(image.color, first)
    frames[0].save(tmp_path / name)
    assert not image_reader.read_exact(tmp_path / name).animated


def test_colour_key_becomes_alpha(tmp_path):
    pixels = noise(6, 5, 3, dtype="uint16")
    pixels[2, 3] = key = [1, 2, 65535]
    chunks = [(b"tRNS", np.array(key, ">u2").tobytes())]
    image = image_reader.read_exact(written(tmp_path / "a.png", png16(pixels, chunks)))
    assert image.alpha[2, 3] == 0 and (image.alpha == 0).sum() == 1
    np.testing.assert_array_equal(image.color, pixels)
    Image.fromarray(noise(4, 4)).save(tmp_path / "b.png", transparency=7)
    image = image_reader.read_exact(tmp_path / "b.png")
    np.testing.assert_array_equal(image.alpha == 0, image.color == 7)


@pytest.mark.parametrize("bits, key", [(2, 2), (4, 9), (8, 200)])
def test_colour_key_of_gray_with_few_bits_becomes_alpha(tmp_path, bits, key):
    levels = np.random.default_rng(0).integers(0, 2**bits, (4, 8)).astype("uint8")
    levels[1, 2] = key
    content = gray_png(levels, bits, [(b"tRNS", struct.pack(">H", key))])
    path = written(tmp_path / "a.png", content)
    image = image_reader.read_exact(path)
    scale = 255 // (2**bits - 1)
    np.testing.assert_array_equal(image.color[..., 0], levels * scale)
    np.testing.assert_array_equal(image.alpha[..., 0] == 0, levels == key)


def test_colour_key_of_sixteen_bit_gray_becomes_alpha(tmp_path):
    pixels = noise(4, 4, dtype="uint16")
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(
        path, transparency=int(pixels[1, 2]), icc_profile=SRGB, exif=orientation(6)
    )
    image = image_reader.read_exact(path)
    pixels = np.rot90(pixels, -1)
    np.testing.assert_array_equal(image.color[..., 0], pixels)
    assert image.alpha[2, 2, 0] == 0 and image.alpha.max() == 65535
    content = image.png(image.color)
    copy = cv2.imdecode(np.frombuffer(content, "uint8"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(copy[..., 1], pixels)
    np.testing.assert_array_equal(copy[..., 3:], image.alpha)
    assert Image.open(io.BytesIO(content)).getexif()[0x0112] == 1


@pytest.mark.parametrize("damage", ["cut", "flip", "no end"])
def test_damaged_sixteen_bit_png_is_refused(tmp_path, damage):
    content = bytearray(png16(noise(40, 40, 3, dtype="uint16")))
    if damage == "flip":
        content[500] ^= 1
    else:
        del content[3000 if damage == "cut" else -12 :]
    with pytest.raises(ValueError, match="PNG file (is damaged|holds .* of)"):
        image_reader.read_exact(written(tmp_path / "a.png", content))


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), "float32"), [[70_000]], [[-1]]])
def test_pixels_that_do_not_fit_a_png_are_refused(tmp_path, pixels):
    Image.fromarray(np.array(pixels, getattr(pixels, "dtype", "int32"))).save(
        tmp_path / "a.tif"
    )
    with pytest.raises(ValueError, match="integers from 0 to 65535"):
        image_reader.read_exact(tmp_path / "a.tif")


def test_deep_colours_of_tiff_files_are_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.tif"), noise(4, 4, 3).astype("uint16") * 257)
    with pytest.raises(ValueError, match="must have 8 bits.*colours of 16 bits"):
        image_reader.read_exact(tmp_path / "a.tif")


def test_too_many_pixels_are_refused(tmp_path):
    path = save(tmp_path / "a.png", (120, 110), "L")
    for read in (
        functools.partial(image_reader.read_exact, path),
        functools.partial(image_reader.read_upright, path, 8),
        functools.partial(image_reader.read_header, path),
    ):
        read(max_megapixels=0.0132)
        with pytest.raises(ValueError, match="at most 0.0131 megapixels.*120x110 pix"):
            read(max_megapixels=0.0131)


@pytest.mark.parametrize(
    "module, message",
    [
        (None, r"not installed: pip install 'keras-mra\[images\]'"),
        (types.SimpleNamespace(__version__="4.13.0"), r"4\.14 or newer.*OpenCV 4\.13"),
    ],
)
def test_sixteen_bit_colour_names_what_to_install(
    tmp_path, monkeypatch, module, message
):
    path = written(tmp_path / "a.png", png16(noise(5, 7, 3, dtype="uint16")))
    gray = written(tmp_path / "b.png", png16(noise(5, 7, 1, dtype="uint16")))
    monkeypatch.setitem(sys.modules, "cv2", module)
    with pytest.raises(ImportError, match=message):
        image_reader.read_exact(path)
    image = image_reader.read_exact(gray)  # Pillow reads and writes 16-bit grey.
    assert np.asarray(Image.open(io.BytesIO(image.png(image.color)))).dtype == "uint16"
