"""Files in a tree, and never outside of it."""

import contextlib
import itertools
import os
import sys
import threading

import pytest

from keras_mra import files

pytestmark = pytest.mark.once

# Its function has the name of the module.
module = sys.modules["keras_mra.files.write_below"]


@pytest.fixture(params=[True, False], ids=["descriptors", "paths"])
def root(tmp_path, request, monkeypatch):
    """A folder, where the system has descriptors of folders, and where it does not."""
    monkeypatch.setattr(module, "BY_DESCRIPTOR", request.param)
    (tmp_path / "root").mkdir()
    (tmp_path / "beside").mkdir()
    return tmp_path / "root"


def test_files_and_their_folders_are_made_and_replaced(root):
    for content in (b"old", b"new"):
        files.write_below(root, root / "a" / "b" / "c.txt", content)
        files.write_below(root, root / "d.txt", content)
    assert (root / "a" / "b" / "c.txt").read_bytes() == b"new"
    assert sorted(os.listdir(root)) == ["a", "d.txt"]
    assert os.listdir(root / "a" / "b") == ["c.txt"]


def test_the_root_may_be_a_link(root):
    link = root.with_name("link")
    link.symlink_to(root)
    files.write_below(link, link / "a" / "b.txt", b"new")
    assert (root / "a" / "b.txt").read_bytes() == b"new"


@pytest.mark.parametrize("place", ["linked", "deep/linked", "file", "nowhere"])
def test_a_link_in_the_place_of_a_folder_is_not_followed(root, place):
    beside = root.with_name("beside")
    (root / "deep").mkdir()
    (root / "linked").symlink_to(beside)
    (root / "deep" / "linked").symlink_to(root)  # Not even within the tree.
    (root / "nowhere").symlink_to(beside / "made")
    (root / "file").write_text("mine")
    with pytest.raises(files.NoFolder, match="is a link or a file"):
        files.write_below(root, root / place / "x" / "a.txt", b"new")
    assert os.listdir(beside) == []
    assert sorted(os.listdir(root)) == ["deep", "file", "linked", "nowhere"]
    assert (root / "file").read_text() == "mine"


def test_a_link_in_the_place_of_a_file_is_replaced(root):
    mine = root.with_name("beside") / "mine"
    mine.write_text("mine")
    (root / "a.txt").symlink_to(mine)
    files.write_below(root, root / "a.txt", b"new")
    assert mine.read_text() == "mine"
    assert (root / "a.txt").read_text() == "new" and not (root / "a.txt").is_symlink()


@pytest.mark.parametrize("link", ["symbolic", "hard"])
def test_a_link_at_the_temporary_name_is_not_written_to(root, monkeypatch, link):
    mine = root.with_name("beside") / "mine"
    mine.write_text("mine")
    make = root.joinpath("part")
    make.symlink_to(mine) if link == "symbolic" else make.hardlink_to(mine)
    monkeypatch.setattr(module, "part_name", lambda: "part")
    with pytest.raises(FileExistsError):
        files.write_below(root, root / "a.txt", b"new")
    assert mine.read_text() == "mine" and not (root / "a.txt").exists()


def test_an_error_leaves_nothing_unfinished(root, monkeypatch):
    (root / "a.txt").write_text("old")

    def full(*args, **kwargs):
        raise OSError("no")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no"):
        files.write_below(root, root / "a.txt", b"new")
    assert os.listdir(root) == ["a.txt"] and (root / "a.txt").read_text() == "old"


def test_a_folder_that_is_exchanged_for_a_link_meanwhile(tmp_path):
    """Thousands of exchanges while files are written: none of them is outside."""
    root, beside = tmp_path / "root", tmp_path / "beside"
    beside.mkdir()
    (root / "folder").mkdir(parents=True)
    (tmp_path / "link").symlink_to(beside)
    done = threading.Event()

    def exchange():
        for number in itertools.count():
            if done.is_set():
                break
            with contextlib.suppress(OSError):  # A file makes the folder again.
                os.rename(root / "folder", tmp_path / f"real{number}")
                os.rename(tmp_path / "link", root / "folder")
            if (root / "folder").is_symlink():
                os.rename(root / "folder", tmp_path / "link")

    thread = threading.Thread(target=exchange)
    thread.start()
    written = refused = 0
    try:
        for i in range(300):
            try:
                files.write_below(root, root / "folder" / f"{i}.txt", b"new")
                written += 1
            except (files.NoFolder, FileNotFoundError, FileExistsError):
                refused += 1
    finally:
        done.set()
        thread.join()
    assert written + refused == 300 and written
    assert os.listdir(beside) == []
