"""URLs as paths, and those that are refused."""

import pathlib
import pickle
import sys

import pytest

from keras_mra import files

pytestmark = pytest.mark.once
pytest.importorskip("s3fs")


@pytest.mark.parametrize(
    "url, expected",
    [
        ("s3://bucket/photos", "s3://bucket/photos"),
        ("s3://bucket/photos/", "s3://bucket/photos"),
        ("memory://a", "memory://a"),
        ("MEMORY:///a/b:/c", "memory://a/b:/c"),
    ],
)
def test_urls_keep_their_slashes(url, expected):
    found = files.place("source", url)
    assert isinstance(found, files.RemotePath) and str(found) == expected
    for other in (pickle.loads(pickle.dumps(found)), files.RemotePath(str(found))):
        assert other == found and str(other) == expected
    assert str(found / "cat" / "1.png") == f"{expected}/cat/1.png"
    assert (
        str((found / "cat:" / "1.png").with_name("2.png")) == f"{expected}/cat:/2.png"
    )
    assert (found / "x").parent == found and found in (found / "x" / "y").parents


def test_a_path_below_a_url_is_no_url():
    root = files.RemotePath("s3://bucket/in")
    inside = (root / "odd:" / "1.png").relative_to(root)
    assert str(inside) == "odd:/1.png" and not isinstance(inside, files.RemotePath)
    assert str(pathlib.PurePosixPath("/out") / inside) == "/out/odd:/1.png"
    with pytest.raises(ValueError):
        root.relative_to(root / "deeper")


@pytest.mark.parametrize("name", ["photos", "s3:/bucket", "C:\\photos", "c://x", "a:b"])
def test_paths_are_no_urls(name):
    found = files.place("source", name)
    assert found == pathlib.Path(name) and not isinstance(found, files.RemotePath)


def test_file_urls_are_paths_of_this_machine(tmp_path):
    folder = tmp_path / "my photos"
    assert files.place("source", folder.as_uri()) == folder


def test_other_names_of_a_scheme(monkeypatch):
    import fsspec

    monkeypatch.setattr(fsspec, "get_filesystem_class", lambda scheme: None)
    assert str(files.place("source", "s3a://bucket/x")) == "s3://bucket/x"
    assert str(files.place("source", "gcs://bucket/x")) == "gs://bucket/x"


@pytest.mark.parametrize(
    "url, error, message",
    [
        ("nothing://a", ValueError, "`source` must be .* fsspec knows.*'nothing://a'"),
        ("s3://", ValueError, "`source` must be the URL of a folder, such as"),
        ("memory:///", ValueError, "`source` must be the URL of a folder, such as"),
        ("zip://a::s3://b/c.zip", ValueError, "`source` must be .* not a chain"),
        ("simplecache::s3://b/c", ValueError, "`source` must be .* not a chain"),
        (3, ValueError, "`source` must be the path of a folder"),
    ],
)
def test_bad_urls(url, error, message):
    with pytest.raises(error, match=message):
        files.place("source", url, "folder")


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ImportError, match=r"`source` needs .* gs:// URLs.*gcsfs"):
        files.place("source", "gs://bucket/in")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-mra\[remote\]'"):
        files.place("source", "s3://bucket/in")
