"""Files of a run: names, failures, full disks, checks and reports."""

import errno
import os
import pathlib
import sys

import numpy as np
import pytest
from helpers import forked
from helpers.augmenting import augment
from helpers.augmenting import copies_in
from helpers.augmenting import tree
from helpers.augmenting import write
from helpers.reading import noise
from helpers.reading import png16
from PIL import Image

import keras_mra
from keras_mra import files
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
        ({"copies": 10**12}, "an integer from 1 to 100,000. Received: copies=10"),
        ({"copies": 2, "temperature": 0}, "copies of an image would be equal"),
        ({"mask_ratio": 1.0}, "mask_ratio"),
        ({"mask_ratio": 0.01}, "mask_ratio"),
        ({"strategy": "best"}, "strategy"),
        ({"temperature": -1}, "temperature"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 10**9}, "from 1 to 65,536. Received: batch_size=1000000000"),
        ({"seed": -1}, "seed"),
        ({"seed": None}, "seed"),
        ({"format": "gif"}, "format='gif'"),
        ({"format": np.zeros(2)}, "`format` must be one of"),
        ({"quality": 0}, "quality=0"),
        ({"quality": 101}, "quality=101"),
        ({"include_originals": "yes"}, "include_originals='yes'"),
        ({"follow_links": "yes"}, "follow_links='yes'"),
        ({"mae": "mae"}, "keras_mra.MAE"),
        ({"engine": "spark"}, "engine='spark'"),
        ({"engine": "ray", "workers": 0}, "workers=0"),
        ({"workers": 2}, "`workers` must be None for the engine 'local'"),
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


# --- two processes, and what a killed one leaves -------------------------------------


def test_a_second_process_on_the_target_is_refused_by_the_name_of_the_first(
    mae, tmp_path
):
    write(tmp_path / "in" / "a.png", noise(16, 16, 3))
    (tmp_path / "out").mkdir()
    hold = lambda: files.locked(tmp_path / "out", "target")  # noqa: E731
    with forked.holding(hold) as first:
        with pytest.raises(OSError, match=f"`target` must .*process {first} on"):
            augment(mae, tmp_path)
        assert os.listdir(tmp_path / "out") == [files.LOCK]
    assert augment(mae, tmp_path).written == 1
    assert files.LOCK not in os.listdir(tmp_path / "out")


def test_leftovers_of_a_killed_run_are_removed(mae, tmp_path):
    write(tmp_path / "in" / "deep" / "a.png", noise(16, 16, 3))
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "deep" / f"{files.PREFIX}0").write_bytes(b"half")
    augment(mae, tmp_path)
    assert list(copies_in(tmp_path / "out")) == ["deep/a.png.mra1.png"]


# --- links, and what is no file ------------------------------------------------------


def test_nothing_is_written_through_links_in_the_target(mae, tmp_path):
    for name in ("a.png", "own/b.png", "linked/c.png", "own/deep/d.png", "e.png"):
        write(tmp_path / "in" / name, noise(16, 16, 3))
    out, beside = tmp_path / "out", tmp_path / "beside"
    (out / "own").mkdir(parents=True)
    (beside / "deep").mkdir(parents=True)
    (beside / "mine").write_text("mine")
    (out / "linked").symlink_to(beside)
    (out / "own" / "deep").symlink_to(beside / "deep")
    (out / "a.png.mra1.png").symlink_to(beside / "made")
    (out / "augment_settings.json").symlink_to(beside / "made too")
    (out / "e.png").symlink_to(beside / "made three")
    report = augment(mae, tmp_path, include_originals=True)
    assert tree(beside) == {"mine": b"mine"}
    assert os.listdir(beside / "deep") == []
    failed = {path.name for path, why in report.failed if "link or a file" in why}
    assert failed == {"c.png", "d.png"} and report.written == 3
    assert not (out / "a.png.mra1.png").is_symlink()
    assert not (out / "augment_settings.json").is_symlink()
    assert not (out / "e.png").is_symlink()


def test_a_target_that_is_a_link_is_the_folder_that_was_meant(mae, tmp_path):
    write(tmp_path / "in" / "deep" / "a.png", noise(16, 16, 3))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    assert augment(mae, tmp_path).written == 1
    assert list(copies_in(tmp_path / "elsewhere")) == ["deep/a.png.mra1.png"]


def test_what_stands_in_the_place_of_a_copy_is_that_files_failure(mae, tmp_path):
    for name in ("a.png", "b/b.png", "c.png"):
        write(tmp_path / "in" / name, noise(16, 16, 3))
    (tmp_path / "out" / "a.png.mra1.png").mkdir(parents=True)
    (tmp_path / "out" / "b").write_text("mine")
    report = augment(mae, tmp_path)
    assert {path.name for path, _ in report.failed} == {"a.png", "b.png"}
    assert report.written == 1 and report.skipped == 0
    assert (tmp_path / "out" / "b").read_text() == "mine"


def test_links_that_leave_the_source_are_left_out_unless_asked_for(mae, tmp_path):
    write(tmp_path / "in" / "a.png", noise(16, 16, 3))
    write(tmp_path / "beside" / "b.png", noise(16, 16, 3))
    (tmp_path / "in" / "c.png").symlink_to(tmp_path / "beside" / "b.png")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "beside")
    (tmp_path / "in" / "same.png").symlink_to(tmp_path / "in" / "a.png")
    report = augment(mae, tmp_path)
    assert [path.name for path, _ in report.left_out] == ["c.png", "folder"]
    assert all("leaves the folder" in why for _, why in report.left_out)
    assert list(copies_in(tmp_path / "out")) == [
        "a.png.mra1.png",
        "same.png.mra1.png",
    ]
    report = augment(mae, tmp_path, follow_links=True)
    assert (report.written, report.skipped, report.left_out) == (2, 2, [])
    assert {"c.png.mra1.png", "folder/b.png.mra1.png"} <= set(
        copies_in(tmp_path / "out")
    )


def test_a_fifo_is_left_out_and_does_not_wait(mae, tmp_path):
    write(tmp_path / "in" / "a.png", noise(16, 16, 3))
    os.mkfifo(tmp_path / "in" / "x.png")
    report = augment(mae, tmp_path)
    ((path, why),) = report.left_out
    assert path.name == "x.png" and "FIFO" in why and report.written == 1


def test_a_fifo_that_comes_later_is_that_files_failure(mae, tmp_path, monkeypatch):
    """After the files were listed, and between reading and copying an original."""
    for name in ("a.png", "b.png"):
        write(tmp_path / "in" / name, noise(16, 16, 3))
    read = originals.read_exact

    def exchange(path, *args):
        if path.name == "a.png":
            path.unlink()
            os.mkfifo(path)
        image = read(path, *args)
        path.unlink()
        os.mkfifo(path)
        return image

    monkeypatch.setattr(originals, "read_exact", exchange)
    report = augment(mae, tmp_path, include_originals=True)
    assert [path.name for path, why in report.failed if "FIFO" in why] == [
        "a.png",
        "b.png",
    ]
    assert list(copies_in(tmp_path / "out")) == ["b.png.mra1.png"]


def test_a_target_that_cannot_be_written_is_found_before_the_work(
    mae, tmp_path, monkeypatch
):
    write(tmp_path / "in" / "a.png", noise(16, 16, 3))
    monkeypatch.setattr(originals, "read_exact", None)  # It is not reached.
    (tmp_path / "file").write_text("mine")
    for target in ("file", "file/out"):
        with pytest.raises(OSError, match="`target` must be a folder that can be"):
            augment(mae, tmp_path, target)
