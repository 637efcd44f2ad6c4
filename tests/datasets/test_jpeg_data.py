"""JPEG files whose data end early, and those that only look so."""

import contextlib
import os

import numpy as np
import pytest
from helpers.peak_memory import peak_memory
from helpers.reading import readers
from PIL import Image

from keras_mra.datasets import fast_crops
from keras_mra.datasets import image_reader
from keras_mra.datasets import jpeg_data

pytestmark = pytest.mark.once

JPEGS = {
    "baseline": {},
    "full colour": {"subsampling": 0},
    "restarts": {"restart_marker_blocks": 3},
    "exif": {"exif": b"Exif\0\0\xff\xd9", "quality": 95},
}


def jpeg(path, mode="RGB", last_rows=None, **options):
    shape = (61, 50, *{"L": (), "RGB": (3,), "CMYK": (4,)}[mode])
    noise = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
    if last_rows is not None:
        noise[30:] = last_rows
    Image.frombytes(mode, (50, 61), noise.tobytes()).save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("kept", [0.1, 0.4, 0.9])
def test_a_jpeg_file_that_is_cut_and_closed(tmp_path, mode, kind, kept):
    """The decoder only warns, and leaves the rest of the picture gray."""
    path = jpeg(tmp_path / "a.jpg", mode, **JPEGS[kind])
    content = path.read_bytes()
    start = content.index(b"\xff\xda")
    cut = start + int(kept * (len(content) - start))
    path.write_bytes(content[:cut].rstrip(b"\xff") + b"\xff\xd9")
    for read in [*readers(path), lambda: fast_crops.read_upright(path, 8)]:
        with pytest.raises(ValueError, match="data end early: .* its last block"):
            read()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", [*JPEGS, "progressive"])
def test_a_whole_jpeg_file_that_ends_gray(tmp_path, mode, kind):
    options = JPEGS.get(kind, {"progressive": True})
    path = jpeg(tmp_path / "a.jpg", mode, last_rows=128, **options)
    path.write_bytes(path.read_bytes() + b"a film of a phone \xff\xd9")
    with Image.open(path) as image:
        assert jpeg_data.may_end_early(image.getpixel((49, 60)))
    for read in [*readers(path), lambda: fast_crops.read_upright(path, 8)]:
        read()


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (5, 200), (200, 5)])
def test_a_small_jpeg_file_that_is_gray(tmp_path, size):
    path = tmp_path / "a.jpg"
    Image.new("RGB", size, (128, 128, 128)).save(path)
    for read in [*readers(path), lambda: fast_crops.read_upright(path, 8)]:
        read()


SCAN, RESTART = b"\xff\xda", b"\xff\xd0"
ODD_MARKERS = {
    "fill bytes": lambda c: c.replace(RESTART, b"\xff" + RESTART, 1),
    "restart before the scan": lambda c: c.replace(SCAN, RESTART + SCAN),
    "TEM before the end": lambda c: c[:-2] + b"\xff\x01" + c[-2:],
    "stray bytes": lambda c: c.replace(SCAN, b"stray" + SCAN),
    "segment of no length": lambda c: c[:2] + b"\xff\xe5\0\0" + c[2:],
    "segment beyond the end": lambda c: c[:-2] + b"\xff\xe5\xff\xff" + c[-2:],
    "no end": lambda c: c[:-2] + bytes(50),
    "two starts": lambda c: c[:-2] + b"\xff\xd8" + c[-2:],
}


@pytest.mark.parametrize("odd", ODD_MARKERS)
def test_odd_markers_of_a_jpeg_file_that_ends_gray(tmp_path, odd):
    """What a decoder accepts is read, and the rest refused in words of ours."""
    path = jpeg(tmp_path / "a.jpg", last_rows=128, restart_marker_blocks=3)
    content = path.read_bytes()
    changed = ODD_MARKERS[odd](content)
    assert changed != content
    path.write_bytes(changed)
    try:
        with Image.open(path) as image:
            image.load()
    except OSError:
        expected = pytest.raises((OSError, ValueError))
    else:
        expected = contextlib.nullcontext()
    for read in readers(path):
        with expected:
            read()


@pytest.mark.parametrize("blocks", [1, 2])
def test_a_cut_is_seen_with_restarts_and_small_quantisers(tmp_path, blocks):
    """The first bits after each restart are often a value of zero."""
    options = {"quality": 97, "subsampling": 0, "restart_marker_blocks": blocks}
    content = jpeg(tmp_path / "a.jpg", **options).read_bytes()
    start = content.index(SCAN) + 14
    for cut in np.linspace(start, len(content) - 600, 20).astype(int):
        path = tmp_path / "cut.jpg"
        path.write_bytes(content[:cut].rstrip(b"\xff") + b"\xff\xd9")
        with pytest.raises(ValueError, match="data end early"):
            image_reader.read_exact(path)


def test_a_cut_is_seen_beside_a_tint_of_the_last_pixel(tmp_path):
    """Colours are stored at half the size, and interpolated across blocks."""
    path = tmp_path / "a.jpg"
    red = np.zeros((17, 94, 3), "uint8") + np.array([200, 30, 30], "uint8")
    Image.fromarray(red).save(path, quality=90)
    content = path.read_bytes()
    path.write_bytes(content[:-10].rstrip(b"\xff") + b"\xff\xd9")
    with Image.open(path) as image:
        corner = image.getpixel((93, 16))
    assert max(corner) - min(corner) > 5
    with pytest.raises(ValueError, match="data end early"):
        image_reader.read_exact(path)


def test_data_behind_a_jpeg_picture_take_no_memory(tmp_path):
    path = jpeg(tmp_path / "a.jpg", last_rows=128)
    os.truncate(path, 1_500_000_000)
    for name, module in (
        ("read_exact", "image_reader"),
        ("read_upright", "fast_crops"),
    ):
        code = f"from keras_mra.datasets import {module}"
        rest = ", 8" if module == "fast_crops" else ""
        grown, _ = peak_memory(code, f"{module}.{name}('a.jpg'{rest})", tmp_path)
        assert grown < 300


def test_a_jpeg_file_of_many_passes(tmp_path):
    path = jpeg(tmp_path / "a.jpg", progressive=True)
    content = path.read_bytes()
    last = content.rindex(SCAN)
    path.write_bytes(content[:-2] + 101 * content[last:-2] + content[-2:])
    for read in readers(path):
        with pytest.raises(ValueError, match="at most 100 passes. Received: 1[01]"):
            read()
