"""Files of a run: names, failures, full disks, checks and reports."""

import errno
import os
import pathlib
import sys

import numpy as np
import pytest
from helpers.augmenting import augment
from helpers.augmenting import copies_in
from helpers.augmenting import tree
from helpers.augmenting import write
from helpers.reading import noise
from helpers.reading import png16
from PIL import Image

import keras_mra
from keras_mra.augment import originals
from keras_mra.augment import write_copies

# They ask what happens to files, not what is painted.
pytestmark = pytest.mark.once


def test_tree_is_mirrored_without_collisions(mae, tmp_path):
    names = ["a.png", "a.jpg", "A.PNG", "x/y/a.png", "x/a.webp", "ünï cödé.png"]
    for name in names:
        write(tmp_path / "in" / name, noise(8, 8, 3))
    report = augment(mae, tmp_path, copies=2, batch_size=5)
    expected = sorted(f"{name}.mra{i}.png" for name in names for i in (1, 2))
    assert sorted(copies_in(tmp_path / "out")) == expected and report.written == 12


def test_source_is_not_touched(mae, tmp_path):
    write(tmp_path / "in" / "a.png", noise(8, 8, 3))
    before = tree(tmp_path / "in")
    augment(mae, tmp_path)
    assert tree(tmp_path / "in") == before


def test_more_copies_are_added_to_those_there(mae, tmp_path):
    write(tmp_path / "in" / "a.png", noise(16, 16, 3))
    augment(mae, tmp_path)
    report = augment(mae, tmp_path, copies=3)
    assert (report.written, report.skipped) == (2, 1)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_full_disk_stops_with_the_name_and_nothing_half_written(
    mae, tmp_path, monkeypatch, code
):
    for i in range(3):
        write(tmp_path / "in" / f"{i}.png", noise(16, 16, 3))
    fsync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        # A file and its folder each: after the record and the first copy.
        if len(calls) == 5:
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="1.png.mra1.png") as caught:
        augment(mae, tmp_path)
    assert caught.value.errno == code
    assert ("disk is full" in str(caught.value)) == (code == errno.ENOSPC)
    assert list(copies_in(tmp_path / "out")) == ["0.png.mra1.png"]


def test_name_too_long_is_that_files_failure(mae, tmp_path):
    write(tmp_path / "in" / ("a" * 250 + ".png"), noise(16, 16, 3))
    write(tmp_path / "in" / "b.png", noise(16, 16, 3))
    report = augment(mae, tmp_path)
    assert report.written == 1 and len(report.failed) == 1
    assert list(copies_in(tmp_path / "out")) == ["b.png.mra1.png"]


def test_broken_files_are_reported_and_do_not_stop_the_run(mae, tmp_path, monkeypatch):
    source = tmp_path / "in"
    write(source / "good.png", noise(16, 16, 3))
    (source / "empty.png").write_bytes(b"")
    (source / "text.jpg").write_bytes(b"no image")
    cut = write(source / "cut.png", noise(64, 64, 3))
    cut.write_bytes(cut.read_bytes()[:2000])
    deep = png16(noise(40, 40, 3, dtype="uint16"))
    (source / "deep.png").write_bytes(deep[:3000])
    flipped = bytearray(deep)
    flipped[500] ^= 1
    (source / "flipped.png").write_bytes(flipped)
    Image.fromarray(np.zeros((4, 4), "float32")).save(source / "float.tif")
    write(source / "bomb.png", np.zeros((120, 120), "uint8"))
    write(source / "huge.png", np.zeros((300, 300), "uint8"))
    report = augment(mae, tmp_path, copies=2, max_megapixels=0.01)
    assert report.written == 2
    failed = {path.name: reason for path, reason in report.failed}
    broken = {path.name for path in source.iterdir()} - {"good.png"}
    assert set(failed) == broken and len(report.failed) == len(broken) == 8
    assert all(failed.values()) and "120x120" in failed["bomb.png"]
    assert sorted(copies_in(tmp_path / "out")) == [
        "good.png.mra1.png",
        "good.png.mra2.png",
    ]


