"""Files that are written whole or not at all.

An unfinished file lies in a folder of its own beside its target, under a name that
nobody can foresee, and reaches the disk before it takes the target's place: a reader,
or a process that is killed, finds the old file or the new one.
"""

import contextlib
import os
import pathlib
import stat
from collections.abc import Iterator

from keras_mra.files.lock import LOCK
from keras_mra.files.lock import locked
from keras_mra.files.open_regular import kind_of
from keras_mra.files.remote_path import RemotePath
from keras_mra.files.room import room
from keras_mra.files.store import uploading
from keras_mra.files.sync import sync_file
from keras_mra.files.sync import sync_folder
from keras_mra.files.sync import sync_tree
from keras_mra.typing import Path

_REPLACED = ".mra-replaced"
# Seconds to wait for another process that replaces the same files.
PATIENCE = 60.0


@contextlib.contextmanager
def replacing(path: Path, previous: Path | None = None) -> Iterator[pathlib.Path]:
    """Yields the path of an empty file that takes the place of `path` at the end.

    If the block raises an error, `path` stays as it was.

    Args:
        path: The file to write. A missing folder is made. A `RemotePath` is uploaded at
            the end.
        previous: Path in the same folder at which the replaced file is kept, or `None`.
            At every moment, one of the two is a whole file.

    Raises:
        OSError: If the file cannot be written, or `path` is not a regular file.

    Example:

    ```python
    from keras_mra import files

    with files.replacing("results.txt") as part:
        part.write_text("done")
    ```
    """
    if isinstance(path, RemotePath):
        with uploading(path) as part:
            yield part
        return
    path = pathlib.Path(path)
    check_target(path)
    with room(path.parent) as place:
        part = place / path.name
        part.open("xb").close()
        yield part
        sync_file(part)
        if previous is None or not path.exists():
            os.replace(part, path)
        else:
            os.replace(path, previous)
            try:
                os.replace(part, path)
            except BaseException:
                os.replace(previous, path)
                raise
        sync_folder(path.parent)


@contextlib.contextmanager
def replacing_together(
    folder: Path, names: list[str], argument: str
) -> Iterator[dict[str, pathlib.Path]]:
    """Yields paths of empty files that take the places of several files at the end.

    A process that is killed leaves the old files, the new ones, or a folder without
    the file of the last name: never that file beside one of another set. If the block
    raises an error, the files stay as they were. Another process that writes the same
    files waits until this one is done.

    Args:
        folder: Folder of the files. It is made if it is missing.
        names: Names of the files. Without the last, readers must refuse the others.
        argument: Name of the caller's argument, for the message.

    Yields:
        A dict from names to paths.

    Raises:
        OSError: If a file cannot be written or is not a regular file, or another
            process writes the same files for too long.
    """
    folder = pathlib.Path(folder)
    for name in names:
        check_target(folder / name)
    lock = f"{LOCK}-{names[-1]}"
    with locked(folder, argument, PATIENCE, lock), room(folder) as place:
        parts = {name: place / name for name in names}
        for part in parts.values():
            part.open("xb").close()
        yield parts
        for part in parts.values():
            sync_file(part)
        _exchange(folder, parts, place / _REPLACED)
        sync_folder(folder)


def _exchange(
    folder: pathlib.Path, parts: dict[str, pathlib.Path], replaced: pathlib.Path
) -> None:
    """Moves the old files away, the last first, and the new ones in, the last last."""
    replaced.mkdir()
    try:
        for name in reversed(parts):
            if os.path.lexists(folder / name):
                os.replace(folder / name, replaced / name)
        sync_folder(folder)
        for name, part in parts.items():
            os.replace(part, folder / name)
    except BaseException:
        for name, part in parts.items():
            if os.path.lexists(replaced / name):
                os.replace(replaced / name, folder / name)
            elif not part.exists():
                (folder / name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def creating(path: Path) -> Iterator[pathlib.Path]:
    """Yields a path at which the block makes a file or a folder, moved to `path` then.

    For writers that make a whole folder, or refuse a file that exists.

    Args:
        path: The file or folder to make; it must not exist. A missing parent is made.
    """
    path = pathlib.Path(path)
    with room(path.parent) as place:
        part = place / path.name
        yield part
        sync_tree(part)
        os.replace(part, path)
        sync_folder(path.parent)


def check_target(path: pathlib.Path) -> None:
    """Refuses to replace a folder, a device or a FIFO.

    Raises:
        OSError: If there is one at `path`.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:  # A link to nothing is replaced, as any link is.
        return
    if not stat.S_ISREG(mode):
        raise OSError(f"{str(path)!r} must be a file. Received: {kind_of(mode)}")
