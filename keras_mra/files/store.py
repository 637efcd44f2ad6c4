"""Files of stores that fsspec reaches: read whole, and written whole or not at all.

The store keeps the promise: a put of an object takes effect at its end, or never. There
are no links, locks or folders in it, and nothing to bring to a disk.
"""

import asyncio
import concurrent.futures
import contextlib
import errno
import os
import pathlib
import tempfile
import threading
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from typing import TypeVar

from keras_mra.files.remote_path import RemotePath
from keras_mra.files.room import part_name
from keras_mra.files.room import remove_leftovers
from keras_mra.files.room import room

# Fsspec writes in place elsewhere, for instance on sftp://.
PUT_WHOLE = ("s3", "gs", "az", "abfs", "abfss", "oss", "oci", "tos", "memory")
# Seconds for an answer, and bytes in each further second. Some stores' own packages try
# for minutes, or for ever.
PATIENCE = 20.0
_SLOWEST = 2**20
# Files that are read or written at the same time: each takes its memory.
AT_ONCE = 4
# S3 and Google Cloud Storage allow no more.
LONGEST_KEY = 1024
Result = TypeVar("Result")


class StoreFailed(OSError):
    """Raised where a store does not answer, or not for a reason of the file."""


def check_store(argument: str, path: RemotePath) -> None:
    """Refuses a URL to which files cannot be written whole.

    Args:
        argument: Name of the caller's argument, for the message.
        path: The URL.

    Raises:
        ValueError: If the URL is of no object store.
    """
    if path.scheme not in PUT_WHOLE:
        raise ValueError(
            f"`{argument}` must be a path, or a URL of a store that writes whole "
            f"objects: {', '.join(PUT_WHOLE)}. Received: {argument}={str(path)!r}"
        )


def is_folder_of_store(path: RemotePath) -> bool:
    """Whether there are files below a URL.

    Raises:
        FileNotFoundError: If there is nothing at the URL.
        OSError: If the store does not tell.
    """
    store, key = _store(path)
    found = _within(PATIENCE, path, lambda: store.info(key))
    return bool(found["type"] == "directory")


def listed(folder: RemotePath) -> list[tuple[str, bool]]:
    """Lists a folder.

    Args:
        folder: The folder.

    Returns:
        Sorted list of the names, each with whether it is that of a folder. It is empty
        if there is no such folder. A name may be empty.

    Raises:
        OSError: If the folder cannot be listed.
    """
    store, key = _store(folder)
    store.invalidate_cache()
    start = len(key.rstrip("/")) + 1
    try:
        with _named(folder):
            entries = store.ls(key, detail=True)
    except FileNotFoundError:
        return []
    finally:
        # It is large, and files may vanish or change.
        store.invalidate_cache()
    names = {
        (entry["name"][start:].rstrip("/"), entry["type"] == "directory")
        for entry in entries
    }
    names.discard(("", False))  # An object that stands for the folder itself.
    return sorted(names)


def read_object(path: RemotePath, most: int | None = None) -> bytes:
    """Reads a file into memory.

    Args:
        path: The file.
        most: Int, the most bytes to read, or `None` for no limit.

    Raises:
        ValueError: If the file is larger.
        StoreFailed: If the store does not answer.
        OSError: If it answers, but the file does not exist or cannot be read.
    """
    try:
        return _read(path, most)
    except StoreFailed as error:
        # It may be this file alone, for instance one with a key of its own.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            is_folder_of_store(path.parent)
        raise OSError(errno.EIO, str(error)) from error


def check_object_name(path: RemotePath) -> None:
    """Refuses a name that no store allows.

    Raises:
        OSError: If the name is too long, or no text.
    """
    try:
        length = len("/".join(path.parts[2:]).encode())
    except UnicodeEncodeError as error:
        text = "names of objects are text"
        raise OSError(errno.EILSEQ, text, str(path)) from error
    if length > LONGEST_KEY:
        text = f"names of objects have at most {LONGEST_KEY} bytes"
        raise OSError(errno.ENAMETOOLONG, text, str(path))


def put_object(path: RemotePath, content: bytes) -> None:
    """Writes a file whole or not at all.

    Raises:
        OSError: If the file cannot be written.
    """
    check_object_name(path)
    store, key = _store(path)
    patience = PATIENCE + len(content) / _SLOWEST
    _within(patience, path, lambda: store.pipe_file(key, content))