def test_folders_are_checked(mae, tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        augment(mae, tmp_path)
    (tmp_path / "in").mkdir()
    with pytest.raises(ValueError, match="holds no image"):
        augment(mae, tmp_path)
    write(tmp_path / "in" / "a.png", noise(8, 8, 3))
    for target in ("in", "in/out", ".", "in/../in"):
        with pytest.raises(ValueError, match="outside `source`"):
            augment(mae, tmp_path, target)
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(OSError, match="`target` must be a folder.*is a file"):
        augment(mae, tmp_path)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"copies": 0}, "copies=0"),
        ({"copies": 2, "temperature": 0}, "copies of an image would be equal"),
        ({"mask_ratio": 1.0}, "mask_ratio"),
        ({"mask_ratio": 0.01}, "mask_ratio"),
        ({"strategy": "best"}, "strategy"),
        ({"temperature": -1}, "temperature"),
        ({"batch_size": 0}, "batch_size"),
        ({"seed": -1}, "seed"),
        ({"seed": None}, "seed"),
        ({"format": "gif"}, "format='gif'"),
        ({"quality": 0}, "quality=0"),
        ({"quality": 101}, "quality=101"),
        ({"include_originals": "yes"}, "include_originals='yes'"),
        ({"mae": "mae"}, "keras_mra.MAE"),
    ],
)
def test_arguments_are_checked_before_any_work(mae, tmp_path, kwargs, message):
    write(tmp_path / "in" / "a.png", noise(8, 8, 3))
    with pytest.raises(ValueError, match=message):
        augment(kwargs.pop("mae", mae), tmp_path, **kwargs)
    assert not (tmp_path / "out").exists()


def test_two_channel_mae_is_refused(two_channel_mae, tmp_path):
    with pytest.raises(ValueError, match="1, 3 or 4 channels"):
        augment(two_channel_mae, tmp_path)


def test_mae_that_does_not_predict_pixels_is_refused(normalized_mae, tmp_path):
    with pytest.raises(ValueError, match="norm_pix_loss=False"):
        augment(normalized_mae, tmp_path)


def test_originals_are_held_by_the_batch(mae, tmp_path, monkeypatch):
    for i in range(7):
        write(tmp_path / "in" / f"{i}.png", noise(16, 16, 3))
    sizes, grouped = [], originals.grouped

    def noted(*args):
        for group in grouped(*args):
            sizes.append(len(group))
            yield group

    monkeypatch.setattr(write_copies, "grouped", noted)
    augment(mae, tmp_path)
    assert sizes == [4, 3]
    monkeypatch.setattr(originals, "VALUES_AT_ONCE", 16 * 16 * 3 * 2)
    sizes.clear()
    augment(mae, tmp_path, "other")
    assert sizes == [2, 2, 2, 1]


def test_missing_opencv_is_the_failure_of_sixteen_bit_colour_alone(
    mae, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "cv2", None)
    write(tmp_path / "in" / "a.png", noise(16, 16, 3))
    write(tmp_path / "in" / "b.png", noise(16, 16, dtype="uint16"))
    write(tmp_path / "in" / "c.png", noise(16, 16, dtype="uint16"), transparency=7)
    (tmp_path / "in" / "d.png").write_bytes(png16(noise(16, 16, 3, dtype="uint16")))
    report = augment(mae, tmp_path)
    assert list(copies_in(tmp_path / "out")) == ["a.png.mra1.png", "b.png.mra1.png"]
    assert [path.name for path, _ in sorted(report.failed)] == ["c.png", "d.png"]
    assert all("pip install 'keras-mra[images]'" in why for _, why in report.failed)


def test_progress_bar(mae, tmp_path, capsys):
    write(tmp_path / "in" / "a.png", noise(16, 16, 3))
    augment(mae, tmp_path, progress=True, copies=2)
    assert "2/2" in capsys.readouterr().out


def test_paths_may_be_strings_and_relative(mae, tmp_path, monkeypatch):
    write(tmp_path / "in" / "a.png", noise(16, 16, 3))
    monkeypatch.chdir(tmp_path)
    assert keras_mra.augment_folder(mae, "in", "out", progress=False).written == 1
    assert pathlib.Path("out/a.png.mra1.png").exists()


def test_animated_files_are_named(mae, tmp_path):
    frames = [Image.fromarray(noise(16, 16, 3)) for _ in range(2)]
    (tmp_path / "in").mkdir()
    for name in ("a.gif", "b.png", "c.webp"):
        frames[0].save(tmp_path / "in" / name, save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "in" / "still.gif")
    report = augment(mae, tmp_path)
    assert [path.name for path in report.animated] == ["a.gif", "b.png", "c.webp"]
    assert (report.written, report.failed) == (4, [])
