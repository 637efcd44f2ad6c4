"""Picture files from strangers: their formats, their sizes, and data that end early."""

import struct
import time
import zlib

import numpy as np
import pytest
from helpers.peak_memory import peak_memory
from helpers.reading import readers
from PIL import Image

import keras_mra
from keras_mra import datasets
from keras_mra.datasets import image_reader

pytestmark = pytest.mark.once

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(name, data):
    return (
        struct.pack(">I", len(data))
        + name
        + data
        + struct.pack(">I", zlib.crc32(name + data))
    )


def png(width, height, depth=8, color=2, rows=None, value=0x55, interlace=0, bits=None):
    """A PNG file with the data of some of its rows, without an error in it."""
    length = 1 + (width * SAMPLES[color] * depth + 7) // 8
    row = b"\0" + bytes([value]) * (length - 1)
    data = row * (height if rows is None else rows)
    if bits is not None:
        data = bytes(bits)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if color == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + palette
        + chunk(b"IDAT", zlib.compress(data, 9))
        + chunk(b"IEND", b"")
    )


# --- data that end early --------------------------------------------------------------

FORMS = [(8, 0), (8, 2), (8, 3), (8, 4), (8, 6), (1, 0), (16, 0), (16, 2), (16, 6)]


@pytest.mark.parametrize("depth, color", FORMS)
def test_a_png_file_whose_data_end_early(tmp_path, depth, color):
    path = tmp_path / "a.png"
    path.write_bytes(png(50, 40, depth, color, rows=39))
    for read in readers(path):
        with pytest.raises(ValueError, match="data end early: .* of .* bytes"):
            read()


@pytest.mark.parametrize("depth, color", FORMS)
@pytest.mark.parametrize("value", [0, 0x55])
def test_a_whole_png_file(tmp_path, depth, color, value):
    """A black last row is no sign of missing data if the data are there."""
    path = tmp_path / "a.png"
    path.write_bytes(png(50, 40, depth, color, value=value))
    for read in readers(path):
        read()


