"""Outputs that cannot be written are found before the work."""

import os

import pytest
from helpers.read_only import make_read_only

from keras_mra import files

pytestmark = pytest.mark.once


def test_what_was_missing_is_missing_afterwards(tmp_path):
    (tmp_path / "a").mkdir()
    files.probe_folder("out", tmp_path / "a")
    files.probe_folder("out", tmp_path / "a" / "b" / "c", ("d.txt",))
    files.probe_file("out", tmp_path / "a" / "b" / "d.txt")
    assert os.listdir(tmp_path) == ["a"] and os.listdir(tmp_path / "a") == []


def test_writers_make_the_missing_folder(tmp_path):
    with files.replacing(tmp_path / "a" / "b" / "c.txt") as part:
        part.write_text("new")
    with files.replacing_together(tmp_path / "d" / "e", ["f"], "out"):
        pass
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "new"
    assert os.listdir(tmp_path / "d" / "e") == ["f"]


def test_an_existing_folder_that_is_read_only(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()
    make_read_only(monkeypatch, folder)
    with pytest.raises(OSError, match="`out` must be a folder that can.*Read-only"):
        files.probe_folder("out", folder)
    with pytest.raises(OSError, match="`out` must be a file that can.*Read-only"):
        files.probe_file("out", folder / "a.png")


@pytest.mark.parametrize("path", ["file", "file/deep", "fifo"])
def test_a_folder_that_cannot_be_one(tmp_path, path):
    (tmp_path / "file").write_text("mine")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="`out` must be a folder that can be.*out='"):
        files.probe_folder("out", tmp_path / path)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_in_the_place_of_a_file_of_a_folder(tmp_path):
    (tmp_path / "config.json").mkdir()
    with pytest.raises(OSError, match="`out`.*config.json' must be a file.*a folder"):
        files.probe_folder("out", tmp_path, ("weights.h5", "config.json"))


@pytest.mark.parametrize("path", ["folder", "file/a.png", "/dev/null", "/proc/x/a"])
def test_a_file_that_cannot_be_one(tmp_path, path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="`out` must be a file that can be.*out='"):
        files.probe_file("out", tmp_path / path)


def test_a_file_and_its_folder(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.png").write_text("old")
    files.probe_file("out", tmp_path / "new" / "a.png")
    assert (tmp_path / "new" / "a.png").read_text() == "old"
    assert os.listdir(tmp_path / "new") == ["a.png"]


def test_leftovers_of_killed_processes_go(tmp_path):
    (tmp_path / f"{files.PREFIX}0").mkdir()
    (tmp_path / f"{files.PREFIX}0" / "a.png").write_text("half")
    files.probe_file("out", tmp_path / "a.png")
    assert os.listdir(tmp_path) == []
