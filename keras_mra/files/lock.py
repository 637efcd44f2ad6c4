"""`locked`: one process at a time writes to a folder.

The lock is the kernel's, on a file in the folder. It ends with its process, however
that ends, so that no lock is stale. The file names the process for messages only.
"""

import contextlib
import datetime
import errno
import json
import os
import pathlib
import socket
import stat
import sys
import time
import warnings
import weakref
from collections.abc import Iterator

from keras_mra.typing import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK = ".mra-lock"
_FLAGS = os.O_RDWR | os.O_CREAT
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _flag, 0)
_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
# Windows locks bytes against reading too: one that the file does not have.
_LOCKED_BYTE = 2**20


@contextlib.contextmanager
def locked(
    folder: Path, argument: str, wait: float = 0.0, name: str = LOCK
) -> Iterator[None]:
    """Holds the lock of a folder.

    Args:
        folder: The folder. It is made if it is missing.
        argument: Name of the caller's argument, for the message.
        wait: Float, the seconds to wait for another process.
        name: Name of the lock's file, of which a folder may have several.

    Raises:
        OSError: If another process holds the lock, or the folder cannot be written to.
    """
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    lock = Lock(folder, name)
    deadline = time.monotonic() + wait
    while not lock.acquire():
        if time.monotonic() >= deadline:
            raise OSError(
                f"`{argument}` must be a folder that no other process writes to. "
                f"Received: {argument}={os.fspath(folder)!r}, which {lock.holder()} "
                "holds"
            )
        time.sleep(0.05)
    if not lock.is_certain:
        warnings.warn(
            f"The file system of {os.fspath(folder)!r} has no locks: make sure that "
            "no other process writes to this folder.",
            stacklevel=3,
        )
    try:
        yield
    finally:
        lock.release()


class Lock:
    """A lock of a folder.

    Args:
        folder: The folder. It must exist.
        name: Name of the lock's file.

    Attributes:
        is_certain: Bool. `False` after `acquire` on a file system without locks.
    """

    def __init__(self, folder: Path, name: str = LOCK) -> None:
        self.path = pathlib.Path(folder) / name
        self.is_certain = True
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this process holds the lock."""
        return self._descriptor is not None

    def acquire(self) -> bool:
        """Takes the lock, and returns whether it was free.

        Raises:
            OSError: If the file of the lock cannot be made, or is not a file of a lock.
        """
        while True:
            descriptor = os.open(self.path, _FLAGS, 0o666)
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                    # What is written into it would appear elsewhere.
                    raise OSError(f"{str(self.path)!r} must be a file without links.")
                taken = _take(descriptor)
                if taken is False:
                    os.close(descriptor)
                    return False
                if _is_there(self.path, found):
                    _write_holder(descriptor)
                    break
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # Its holder removed it meanwhile.
        self.is_certain = taken is True
        self._descriptor = descriptor
        _LOCKS.add(self)
        return True

    def release(self) -> None:
        """Gives the lock back, and removes its file."""
        if self._descriptor is None:
            return
        if sys.platform != "win32":  # Windows removes no open file.
            self._remove()
        os.close(self._descriptor)
        self._descriptor = None
        if sys.platform == "win32":
            self._remove()

    def holder(self) -> str:
        """The process that holds the lock, in words."""
        for _ in range(20):  # It may not have written its name yet.
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                found = json.loads(self.path.read_bytes()[:1000])
                return (
                    f"process {int(found['process'])} on {str(found['host'])!r}, since "
                    f"{str(found['since'])!r},"
                )
            time.sleep(0.05)
        return "another process"

    def forget(self) -> None:
        """Closes the file in a forked child. The parent keeps the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self.path.unlink()


def _take(descriptor: int) -> bool | None:
    """Whether the lock of a file was free; `None` on a file system without locks."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True


def _is_there(path: pathlib.Path, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.lstat(path), found)
    except FileNotFoundError:
        return False


def _write_holder(descriptor: int) -> None:
    now = datetime.datetime.now().isoformat(" ", "seconds")
    holder = {"process": os.getpid(), "host": socket.gethostname(), "since": now}
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps(holder).encode())


_LOCKS: "weakref.WeakSet[Lock]" = weakref.WeakSet()


def _forget_all() -> None:
    # A child that outlives its parent would otherwise keep the parent's locks.
    for lock in _LOCKS:
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
