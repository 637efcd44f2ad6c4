"""JPEG files whose data end early, and those that only look so."""

import contextlib
import io
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
    """The decoder only warns, and leaves the rest of the picture grey."""
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


@pytest.mark.parametrize("progressive", [True, False])
def test_a_jpeg_file_of_many_passes(tmp_path, progressive):
    path = jpeg(tmp_path / "a.jpg", progressive=progressive)
    content = path.read_bytes()
    last = content.rindex(SCAN)
    if not progressive:  # The data of one colour, which make several passes of it.
        content = content[:last] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + content[-2:]
    changed = content[:-2] + 101 * content[last:-2] + content[-2:]
    path.write_bytes(changed)
    for read in [*readers(path), lambda: fast_crops.read_upright(path, 8)]:
        with pytest.raises(ValueError, match="at most 100 passes. Received: more"):
            read()


def test_passes_behind_the_end_do_not_count(tmp_path):
    """A phone puts films behind a picture, which may hold the same bytes."""
    path = jpeg(tmp_path / "a.jpg", progressive=True)
    path.write_bytes(path.read_bytes() + 101 * SCAN)
    for read in readers(path):
        read()


@pytest.mark.parametrize("ending", [b"", b"\0"])
def test_a_long_run_of_fill_bytes(tmp_path, ending):
    """A search that begins again at each byte would take hours."""
    path = jpeg(tmp_path / "a.jpg", last_rows=128)
    content = path.read_bytes()
    path.write_bytes(content[:-2] + b"\xff" * 2**21 + ending + content[-2:])
    for read in [*readers(path), lambda: fast_crops.read_upright(path, 8)]:
        read()


def test_the_work_of_finding_markers_is_linear():
    """Whatever the bytes are, few are read twice."""

    class Counting(io.BytesIO):
        read_bytes = 0

        def read(self, *args):
            content = super().read(*args)
            self.read_bytes += len(content)
            return content

    size = 3 * 2**20
    for pattern in (b"\xff", b"\xff\0", b"\xff\xfe\0\2", b"\xff\xfe\xff\xff", b"\0"):
        file = Counting((pattern * size)[:size])
        found = sum(1 for _ in jpeg_data._markers(file))
        assert found <= size / 4
        assert file.read_bytes < 1.5 * size


@pytest.mark.parametrize("piece", [5, 16, 1000])
def test_markers_do_not_depend_on_the_pieces_of_reading(tmp_path, monkeypatch, piece):
    options = {"progressive": True, "restart_marker_blocks": 3}
    content = jpeg(tmp_path / "a.jpg", **options).read_bytes()
    expected = list(jpeg_data._markers(io.BytesIO(content * 2)))
    assert [content[place + 1] for _, place in expected] == [m for m, _ in expected]
    assert expected[-1] == (0xD9, len(content) - 2)
    assert sum(marker == SCAN[1] for marker, _ in expected) == 10
    monkeypatch.setattr(jpeg_data, "_PIECE", piece)
    assert list(jpeg_data._markers(io.BytesIO(content * 2))) == expected
