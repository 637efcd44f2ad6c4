"""What is written does not lie among what is read."""

import os
import pathlib

import pytest

from keras_mra import files
from keras_mra.files import RemotePath

pytestmark = pytest.mark.once


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "cats").mkdir(parents=True)
    (tmp_path / "data2").mkdir()
    (tmp_path / "link").symlink_to("data/cats")
    return tmp_path / "data"


@pytest.mark.parametrize(
    "path, expected",
    [
        ("data", True),
        ("data/new/picture.png", True),
        ("data/cats/../../data2/x", False),
        ("data2/../data/x", True),
        ("link/x", True),
        ("data2", False),
        ("data.png", False),
        (".", False),
    ],
)
def test_paths(data, path, expected):
    place = pathlib.Path(path)
    for folder in (data, pathlib.Path("data")):
        assert files.is_inside(place, folder) == expected
        assert files.is_inside(place.absolute(), folder) == expected


def test_the_folder_may_be_a_link(data):
    assert files.is_inside(data / "cats" / "x", data.with_name("link"))
    assert not files.is_inside(data / "x", data.with_name("link"))


def test_another_name_of_the_same_folder(data, monkeypatch):
    """As on a file system that ignores case, or that is mounted twice."""
    monkeypatch.setattr(
        os.path, "samestat", lambda one, other: one.st_ino == other.st_ino
    )
    stat = pathlib.Path.stat
    same = {"DATA": "data"}
    monkeypatch.setattr(
        pathlib.Path,
        "stat",
        lambda self, **how: stat(self.with_name(same.get(self.name, self.name)), **how),
    )
    assert files.is_inside(data.with_name("DATA") / "x", data)


def test_folders_that_do_not_exist(tmp_path):
    assert files.is_inside(tmp_path / "new" / "x", tmp_path / "new")
    assert not files.is_inside(tmp_path / "newer", tmp_path / "new")


def test_stores():
    bucket = RemotePath("s3://bucket/photos")
    assert files.is_inside(bucket, bucket)
    assert files.is_inside(bucket / "a" / "b", bucket)
    assert not files.is_inside(RemotePath("s3://bucket/photos2"), bucket)
    assert not files.is_inside(pathlib.Path("bucket/photos"), bucket)


def test_the_message(data):
    files.check_outside("out", data.with_name("data2"), "data", data)
    files.check_outside("out", data, "data", None)
    with pytest.raises(ValueError, match="^`out` must be outside of .*`images`.*data'"):
        files.check_outside("out", data / "x", "images", data)
