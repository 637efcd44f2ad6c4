"""Files and folders that reach the disk before the program goes on."""

import errno
import os
import pathlib

# The answers of file systems that do not sync folders. Windows does not open them.
_CANNOT = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)


def sync_file(path: pathlib.Path) -> None:
    """Brings the content of a file to the disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path: pathlib.Path) -> None:
    """Brings the names in a folder to the disk, where the system can."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_descriptor(folder: int) -> None:
    """Brings the names in an open folder to the disk, where the system can."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def sync_tree(path: pathlib.Path) -> None:
    """Brings a file, or a folder and all files in it, to the disk."""
    if not path.is_dir():
        sync_file(path)
        return
    for folder, _, names in os.walk(path):
        for name in names:
            sync_file(pathlib.Path(folder, name))
        sync_folder(pathlib.Path(folder))
