"""Formats of copies: names, endings, pixels, metadata and what they do not hold."""

import numpy as np
import pytest
from helpers.augmenting import augment
from helpers.augmenting import changed_patches
from helpers.augmenting import copies_in
from helpers.augmenting import write
from helpers.reading import noise
from helpers.reading import png16
from PIL import Image
from PIL import ImageOps

from keras_mra.augment.copy_format import CopyFormat

pytestmark = pytest.mark.once

ENDINGS = {"png": ("PNG", ".png"), "jpeg": ("JPEG", ".jpg"), "webp": ("WEBP", ".webp")}


def smooth(*size):
    """An image that lossy formats keep nearly as it is."""
    return np.asarray(
        Image.fromarray(noise(4, 4, 3)).resize(size, Image.Resampling.BICUBIC)
    )


@pytest.mark.parametrize("format", ENDINGS)
def test_copies_have_the_format_and_stay_near_the_pixels(mae, tmp_path, format):
    pixels = smooth(64, 64)
    write(tmp_path / "in" / "a.png", pixels, icc_profile=b"profile")
    report = augment(mae, tmp_path, format=format, copies=2)
    assert (report.written, report.failed) == (2, [])
    kind, ending = ENDINGS[format]
    assert sorted(copies_in(tmp_path / "out")) == [
        f"a.png.mra{number}{ending}" for number in (1, 2)
    ]
    copy = Image.open(tmp_path / "out" / f"a.png.mra1{ending}")
    assert copy.format == kind and copy.info["icc_profile"] == b"profile"
    error = np.abs(np.asarray(copy.convert("RGB"), "int16") - pixels).max(-1)
    # (rows, columns) of patches; neighbours of painted patches change as well.
    near = (error.reshape(4, 16, 4, 16) < 40).mean((1, 3)) == 1
    assert near.any() and (error > 40).any()
    if format == "png":
        changed = changed_patches(pixels, np.asarray(copy), mae.grid)
        assert changed.sum() == round(0.4 * mae.num_patches)


def test_same_is_the_format_of_each_file(mae, tmp_path):
    names = {"a.jpg": ".jpg", "b.JPEG": ".jpg", "c.webp": ".webp", "d.png": ".png"}
    names |= {"e.tif": ".png", "f.gif": ".png", "g.bmp": ".png"}
    for name in names:
        write(tmp_path / "in" / name, smooth(16, 16))
    assert augment(mae, tmp_path, format="same").failed == []
    expected = sorted(f"{name}.mra1{ending}" for name, ending in names.items())
    assert sorted(copies_in(tmp_path / "out")) == expected
    for name in expected:
        copy = Image.open(tmp_path / "out" / name)
        assert ENDINGS[copy.format.lower()][1] == name[name.rindex(".") :]


@pytest.mark.parametrize("format", ["jpeg", "webp", "same"])
def test_quality_decides_the_size(mae, tmp_path, format):
    write(tmp_path / "in" / "a.jpg", noise(64, 64, 3), quality=100)
    sizes = []
    for quality in (20, 60, 95):
        target = f"out{quality}"
        augment(mae, tmp_path, target, format=format, quality=quality)
        (content,) = copies_in(tmp_path / target).values()
        sizes.append(len(content))
    assert sizes[0] < 0.8 * sizes[1] < 0.6 * sizes[2]


def test_jpg_is_another_name_of_jpeg():
    assert CopyFormat("jpg", 90).format == "jpeg"


def test_png_does_not_depend_on_the_quality():
    assert CopyFormat("png", 50).quality is None
    assert CopyFormat("same", 50).quality == 50


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_what_a_format_does_not_hold_fails_once_with_advice(mae, tmp_path, format):
    source = tmp_path / "in"
    write(source / "good.png", smooth(16, 16))
    write(source / "clear.png", np.dstack([smooth(16, 16), noise(16, 16)]))
    write(
        source / "opaque.png",
        np.dstack([smooth(16, 16), np.full((16, 16), 255, "uint8")]),
    )
    write(source / "gray.png", noise(16, 16), icc_profile=b"gray profile")
    write(source / "deep.png", noise(16, 16, dtype="uint16"))
    (source / "colors.png").write_bytes(png16(noise(16, 16, 3, dtype="uint16")))
    report = augment(mae, tmp_path, format=format, copies=2)
    failed = {path.name: reason for path, reason in report.failed}
    assert len(report.failed) == len(failed)
    assert all("use the format png" in reason for reason in failed.values())
    names = {"deep.png", "colors.png"} | ({"clear.png"} if format == "jpeg" else set())
    assert set(failed) == names
    assert report.written == 2 * (6 - len(names))
    out, ending = tmp_path / "out", ENDINGS[format][1]
    gray = Image.open(out / f"gray.png.mra1{ending}")
    if format == "jpeg":
        assert gray.mode == "L" and gray.info["icc_profile"] == b"gray profile"
    else:
        assert gray.mode == "RGB" and "icc_profile" not in gray.info
        clear = Image.open(out / f"clear.png.mra1{ending}")
        alpha = np.asarray(Image.open(source / "clear.png"))[..., 3]
        np.testing.assert_array_equal(np.asarray(clear)[..., 3], alpha)
    again = augment(mae, tmp_path, format=format, copies=2)
    assert (again.written, again.skipped) == (0, report.written)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_a_rotated_file_gives_the_copies_of_the_upright_one(mae, tmp_path, format):
    exif = Image.Exif()
    exif[0x0112], exif[0x0131] = 6, "software"
    pixels = smooth(48, 32)
    write(tmp_path / "in" / "a.png", pixels, exif=exif)
    arguments = {"copies": 3, "format": format}
    augment(mae, tmp_path, "rotated", **arguments)
    upright = ImageOps.exif_transpose(Image.open(tmp_path / "in" / "a.png"))
    write(tmp_path / "in" / "a.png", np.asarray(upright))
    augment(mae, tmp_path, "upright", **arguments)
    found = list(copies_in(tmp_path / "rotated"))
    assert len(found) == 3 and found == list(copies_in(tmp_path / "upright"))
    for name in found:
        one, other = (Image.open(tmp_path / folder / name) for folder in
                      ("rotated", "upright"))  # fmt: skip
        assert dict(one.getexif()) == {0x0112: 1, 0x0131: "software"}
        assert one.size == (32, 48)
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_an_encoder_that_fails_is_that_files_failure(mae, tmp_path):
    write(tmp_path / "in" / "wide.png", np.zeros((1, 20_000), "uint8"))
    write(tmp_path / "in" / "x.png", smooth(16, 16))
    report = augment(mae, tmp_path, format="webp")  # At most 16383 pixels wide.
    assert [path.name for path, _ in report.failed] == ["wide.png"]
    assert all(reason for _, reason in report.failed)
    assert list(copies_in(tmp_path / "out")) == ["x.png.mra1.webp"]
