"""One process at a time writes to a folder."""

import contextlib
import errno
import os
import re
import signal
import socket
import threading
import time

import pytest
from helpers import forked

from keras_mra import files
from keras_mra.files import lock as module

pytestmark = pytest.mark.once


@pytest.fixture
def holder(tmp_path):
    """The number of another process, which holds the lock of `tmp_path`."""
    with forked.holding(lambda: files.locked(tmp_path, "folder")) as process:
        yield process


def test_a_second_process_is_refused_by_the_name_of_the_first(tmp_path, holder):
    with pytest.raises(OSError) as error:
        with files.locked(tmp_path, "folder"):
            pass
    message = str(error.value)
    assert re.search("`folder` must be .* no other process .* folder=", message)
    assert f"process {holder} on {socket.gethostname()!r}, since '20" in message


def test_a_lock_ends_with_its_process(tmp_path, holder):
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    assert os.listdir(tmp_path) == [files.LOCK]  # The file is there, the lock is not.
    with files.locked(tmp_path, "folder"):
        pass
    assert os.listdir(tmp_path) == []


def test_a_lock_that_was_given_back_is_free(tmp_path):
    for _ in range(2):
        with files.locked(tmp_path, "folder"):
            assert os.listdir(tmp_path) == [files.LOCK]


def test_a_second_thread_is_refused_too(tmp_path):
    with files.locked(tmp_path, "folder"):
        with pytest.raises(OSError, match=f"process {os.getpid()} on"):
            with files.locked(tmp_path, "folder"):
                pass


def test_waiting_for_another(tmp_path):
    lock = module.Lock(tmp_path)
    assert lock.acquire()
    threading.Timer(0.3, lock.release).start()
    started = time.monotonic()
    with files.locked(tmp_path, "folder", wait=30):
        assert time.monotonic() - started > 0.2
    assert os.listdir(tmp_path) == []


def test_a_child_does_not_keep_the_lock_of_its_parent(tmp_path):
    """Workers of a killed process would otherwise lock the folder for the next."""
    lock = module.Lock(tmp_path)
    assert lock.acquire()
    # The child gives back a lock that is not its own, which changes nothing.
    with forked.holding(lambda: contextlib.nullcontext(lock.release())):
        assert not module.Lock(tmp_path).acquire()
        os.close(lock._descriptor)  # As if the parent had been killed.
        lock._descriptor = None
        assert module.Lock(tmp_path).acquire()


@pytest.mark.parametrize("kind", ["symbolic", "hard", "fifo", "folder"])
def test_nothing_is_written_through_the_file_of_a_lock(tmp_path, kind):
    mine = tmp_path / "mine"
    mine.write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    place = folder / files.LOCK
    {
        "symbolic": lambda: place.symlink_to(mine),
        "hard": lambda: place.hardlink_to(mine),
        "fifo": lambda: os.mkfifo(place),
        "folder": place.mkdir,
    }[kind]()
    with pytest.raises(OSError, match=files.LOCK):
        with files.locked(folder, "folder"):
            pass
    assert mine.read_text() == "mine"


def test_a_file_that_its_holder_has_removed_is_no_lock(tmp_path, monkeypatch):
    """Two processes would otherwise hold the locks of two files of one name."""
    take, first = module._take, []

    def removed_meanwhile(descriptor):
        if not first:
            first.append(descriptor)
            (tmp_path / files.LOCK).unlink()
        return take(descriptor)

    monkeypatch.setattr(module, "_take", removed_meanwhile)
    with files.locked(tmp_path, "folder"):
        monkeypatch.undo()
        assert not module.Lock(tmp_path).acquire()


def test_many_processes_never_hold_it_at_once(tmp_path):
    """Each adds to a number, which a second holder would spoil."""
    number = tmp_path / "number"
    number.write_text("0")

    def add():
        for _ in range(40):
            with files.locked(tmp_path, "folder", wait=60):
                before = number.read_text()
                time.sleep(0)
                number.write_text(str(int(before) + 1))

    processes = [forked.start(add) for _ in range(3)]
    assert [forked.status(process) for process in processes] == [0, 0, 0]
    assert number.read_text() == "120"


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(module.fcntl, "flock", no_locks)
    with pytest.warns(UserWarning, match="no locks"), files.locked(tmp_path, "folder"):
        pass
    # What is being written must not be taken for a leftover.
    with files.replacing(tmp_path / "a") as part:
        files.remove_all_leftovers(tmp_path)
        part.write_text("a")
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"process": "x"}'])
def test_a_holder_without_a_name(tmp_path, content):
    lock = module.Lock(tmp_path)
    assert lock.acquire()
    lock.path.write_bytes(content)
    with pytest.raises(OSError, match="which another process holds"):
        with files.locked(tmp_path, "folder"):
            pass
    lock.release()