@pytest.mark.parametrize("side", [1, 2, 5, 8, 13])
@pytest.mark.parametrize("missing", [0, 1])
def test_an_interlaced_png_file(tmp_path, side, missing):
    """Adam7 cuts a picture into seven smaller ones."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)]
    passes += [(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    size = 0
    for left, top, right, down in passes:
        columns, rows = len(range(left, side, right)), len(range(top, side, down))
        size += rows * (1 + columns) if columns else 0
    path = tmp_path / "a.png"
    path.write_bytes(png(side, side, 8, 0, interlace=1, bits=size - missing))
    for read in readers(path):
        if missing:
            with pytest.raises((ValueError, OSError), match="end early|truncated|brok"):
                read()
        else:
            read()


def test_a_jpeg_file_without_data(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (16, 16)).save(path)
    content = bytearray(path.read_bytes())
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 9000, 9000)
    path.write_bytes(content)
    for read in readers(path):
        with pytest.raises(ValueError, match="end early: .* cannot hold 9000x9000 pix"):
            read()


@pytest.mark.parametrize("compression", [1, 5, 32946])
def test_a_small_tiff_file_of_large_tiles(tmp_path, compression):
    entries = {
        256: 8, 257: 8, 258: 8, 259: compression, 262: 1, 277: 1,
        322: 26_000, 323: 26_000, 324: 200, 325: 8,
    }  # fmt: skip
    body = b"".join(struct.pack("<HHII", tag, 4, 1, v) for tag, v in entries.items())
    content = b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4)
    path = tmp_path / "a.tif"
    path.write_bytes(content.ljust(208, b"\0"))
    for read in readers(path):
        with pytest.raises(ValueError, match="676.0 megapixels"):
            read()


def test_a_bmp_file_of_empty_lines(tmp_path):
    """Two bytes stand for a line, which Pillow decodes slowly."""
    data = b"\0\0" * 9000 + b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, 9999, 9000, 1, 8, 1, len(data), 0, 0, 0, 0)
    start = 14 + 40 + 1024
    content = struct.pack("<2sIII", b"BM", start + len(data), 0, start) + header
    path = tmp_path / "a.bmp"
    path.write_bytes(content + bytes(1024) + data)
    for read in readers(path):
        with pytest.raises(ValueError, match="cannot hold 9999x9000 pixels"):
            read()


@pytest.mark.parametrize("where", ["before", "twice"])
def test_a_png_file_of_two_headers(tmp_path, where):
    """Pillow takes the last one, whose rows are not there."""
    small, large = png(4, 4), png(2000, 2000, rows=1)
    header = small[8:33]
    if where == "before":
        header = chunk(b"teSt", header[8:21])
    path = tmp_path / "a.png"
    path.write_bytes(large[:8] + header + large[8:])
    for read in readers(path):
        with pytest.raises(ValueError, match="must begin with its header, and have no"):
            read()


@pytest.mark.parametrize("name", ["transparency", "exif", "icc_profile", "interlace"])
@pytest.mark.parametrize("late", [False, True])
def test_a_text_of_a_png_file_with_a_name_that_pillow_uses(tmp_path, name, late):
    content = png(8, 8, color=0)
    text = chunk(b"tEXt", name.encode() + b"\0some words")
    place = -12 if late else 33
    path = tmp_path / "a.png"
    path.write_bytes(content[:place] + text + content[place:])
    for read in readers(path):
        read()
    folder = datasets.FolderDataset(tmp_path, (8, 8, 3), batch_size=1)
    assert folder[0].shape == (1, 8, 8, 3)
    assert not folder.unreadable


def test_values_that_cannot_be_converted_are_unreadable(tmp_path):
    Image.fromarray(np.full((8, 8), 70_000, "int32")).save(tmp_path / "a.tif")
    Image.new("L", (8, 8)).save(tmp_path / "b.png")
    folder = datasets.FolderDataset(tmp_path, (8, 8, 1), batch_size=2)
    assert folder[0].shape == (2, 8, 8, 1)
    assert [path.name for path in folder.unreadable] == ["a.tif"]


def test_a_limit_of_pillow_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    path = tmp_path / "a.webp"
    Image.new("RGB", (50, 50)).save(path)
    with pytest.raises(ValueError, match="`PIL.Image.MAX_IMAGE_PIXELS`, which the"):
        image_reader.read_exact(path)


@pytest.mark.parametrize("ending", ["jpg", "webp", "bmp", "gif", "tif", "png"])
def test_a_file_that_is_cut(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    noise = np.random.default_rng(0).integers(0, 256, (60, 50, 3)).astype("uint8")
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-1200])
    for read in readers(path):
        with pytest.raises((ValueError, OSError)):
            read()


def test_a_small_png_file_of_many_pixels_takes_no_memory(tmp_path):
    """9000x9000 pixels of 16 bits, of which one row has data: 450 MB decoded."""
    (tmp_path / "in").mkdir()
    for name, depth, color in (("a", 16, 2), ("b", 8, 2), ("c", 16, 0)):
        content = png(9000, 9000, depth, color, rows=1)
        assert len(content) < 300
        (tmp_path / "in" / f"{name}.png").write_bytes(content)
    started = time.monotonic()
    for path in (tmp_path / "in").iterdir():
        for read in readers(path):
            with pytest.raises(ValueError, match="cannot hold 9000x9000 pixels"):
                read()
    assert time.monotonic() - started < 1
    grown, _ = peak_memory(WITH_MAE, "augment('in', 'out')", tmp_path)
    assert grown < 200
    assert not list((tmp_path / "out").glob("*.png"))


# --- size -----------------------------------------------------------------------------


def test_a_limit_of_megapixels_that_an_argument_raises(tmp_path):
    """Pillow's own limit, of 89 and 179 million pixels, does not count."""
    path = tmp_path / "a.png"
    path.write_bytes(png(20_000, 9_000, 1, 0))
    for read in readers(path):
        with pytest.raises(ValueError, match="`max_megapixels` can raise.*180.0 mega"):
            read()
    assert image_reader.read_upright(path, 8, 180).size == (20_000, 9_000)


def test_folders_have_the_limit_too(tmp_path):
    Image.new("RGB", (100, 100), "red").save(tmp_path / "small.png")
    Image.new("RGB", (200, 200), "blue").save(tmp_path / "large.png")
    shape, limits = (8, 8, 3), dict(max_megapixels=0.02)
    data = datasets.FolderDataset(tmp_path, shape, 2, crop="center", **limits)
    np.testing.assert_array_equal(data.batch(np.arange(2))[:, 0, 0], [[255, 0, 0]] * 2)
    assert [path.name for path in data.unreadable] == ["large.png"]
    data = datasets.FolderDataset(tmp_path, shape, 2, **limits)
    assert [path.name for path in data.find_unreadable()] == ["large.png"]
    loaded = datasets.load(f"folder:{tmp_path}", image_shape=shape, **limits)
    assert loaded.train.max_megapixels == 0.02
    with pytest.warns(UserWarning, match="large.png.*at most 0.02 megapixels"):
        images, _ = datasets.images_and_masks(tmp_path, shape, **limits)
    assert len(images) == 1