def remove_object(path: RemotePath) -> None:
    """Removes a file.

    Raises:
        OSError: If it cannot be removed.
    """
    store, key = _store(path)
    _within(PATIENCE, path, lambda: store.rm_file(key))


def probe_object(argument: str, path: RemotePath) -> None:
    """Refuses the URL of a file that cannot be written.

    Args:
        argument: Name of the caller's argument, for the message.
        path: The file.

    Raises:
        OSError: If it cannot be written.
    """
    check_store(argument, path)
    probe = path.with_name(part_name())
    try:
        with contextlib.suppress(FileNotFoundError):
            if is_folder_of_store(path):
                raise IsADirectoryError("it is a folder")
        put_object(probe, b"")
    except OSError as error:
        raise OSError(
            f"`{argument}` must be a file that can be written. "
            f"Received: {argument}={str(path)!r} ({error})"
        ) from error
    remove_leftovers(tempfile.gettempdir())  # Those of killed uploads.
    with contextlib.suppress(OSError):  # Some may write, and not remove.
        remove_object(probe)


@contextlib.contextmanager
def uploading(path: RemotePath) -> Iterator[pathlib.Path]:
    """Yields the path of an empty file of this machine, which is uploaded at the end.

    If that fails, the file is kept and the message names it. If the block raises an
    error, nothing is uploaded.
    """
    with room(tempfile.gettempdir()) as place:
        part = place / path.name
        part.touch()
        yield part
        store, key = _store(path)
        patience = PATIENCE + part.stat().st_size / _SLOWEST
        try:
            _within(patience, path, lambda: store.put_file(str(part), key))
        except OSError as error:
            kept = pathlib.Path(tempfile.mkdtemp(prefix="keras-mra-"), path.name)
            os.replace(part, kept)
            raise StoreFailed(
                f"The upload failed: {error}. The file is complete, and kept as "
                f"{str(kept)!r}"
            ) from error


def _read(path: RemotePath, most: int | None) -> bytes:
    store, key = _store(path)
    file = _within(PATIENCE, path, lambda: store.open(key, "rb"))
    with file:
        size = getattr(file, "size", None) or 0
        if most is None or size <= most:
            length = -1 if most is None else most + 1
            patience = PATIENCE + size / _SLOWEST
            content: bytes = _within(patience, path, lambda: file.read(length))
            size = len(content)
        if most is not None and size > most:
            raise ValueError(f"The file is larger than {most:,} bytes.")
    return content


def _store(path: RemotePath) -> tuple[Any, str]:
    """The file system of fsspec, and the name of a file in it."""
    import fsspec

    with _named(path):
        store, key = fsspec.core.url_to_fs(str(path))
    return store, key


def _within(seconds: float, path: RemotePath, function: Callable[[], Result]) -> Result:
    """Calls a function of a store, and waits no longer than some seconds.

    Raises:
        OSError: If the function fails, or has not ended.
    """
    result: concurrent.futures.Future[Result] = concurrent.futures.Future()

    def call() -> None:
        try:
            result.set_result(function())
        # A store's event loop may be closed while it waits.
        except (Exception, asyncio.CancelledError) as error:
            result.set_exception(error)

    # Not of a pool: at its end, Python waits for those threads.
    threading.Thread(target=call, daemon=True, name="keras_mra_store").start()
    concurrent.futures.wait([result], seconds)
    with _named(path):
        if not result.done():
            raise TimeoutError(f"no answer within {seconds:.0f} seconds")
        return result.result()


@contextlib.contextmanager
def _named(path: RemotePath) -> Iterator[None]:
    """Gives errors of any store's package the types of those of files, and the URL."""
    try:
        yield
    except FileNotFoundError as error:
        reason = error.strerror or str(error)
        raise FileNotFoundError(errno.ENOENT, reason, str(path)) from error
    except PermissionError as error:
        reason = error.strerror or str(error)
        raise PermissionError(errno.EACCES, reason, str(path)) from error
    except MemoryError:
        raise
    # The packages of the stores raise many types.
    except (Exception, asyncio.CancelledError) as error:
        raise StoreFailed(
            f"The store of {str(path)!r} failed: {type(error).__name__}: {error}"
        ) from error
