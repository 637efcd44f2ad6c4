"""Originals in the target, which make it a training set."""

import os

import numpy as np
import pytest
from helpers.augmenting import augment
from helpers.augmenting import copies_in
from helpers.augmenting import tree
from helpers.augmenting import write
from helpers.reading import noise
from PIL import Image

pytestmark = pytest.mark.once


def rotated():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_upright_originals_are_copied_byte_for_byte(mae, tmp_path, format):
    names = ["a.png", "x/b.jpg", "x/c.webp", "y/d.gif"]
    for name in names:
        write(tmp_path / "in" / name, noise(16, 16, 3))
    report = augment(mae, tmp_path, include_originals=True, copies=2, format=format)
    assert (report.written, report.originals, report.failed) == (8, 4, [])
    found = copies_in(tmp_path / "out")
    assert len(found) == 12
    assert tree(tmp_path / "in").items() <= found.items()


def test_rotated_originals_are_written_upright_as_copies_are(mae, tmp_path):
    pixels = noise(20, 30, 3)
    write(tmp_path / "in" / "a.png", pixels, exif=rotated())
    report = augment(mae, tmp_path, include_originals=True)
    assert (report.written, report.originals) == (1, 1)
    assert list(copies_in(tmp_path / "out")) == ["a.png.mra0.png", "a.png.mra1.png"]
    original = Image.open(tmp_path / "out" / "a.png.mra0.png")
    np.testing.assert_array_equal(np.asarray(original), np.rot90(pixels, -1))
    assert original.getexif()[0x0112] == 1
    again = augment(mae, tmp_path, include_originals=True)
    assert (again.written, again.skipped, again.originals) == (0, 1, 0)


def test_originals_are_added_to_copies_that_are_there(mae, tmp_path):
    for i in range(6):
        write(tmp_path / "in" / f"{i}.png", noise(16, 16, 3))
    augment(mae, tmp_path, copies=2)
    before = copies_in(tmp_path / "out")
    report = augment(mae, tmp_path, copies=2, include_originals=True)
    assert (report.written, report.skipped, report.originals) == (0, 12, 6)
    after = copies_in(tmp_path / "out")
    assert after == before | tree(tmp_path / "in")
    (tmp_path / "out" / "3.png").unlink()
    report = augment(mae, tmp_path, copies=2, include_originals=True)
    assert (report.written, report.originals) == (0, 1)
    assert copies_in(tmp_path / "out") == after


def test_files_without_copies(mae, tmp_path):
    """A broken file is left out; one that the format does not hold is copied."""
    source = tmp_path / "in"
    write(source / "deep.png", noise(16, 16, dtype="uint16"))
    write(source / "turned.png", noise(16, 16, dtype="uint16"), exif=rotated())
    (source / "broken.png").write_bytes(b"no image")
    write(source / "good.jpg", noise(16, 16, 3))
    report = augment(mae, tmp_path, include_originals=True, format="jpeg")
    assert report.originals == 2
    names = ["broken.png", "deep.png", "turned.png"]
    assert sorted(path.name for path, _ in report.failed) == names
    assert list(copies_in(tmp_path / "out")) == [
        "deep.png",
        "good.jpg",
        "good.jpg.mra1.jpg",
    ]


def test_a_copy_with_the_name_of_an_original_is_refused(mae, tmp_path):
    for name in ("x/a.png", "x/a.png.mra2.png"):
        write(tmp_path / "in" / name, noise(16, 16, 3))
    with pytest.raises(ValueError, match=r"`include_originals` must .*a\.png\.mra2"):
        augment(mae, tmp_path, include_originals=True, copies=2)
    assert not (tmp_path / "out").exists()
    assert augment(mae, tmp_path, include_originals=True).originals == 2
    assert augment(mae, tmp_path, "other", copies=2).written == 4


@pytest.mark.parametrize("writes", range(2, 9))
def test_a_killed_run_with_originals_goes_on(mae, tmp_path, monkeypatch, writes):
    for name in ("a.png", "b.jpg", "c.jpg"):
        exif = rotated() if name == "c.jpg" else Image.Exif()
        pixels = np.random.default_rng(0).integers(0, 256, (16, 20, 3), "uint8")
        write(tmp_path / "in" / name, pixels, exif=exif)
    arguments = {"include_originals": True, "format": "same", "copies": 2}
    arguments["batch_size"] = 2
    augment(mae, tmp_path, "whole", **arguments)
    replace, left = os.replace, [writes]

    def killed(source, target, **folders):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        replace(source, target, **folders)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            augment(mae, tmp_path, **arguments)
    assert len(tree(tmp_path / "out")) == writes  # One of them is the record.
    report = augment(mae, tmp_path, **arguments)
    assert report.written + report.skipped == 6
    assert report.written + report.originals == 10 - writes
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
