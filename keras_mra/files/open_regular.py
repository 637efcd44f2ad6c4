"""`open_regular` and `read_regular`: files that are files, and end."""

import io
import os
import stat

from keras_mra.typing import Path

# Absent on Windows, where opening a file never waits.
_NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
# Far above every document of a preset or a run. As objects, JSON takes 20 times more.
LARGEST_DOCUMENT = 2**22
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def open_regular(path: Path) -> io.BufferedReader:
    """Opens a file for reading, and refuses a FIFO or a device, which may never end.

    Args:
        path: The file, or a link to it.

    Returns:
        A binary file.

    Raises:
        OSError: If `path` is not a regular file, or cannot be opened.
    """
    _check(os.stat(path).st_mode, path)  # Some devices act when they are opened.
    flags = os.O_RDONLY | _NO_WAITING | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        _check(os.fstat(descriptor).st_mode, path)  # It may have been exchanged.
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path) -> bytes:
    """Reads a whole file of at most 4 MiB, and refuses a larger one.

    Args:
        path: The file, or a link to it.

    Raises:
        OSError: If `path` is not a regular file, or cannot be read.
        ValueError: If the file is larger.
    """
    with open_regular(path) as file:
        content = file.read(LARGEST_DOCUMENT + 1)
    if len(content) > LARGEST_DOCUMENT:
        raise ValueError(
            f"{os.fspath(path)!r} must have at most {LARGEST_DOCUMENT:,} bytes. "
            "Received: more"
        )
    return content


def kind_of(mode: int) -> str:
    """What a file that is not regular is, from its `st_mode`, in words."""
    return _KINDS.get(stat.S_IFMT(mode), "no regular file")


def _check(mode: int, path: Path) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(
            f"{os.fspath(path)!r} must be a regular file. Received: {kind_of(mode)}"
        )
