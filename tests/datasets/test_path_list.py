"""Paths in little memory: a sequence like a list of them."""

import os
import pathlib
import pickle
import tracemalloc

import pytest
from helpers import stores

from keras_mra import files
from keras_mra.datasets.find_images import find_images
from keras_mra.datasets.folder_dataset import first_level_folders
from keras_mra.datasets.path_list import PathList

pytestmark = pytest.mark.once

PATHS = [
    pathlib.Path(path)
    for path in ("a/x.png", "a/é.png", "a/b/x.png", "a/y.png", "/x.png", "x.png", "a")
]


def test_it_is_a_sequence_of_the_paths():
    paths = PathList(map(str, PATHS))
    assert list(paths) == PATHS and len(paths) == len(PATHS)
    assert paths[-1] == PATHS[-1] and paths[1:4] == PATHS[1:4]
    assert PATHS[3] in paths and pathlib.Path("b") not in paths
    with pytest.raises(IndexError):
        paths[len(PATHS)]
    assert list(pickle.loads(pickle.dumps(paths))) == PATHS
    assert not PathList() and list(PathList()) == []


def test_runs_of_paths_of_one_folder():
    paths = PathList(PATHS[:5])
    assert paths.folders == ["a", "a/b", "a", "/"]
    assert paths.counts.tolist() == [2, 1, 1, 1]
    assert PathList().counts.tolist() == []


@pytest.mark.skipif(os.name != "posix", reason="Elsewhere, names are always text.")
def test_a_name_that_is_no_text():
    path = pathlib.Path(os.fsdecode(b"a/\xff.png"))
    assert list(PathList([path])) == [path]


def test_a_path_takes_little_more_than_its_name():
    tracemalloc.start()
    paths = PathList(f"folder/{number:08}.jpg" for number in range(20_000))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 25 * len(paths)  # a name of 12 bytes, its end, and room to grow


def test_found_images_are_in_the_order_of_their_paths(tmp_path):
    names = "b.png b/c.png b/a/d.png b-c/a.png a/b.png a.png a/b/c/e.png a/b/c.png"
    for name in names.split():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    found = find_images(tmp_path).paths
    assert list(found) == sorted(tmp_path / name for name in names.split())


def test_the_digest_is_that_of_the_paths():
    paths = ["a/1.png", "a/2.png", "b/1.png"]
    digest = PathList(paths).digest()
    assert PathList(map(pathlib.Path, paths)).digest() == digest
    for other in (
        paths[:2],
        paths[::-1],
        ["a/1.png", "b/2.png", "b/1.png"],
        ["a/1.pn", "a/g2.png", "b/1.png"],
    ):
        assert PathList(other).digest() != digest


def test_images_of_a_store_are_in_the_order_of_a_folder(tmp_path, memory):
    names = "b.png b/c.png b/a/d.png b-c/a.png a/b.png a.png a/b/c/e.png a/b/c.png"
    for name in [*names.split(), ".hidden/a.png", "b/.a.png", "b/a.txt"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    stores.upload(tmp_path, memory)
    root = files.RemotePath(memory)
    found = find_images(root)
    local = find_images(tmp_path)
    assert [str(path.relative_to(root)) for path in found.paths] == [
        str(path.relative_to(tmp_path)) for path in local.paths
    ]
    assert all(isinstance(path, files.RemotePath) for path in found.paths)
    assert first_level_folders(found) == first_level_folders(local)
    assert list(pickle.loads(pickle.dumps(found.paths))) == list(found.paths)
