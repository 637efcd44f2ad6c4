"""Files that are files."""

import os

import pytest

from keras_mra import files

pytestmark = pytest.mark.once


def test_a_file_and_a_link_to_it(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for name in ("a", "link"):
        with files.open_regular(tmp_path / name) as file:
            assert file.read() == b"content"


def test_what_never_ends_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name, kind in (("fifo", "FIFO"), ("zero", "device"), ("", "folder")):
        with pytest.raises(OSError, match=f"must be a regular file.*a {kind}"):
            files.open_regular(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        files.open_regular(tmp_path / "nothing")


def test_a_file_that_is_exchanged_for_a_fifo_meanwhile(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"content")
    regular = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda *args, **kwargs: regular)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="FIFO"):
        files.open_regular(path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_json_from_a_fifo(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(ValueError, match="could not be read.*FIFO"):
        files.read_json(tmp_path / "config.json")
