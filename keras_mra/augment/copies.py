"""The folder of the copies, and the errors of writing into it."""

import abc
import contextlib
import errno
import re
from typing import Any

from keras_mra import files
from keras_mra.augment.copy_format import SUFFIXES

RECORD = "augment_settings.json"
# These errors concern the name of one file. Other errors concern every file.
_NAME_ERRORS = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EISDIR)
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ENDINGS = "|".join(re.escape(suffix) for suffix in SUFFIXES.values())
_COPY = re.compile(rf".+\.mra\d+({_ENDINGS})")


class InvalidName(Exception):
    """Raised when a copy cannot have its name, or not without leaving the target."""


class Copies(abc.ABC):
    """The folder of the copies: of this machine or of a store.

    Attributes:
        folder: Path of the folder.
    """

    folder: files.Place

    @abc.abstractmethod
    def held(self) -> contextlib.AbstractContextManager[None]:
        """Makes the folder, and keeps other processes from it where that is possible.

        Unfinished files of a killed run are removed.

        Raises:
            OSError: If the folder cannot be written to, or another process writes to
                it. The message names it.
        """

    @abc.abstractmethod
    def exists(self, path: files.Place) -> bool:
        """Whether a file exists; `False` if its name is too long to exist."""

    @abc.abstractmethod
    def find_copy(self) -> str | None:
        """The name of a file that is named as a copy, or `None`."""

    @abc.abstractmethod
    def record(self) -> dict[str, Any]:
        """What the record of the settings holds; empty if there is none."""

    @abc.abstractmethod
    def write_record(self, content: bytes) -> None:
        """Writes the record of the settings, if it does not hold this content yet.

        Raises:
            OSError: If it cannot be written.
        """

    @abc.abstractmethod
    def write(self, path: files.Place, content: bytes) -> None:
        """Writes a copy whole or not at all, in `held`, until `finish` at the latest.

        Args:
            path: Path of the copy.
            content: Content of the file.

        Raises:
            InvalidName: If the copy cannot have this name.
            OSError: If this file, or one before it, cannot be written for another
                reason.
        """

    @abc.abstractmethod
    def finish(self) -> None:
        """Waits until all copies are written.

        Raises:
            OSError: If one cannot be written.
        """

    @abc.abstractmethod
    def mark(self) -> bytes:
        """What a machine reads that sees this folder, and not another one, in `held`.

        Raises:
            OSError: If the machine does not see it.
        """

    @abc.abstractmethod
    def remove_leftovers(self) -> None:
        """Removes unfinished files, in `held`."""


def is_copy(name: str) -> bool:
    """Whether a file is named as a copy."""
    return _COPY.fullmatch(name) is not None


def error_of_writing(error: OSError, path: files.Place) -> Exception:
    """What `Copies.write` raises where a file could not be written."""
    if error.errno in _NAME_ERRORS:
        return InvalidName(f"{path}: {error.strerror}")
    reason = error.strerror or str(error)
    reason = "the disk is full" if error.errno in _DISK_FULL else reason
    return OSError(
        error.errno or errno.EIO,
        f"Writing stopped: {reason}. All files written so far are complete; the same "
        "command continues from here. The file was",
        str(path),
    )
