"""Which files of a folder tree are images."""

import os
import socket

import numpy as np
import pytest
from PIL import Image

from keras_mra.datasets import FolderDataset
from keras_mra.datasets import images_and_masks
from keras_mra.datasets.find_images import find_images

pytestmark = pytest.mark.once


def names_in(root, **kwargs):
    """Names below a folder: those found, and the reasons of those left out."""
    found = find_images(root, **kwargs)
    return (
        [path.relative_to(root).as_posix() for path in found.paths],
        {path.relative_to(root).as_posix(): why for path, why in found.left_out},
    )


def test_find_images_sorts_and_leaves_out_the_hidden(tmp_path):
    for name in ("b.PNG", "a.jpeg", "sub/c.WebP", ".hidden.png", ".git/d.png", "e.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    assert names_in(tmp_path) == (["a.jpeg", "b.PNG", "sub/c.WebP"], {})


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere' does not exist"):
        find_images(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="holds no image"):
        find_images(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="must be a folder"):
        find_images(tmp_path / "file")


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 4, 3), "uint8")).save(path)
    return path


@pytest.fixture
def linked(tmp_path):
    """A folder with links that leave it and links that do not, and a folder beside."""
    root, beside = tmp_path / "root", tmp_path / "root_beside"
    save(root / "own" / "a.png")
    save(beside / "deep" / "b.png")
    (root / "out").symlink_to(beside)
    (root / "out.png").symlink_to(beside / "deep" / "b.png")
    (root / "in.png").symlink_to(root / "own" / "a.png")
    (root / "lost.png").symlink_to(root / "nothing.png")
    return root


def test_links_that_leave_the_folder_are_left_out(linked):
    names, left_out = names_in(linked)
    assert names == ["in.png", "own/a.png"]
    assert set(left_out) == {"lost.png", "out", "out.png"}
    beside = linked.with_name("root_beside")
    assert "leaves the folder" in left_out["out"] and str(beside) in left_out["out"]
    assert "leaves the folder" in left_out["out.png"]
    assert "link to nothing" in left_out["lost.png"]


def test_a_linked_folder_of_the_tree_is_listed_once(tmp_path):
    save(tmp_path / "cat" / "a.png")
    save(tmp_path / "dog" / "b.png")
    save(tmp_path / ".store" / "c.png")
    (tmp_path / "animal").symlink_to(tmp_path / "dog")
    (tmp_path / "zebra").symlink_to(tmp_path / ".store")
    (tmp_path / "dog" / "up").symlink_to(tmp_path / "cat")
    names = ["cat/a.png", "dog/b.png", "zebra/c.png"]
    for root in (tmp_path, tmp_path.with_name("link")):
        if root != tmp_path:
            root.symlink_to(tmp_path)
        for follow_links in (False, True):
            assert names_in(root, follow_links=follow_links) == (names, {})


def test_links_are_followed_on_request(linked):
    names, left_out = names_in(linked, follow_links=True)
    assert names == ["in.png", "out/deep/b.png", "out.png", "own/a.png"]
    assert set(left_out) == {"lost.png"}


def test_the_folder_itself_may_be_a_link(linked, tmp_path):
    (tmp_path / "link").symlink_to(linked)
    assert names_in(tmp_path / "link")[0] == ["in.png", "own/a.png"]


def test_a_folder_of_links_that_leave_it_says_why_it_is_empty(linked, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a.png").symlink_to(linked / "own" / "a.png")
    with pytest.raises(ValueError, match="holds no image.*Left out: 1: .*a.png"):
        find_images(tmp_path / "links")


def test_only_files_are_images(tmp_path, monkeypatch):
    save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "linked.png").symlink_to(tmp_path / "fifo.png")
    (tmp_path / "folder.png").mkdir()
    monkeypatch.chdir(tmp_path)  # The path of a socket must be short.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.png")
        names, left_out = names_in(tmp_path)
    assert names == ["a.png"]
    assert set(left_out) == {"fifo.png", "linked.png", "socket.png"}
    assert "FIFO" in left_out["fifo.png"] and "FIFO" in left_out["linked.png"]
    assert "socket" in left_out["socket.png"]


def test_a_device_is_no_image(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    names, left_out = names_in(tmp_path, follow_links=True)
    assert names == ["a.png"] and "device" in left_out["zero.png"]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    save(tmp_path / "a.png")
    save(tmp_path / "closed" / "b.png")
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    names, left_out = names_in(tmp_path)
    assert names == ["a.png"]
    assert left_out == {"closed": "cannot be listed: Permission denied"}


def test_data_sets_warn_of_what_they_leave_out(linked):
    os.mkfifo(linked / "x.png")
    with pytest.warns(UserWarning, match="Left out: 4: .*lost.png.*; ..."):
        dataset = FolderDataset(linked, (4, 4, 3), 2)
    assert len(dataset.paths) == 2
    with pytest.warns(UserWarning, match="Left out: 4: .*lost.png"):
        images, _ = images_and_masks(linked, (4, 4, 3))
    assert len(images) == 2
