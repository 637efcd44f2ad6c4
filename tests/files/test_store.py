"""Files of stores: errors, bounded waits, and files that are whole or not there."""

import os
import pathlib
import socket
import tempfile
import time

import pytest
from helpers import stores
from helpers.stores import stored_tree

from keras_mra import files
from keras_mra.files import store

pytestmark = pytest.mark.once
fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def folder(memory):
    return files.RemotePath(memory)


@pytest.fixture
def silent(monkeypatch):
    """The port of a server of this machine that never answers."""
    pytest.importorskip("s3fs")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        stores.use_s3(monkeypatch, f"http://127.0.0.1:{port}")
        fsspec.filesystem("s3").clear_instance_cache()
        yield port
    fsspec.filesystem("s3").clear_instance_cache()


def test_files_are_written_and_read_whole(folder):
    files.put_object(folder / "a", b"1234")
    files.put_object(folder / "a", b"56")
    assert files.read_object(folder / "a") == b"56"
    assert files.read_object(folder / "a", 2) == b"56"
    with pytest.raises(ValueError, match="larger than 1 bytes"):
        files.read_object(folder / "a", 1)
    with files.opened(folder / "a") as file:
        assert file.read() == b"56" and file.seek(0) == 0
    with pytest.raises(FileNotFoundError, match="'memory://folder/b'"):
        files.read_object(folder / "b")


def test_a_file_that_grows_is_not_read_without_a_limit(folder, monkeypatch):
    """Its size is asked for before it is read."""
    files.put_object(folder / "a", bytes(100))
    size = property(lambda self: 1)
    monkeypatch.setattr("fsspec.implementations.memory.MemoryFile.size", size)
    with pytest.raises(ValueError, match="larger than 10 bytes"):
        files.read_object(folder / "a", 10)


def test_folders_are_listed(bucket):
    root = files.RemotePath(bucket)
    for name in ("b/c.png", "a.png", "a.png/x", "b/", "d//e"):
        stores.put(f"{bucket}/{name}", b"1")
    assert files.listed(root) == [
        ("a.png", False),
        ("a.png", True),
        ("b", True),
        ("d", True),
    ]
    assert files.listed(root / "b") == [("c.png", False)]
    assert files.listed(root / "d") == [("", True)]
    assert files.listed(root / "none") == []
    assert [files.is_folder(root / name) for name in ("b", "b/c.png")] == [True, False]
    with pytest.raises(FileNotFoundError, match=f"'{bucket}/none' does not exist"):
        files.is_folder(root / "none")


def test_what_was_listed_is_not_remembered(bucket):
    root = files.RemotePath(bucket)
    stores.put(f"{bucket}/a", b"1")
    assert files.listed(root) == [("a", False)]
    fsspec.filesystem("s3").call_s3(
        "put_object", Bucket=bucket.removeprefix("s3://"), Key="a", Body=b"12345"
    )
    assert files.read_object(root / "a") == b"12345"
    fsspec.filesystem("s3").call_s3(
        "delete_object", Bucket=bucket.removeprefix("s3://"), Key="a"
    )
    assert files.listed(root) == []


def test_a_server_that_is_silent_ends_the_call(silent, monkeypatch):
    monkeypatch.setattr(store, "PATIENCE", 0.5)
    path = files.RemotePath("s3://bucket/in")
    for call in (
        lambda: files.is_folder(path),
        lambda: files.read_object(path / "a"),
        lambda: files.put_object(path, b""),
        lambda: files.probe_file("out", path),
    ):
        begin = time.monotonic()
        with pytest.raises(OSError, match="'s3://bucket/in'.*no answer within"):
            call()
        assert time.monotonic() - begin < 10


def test_errors_of_a_store_are_errors_of_files(bucket):
    path = files.RemotePath(bucket) / "a"
    stores.put(str(path), b"1")
    stores.forbid(bucket, "s3:GetObject")
    with pytest.raises(PermissionError, match=str(path)):
        files.read_object(path)


def test_a_file_that_fails_alone_is_told_from_a_store_that_fails(folder, monkeypatch):
    def failing(*_, **__):
        raise RuntimeError("away")

    kind = type(fsspec.filesystem("memory"))
    files.put_object(folder / "a", b"1")
    monkeypatch.setattr(kind, "open", failing)
    with pytest.raises(OSError, match="'memory://folder/a' failed.*away") as caught:
        files.read_object(folder / "a")
    assert not isinstance(caught.value, files.StoreFailed)
    monkeypatch.setattr(kind, "info", failing)
    with pytest.raises(files.StoreFailed, match="'memory://folder' failed.*away"):
        files.read_object(folder / "a")


def test_what_a_killed_upload_leaves_is_removed(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"{files.PREFIX}0").mkdir()
    (tmp_path / f"{files.PREFIX}0" / "a.bin").write_bytes(b"half")
    files.probe_file("out", folder / "a.bin")
    assert os.listdir(tmp_path) == []


def test_a_file_is_uploaded_at_the_end(folder):
    out = folder / "a.bin"
    files.put_object(out, b"old")
    with pytest.raises(KeyError), files.replacing(out) as part:
        part.write_bytes(b"half")
        raise KeyError
    assert not part.parent.exists()
    with files.replacing(out) as part:
        part.write_bytes(b"new")
        assert files.read_object(out) == b"old"
    assert files.read_object(out) == b"new" and not part.parent.exists()


def test_a_file_that_cannot_be_uploaded_is_kept(folder, monkeypatch, tmp_path):
    def failing(*_, **__):
        raise RuntimeError("The token has expired")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(type(fsspec.filesystem("memory")), "put_file", failing)
    with (
        pytest.raises(OSError, match="token has expired.*kept as") as caught,
        files.replacing(folder / "a.bin") as part,
    ):
        part.write_bytes(b"new")
    (kept,) = tmp_path.rglob("a.bin")
    assert kept.read_bytes() == b"new" and str(kept) in str(caught.value)
    assert len(os.listdir(tmp_path)) == 1 and stored_tree(str(folder)) == {}


def test_an_output_is_probed_and_stays_as_it_was(folder, bucket, monkeypatch):
    files.put_object(folder / "a", b"old")
    files.probe_file("out", folder / "a")
    files.probe_file("out", folder / "new" / "b")
    assert stored_tree(str(folder)) == {"a": b"old"}
    with pytest.raises(OSError, match="`out` must be a file .*folder'.*is a folder"):
        files.probe_file("out", folder)
    with pytest.raises(ValueError, match="`out` must be .* writes whole objects"):
        files.probe_file("out", files.RemotePath("sftp://host/a"))
    stores.forbid(bucket, "s3:PutObject")
    with pytest.raises(OSError, match=f"`out` must be .*{bucket}/a"):
        files.probe_file("out", files.RemotePath(f"{bucket}/a"))
    with pytest.raises(OSError, match="`out` must be .*s3://no-such-bucket/a"):
        files.probe_file("out", files.RemotePath("s3://no-such-bucket/a"))


def test_names_that_a_store_cannot_have(folder):
    with pytest.raises(OSError, match="at most 1024 bytes"):
        files.put_object(folder / ("ü" * 513), b"")
    with pytest.raises(OSError, match="names of objects are text"):
        files.put_object(folder / os.fsdecode(b"caf\xe9"), b"")
    assert stored_tree(str(folder)) == {}


def test_local_files_are_opened_as_before(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="FIFO"):
        files.opened(tmp_path / "fifo")
    assert files.is_folder(pathlib.Path(tmp_path))
