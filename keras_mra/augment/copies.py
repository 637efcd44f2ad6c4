"""Files of copies, written whole or not at all, and the errors of writing them."""

import errno
import pathlib

from keras_mra import files

# These errors concern the name of one file. Other errors concern every file.
_NAME_ERRORS = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class InvalidName(Exception):
    """Raised when the file system does not allow the name of a copy."""


def make_target(target: pathlib.Path) -> None:
    """Makes the folder of the copies, and removes unfinished files of a killed run."""
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(
            f"`target` must be a folder, but {str(target)!r} is a file."
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(error, target) from error
    files.remove_leftovers(target)


def write_copy(path: pathlib.Path, content: bytes) -> None:
    """Writes a copy, and the folder that it lies in.

    Raises:
        InvalidName: If the file system does not allow the name.
        OSError: If the file cannot be written for another reason.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as part:
            part.write_bytes(content)
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
