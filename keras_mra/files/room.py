"""Folders for unfinished files, and the removal of those that nobody finishes."""

import contextlib
import os
import pathlib
import secrets
import shutil
import sys
from collections.abc import Iterator

from keras_mra.files.lock import Lock
from keras_mra.typing import Path

PREFIX = ".mra-part-"


def part_name() -> str:
    """A name for something unfinished, which nobody can foresee."""
    return PREFIX + secrets.token_hex(8)


@contextlib.contextmanager
def room(folder: Path) -> Iterator[pathlib.Path]:
    """Yields a new folder inside of a folder, and removes it at the end.

    A lock tells other processes that it is in use.

    Args:
        folder: The folder, on whose file system the files are to be. It is made if it
            is missing.

    Raises:
        OSError: If the folder cannot be written to.
    """
    lock = _make_room(pathlib.Path(folder))
    place = lock.path.parent
    try:
        yield place
    finally:
        if lock.is_held:  # Not in a forked child.
            lock.release()
            shutil.rmtree(place, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Removes the rooms in a folder whose processes have ended."""
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                _remove_room(entry.path)


def remove_all_leftovers(tree: Path) -> None:
    """Removes everything unfinished in a folder tree, whose lock this process holds."""
    for folder, children, names in os.walk(tree):
        remove_leftovers(folder)
        children[:] = [child for child in children if not child.startswith(PREFIX)]
        for name in names:
            if name.startswith(PREFIX):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))


def _make_room(folder: pathlib.Path) -> Lock:
    """Makes a room, and returns its lock."""
    while True:
        place = folder / part_name()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            place.mkdir(mode=0o700)
        except FileNotFoundError:  # Another process had made it, and removed it again.
            folder.mkdir(parents=True, exist_ok=True)
            place.mkdir(mode=0o700)
        lock = Lock(place)
        try:
            if lock.acquire():
                return lock
        except FileNotFoundError:
            continue  # Another process took it for a leftover before it was locked.
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise


def _remove_room(place: str) -> None:
    """Removes a room unless a process holds its lock."""
    lock = Lock(place)
    with contextlib.suppress(OSError):
        if not lock.acquire():
            return
        try:
            if lock.is_certain:
                if sys.platform == "win32":  # It moves no folder with an open file.
                    lock.release()
                # The process that has just made it may be about to lock it. Under
                # another name it is not found, and that process makes a new one.
                doomed = os.path.join(os.path.dirname(place), part_name())
                os.rename(place, doomed)
                shutil.rmtree(doomed, ignore_errors=True)
        finally:
            lock.release()