@pytest.mark.parametrize("value", [0, -1, "many", np.nan, None])
def test_limits_that_are_none(tmp_path, value):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    mae = keras_mra.MAE((8, 8, 3), 4, encoder_depth=1, decoder_depth=1)
    for call in (
        lambda: datasets.FolderDataset(tmp_path, (8, 8, 3), 1, max_megapixels=value),
        lambda: datasets.load(f"folder:{tmp_path}", max_megapixels=value),
        lambda: datasets.images_and_masks(tmp_path, (8, 8, 3), max_megapixels=value),
        lambda: keras_mra.augment_folder(
            mae, tmp_path, tmp_path / "out", max_megapixels=value
        ),
        lambda: keras_mra.pretrain_mae(f"folder:{tmp_path}", max_megapixels=value),
    ):
        with pytest.raises(ValueError, match="`max_megapixels` must be a positive num"):
            call()


WITH_MAE = """
import keras_mra, numpy as np
mae = keras_mra.MAE((32, 32, 3), 8, encoder_depth=1, decoder_depth=1)
# What the first call takes, whatever the picture.
import os
from PIL import Image
os.mkdir("first")
Image.new("RGB", (40, 40)).save("first/a.png")
def augment(source, target):
    keras_mra.augment_folder(mae, source, target, progress=False, batch_size=2)
augment("first", "done")
"""
MEGAPIXELS = 8


def save_photograph(path, mode="RGB"):
    """An honest picture of `MEGAPIXELS`."""
    rng = np.random.default_rng(0)
    shape = (2000, 4000, len(mode))
    pixels = rng.integers(60, 70, shape).astype("uint8")
    Image.fromarray(pixels[..., 0] if mode == "L" else pixels).save(
        path, compress_level=1
    )


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_memory_of_augment_per_megapixel(tmp_path, mode):
    (tmp_path / "in").mkdir()
    save_photograph(tmp_path / "in" / "a.png", mode)
    grown, _ = peak_memory(WITH_MAE, "augment('in', 'out')", tmp_path)
    assert (tmp_path / "out" / "a.png.mra1.png").is_file()
    assert grown < 18 * MEGAPIXELS


def test_the_memory_of_sixteen_bits_per_megapixel(tmp_path):
    cv2 = pytest.importorskip("cv2")
    (tmp_path / "in").mkdir()
    pixels = np.full((2000, 4000, 4), 40_000, "uint16")
    cv2.imwrite(str(tmp_path / "in" / "a.png"), pixels)
    grown, _ = peak_memory(WITH_MAE, "augment('in', 'out')", tmp_path)
    assert (tmp_path / "out" / "a.png.mra1.png").is_file()
    assert grown < 28 * MEGAPIXELS


def test_the_memory_of_a_webp_file_of_few_bytes(tmp_path):
    (tmp_path / "in").mkdir()
    turned = Image.Exif()
    turned[0x0112] = 6
    path = tmp_path / "in" / "a.webp"
    Image.new("RGBA", (4000, 2000), (1, 2, 3, 4)).save(path, lossless=True, exif=turned)
    assert path.stat().st_size < 2000
    grown, _ = peak_memory(WITH_MAE, "augment('in', 'out')", tmp_path)
    assert (tmp_path / "out" / "a.webp.mra1.png").is_file()
    assert grown < 21 * MEGAPIXELS


def test_the_memory_of_a_folder_per_megapixel(tmp_path):
    for name, mode in (("a", "RGB"), ("b", "RGBA"), ("c", "L")):
        save_photograph(tmp_path / f"{name}.png", mode)
    deep = np.zeros((2000, 4000), "uint16")
    Image.fromarray(deep).save(tmp_path / "d.png")
    Image.fromarray(deep.astype("float32")).save(tmp_path / "e.tif")
    code = "data.batch(np.arange(5))"
    grown, _ = peak_memory(READING, code, tmp_path)
    assert grown < 12 * MEGAPIXELS + 30


READING = """
import keras_mra, numpy as np
data = keras_mra.datasets.FolderDataset(".", (64, 64, 3), 5, workers=1)
"""


# --- formats --------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["EPS", "PPM", "ICO", "PDF", "TGA", "PCX"])
def test_other_formats_are_not_decoded(tmp_path, format):
    path = tmp_path / "a.png"
    Image.new("RGB", (16, 16)).save(path, format)
    for read in [*readers(path), lambda: image_reader.read_header(path)]:
        with pytest.raises(OSError, match="none of the formats PNG, JPEG, WEBP"):
            read()


def test_postscript_starts_no_program(tmp_path, monkeypatch):
    gs = tmp_path / "gs"
    gs.write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\n")
    gs.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "x.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    for read in readers(path):
        with pytest.raises(OSError):
            read()
    assert not (tmp_path / "started").exists()
