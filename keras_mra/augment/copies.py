"""The folder of the copies, and the errors of writing into it."""

import contextlib
import errno
import pathlib
from collections.abc import Iterator

from keras_mra import files

# These errors concern the name of one file. Other errors concern every file.
_NAME_ERRORS = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EISDIR)
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class InvalidName(Exception):
    """Raised when a copy cannot have its name, or not without leaving the target."""


@contextlib.contextmanager
def held_target(target: pathlib.Path) -> Iterator[None]:
    """Makes the folder of the copies, and keeps other processes from it.

    Unfinished files of a killed run are removed.

    Raises:
        OSError: If the folder cannot be written to, or another process writes to it.
            The message names it.
    """
    files.probe_folder("target", target)
    with files.locked(target, "target"):
        files.remove_all_leftovers(target)
        yield


def write_copy(target: pathlib.Path, path: pathlib.Path, content: bytes) -> None:
    """Writes a copy, and the folder that it lies in, below the target.

    Args:
        target: Folder of the copies, in `held_target`.
        path: Path of the copy.
        content: Content of the file.

    Raises:
        InvalidName: If the file system does not allow the name, or a folder on the
            way is a link.
        OSError: If the file cannot be written for another reason.
    """
    try:
        files.write_below(target, path, content)
    except files.NoFolder as error:
        raise InvalidName(f"{path}: {error}") from error
    except OSError as error:
        if error.errno in _NAME_ERRORS:
            raise InvalidName(f"{path}: {error.strerror}") from error
        raise _cannot_write(error, path) from error


def _cannot_write(error: OSError, path: pathlib.Path) -> OSError:
    reason = "the disk is full" if error.errno in _DISK_FULL else error.strerror
    return OSError(
        error.errno,
        f"Writing stopped: {reason}. All files written so far are complete; the same "
        "command continues from here. The file was",
        str(path),
    )
