"""`write_below`: a file in a folder tree, and never outside of it."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence

from keras_mra.files.room import part_name
from keras_mra.files.sync import sync_descriptor
from keras_mra.typing import Path

_FOLDER = os.O_RDONLY
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
for _flag in ("O_NOFOLLOW", "O_CLOEXEC"):
    _FOLDER |= getattr(os, _flag, 0)
    _NEW_FILE |= getattr(os, _flag, 0)
_FOLDER |= getattr(os, "O_DIRECTORY", 0)
_NEW_FILE |= getattr(os, "O_BINARY", 0)
# Windows finds files by their path alone.
BY_DESCRIPTOR = {os.open, os.mkdir, os.unlink, os.rename} <= os.supports_dir_fd


class NoFolder(OSError):
    """Raised where a link or a file is in the place of a folder of the tree."""


def write_below(root: Path, path: Path, content: bytes) -> None:
    """Writes a file of a tree whole or not at all, and the folders that it lies in.

    No link below `root` is followed, not even one that is made meanwhile. A link at
    `path` is replaced. An unfinished file has no lock of its own: the caller holds
    that of `root`.

    Args:
        root: The folder. It must exist, and may be a link.
        path: The file, whose path starts with `root`.
        content: The content of the file.

    Raises:
        NoFolder: If a folder between `root` and `path` is a link or a file.
        OSError: If the file cannot be written for another reason.
    """
    *names, name = pathlib.Path(path).relative_to(root).parts
    with _opened(root, names) as (prefix, folder):
        part, target = prefix + part_name(), prefix + name
        descriptor = os.open(part, _NEW_FILE, 0o666, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, target, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise
        if folder is not None:
            sync_descriptor(folder)


@contextlib.contextmanager
def _opened(root: Path, names: Sequence[str]) -> Iterator[tuple[str, int | None]]:
    """Makes a folder of the tree; yields the beginning of its paths, and a descriptor.

    Where there are no descriptors of folders, the path is absolute and has no links.
    """
    if not BY_DESCRIPTOR:
        yield os.path.join(_without_links(root, names), ""), None
        return
    descriptor = os.open(root, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for name in names:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=descriptor)
            try:
                inner = os.open(name, _FOLDER, dir_fd=descriptor)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENOTDIR):
                    raise _no_folder(name) from error
                raise
            os.close(descriptor)
            descriptor = inner
        yield "", descriptor
    finally:
        os.close(descriptor)


def _without_links(root: Path, names: Sequence[str]) -> str:
    place = os.path.realpath(root)
    for name in names:
        place = os.path.join(place, name)
        with contextlib.suppress(FileExistsError):
            os.mkdir(place)
        is_itself = os.path.normcase(os.path.realpath(place)) == os.path.normcase(place)
        if not (is_itself and os.path.isdir(place)):
            raise _no_folder(name)
    return place


def _no_folder(name: str) -> NoFolder:
    return NoFolder(
        f"{name!r} is a link or a file, where a folder must be. Nothing is written "
        "through it"
    )
