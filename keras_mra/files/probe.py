"""Outputs that cannot be written, found before the work instead of after it."""

import contextlib
import pathlib

from keras_mra.files.remote_path import RemotePath
from keras_mra.files.replacing import check_target
from keras_mra.files.room import remove_leftovers
from keras_mra.files.room import room
from keras_mra.files.store import probe_object
from keras_mra.typing import Path


def probe_folder(argument: str, path: Path, names: tuple[str, ...] = ()) -> None:
    """Refuses a folder that cannot be made, or in which files cannot be written.

    A missing folder is made and removed again: what is written later makes it. Also
    removes what killed processes left there of unfinished files.

    Args:
        argument: Name of the caller's argument, for the message.
        path: The folder.
        names: Names of the files that will be written into it.

    Raises:
        OSError: If the folder cannot be made or written to, or one of the names is
            that of a folder or a device.
    """
    folder = pathlib.Path(path)
    try:
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError("it is a file")
        _try(folder)
        remove_leftovers(folder)
        for name in names:
            check_target(folder / name)
    except OSError as error:
        raise OSError(
            f"`{argument}` must be a folder that can be written to. "
            f"Received: {argument}={str(path)!r} ({error})"
        ) from error


def probe_file(argument: str, path: Path) -> None:
    """Refuses a file that cannot be written, as `probe_folder` does a folder.

    Args:
        argument: Name of the caller's argument, for the message.
        path: The file, or a `RemotePath`.

    Raises:
        OSError: If the folder cannot be made or written to, or `path` is a folder or a
            device.
        ValueError: If `path` is a URL of no object store.
    """
    if isinstance(path, RemotePath):
        probe_object(argument, path)
        return
    file = pathlib.Path(path)
    try:
        check_target(file)
        _try(file.parent)
    except OSError as error:
        raise OSError(
            f"`{argument}` must be a file that can be written. "
            f"Received: {argument}={str(path)!r} ({error})"
        ) from error
    remove_leftovers(file.parent)


def _try(folder: pathlib.Path) -> None:
    """Writes into a folder, and removes what it made."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        with room(folder):
            pass
    finally:
        for place in missing:
            with contextlib.suppress(OSError):  # Another process writes there.
                place.rmdir()
