"""`StoredCopies`: the folder of the copies, in a store."""

import collections
import concurrent.futures
import contextlib
from collections.abc import Iterator
from typing import Any

from keras_mra import files
from keras_mra.augment.copies import RECORD
from keras_mra.augment.copies import Copies
from keras_mra.augment.copies import error_of_writing
from keras_mra.augment.copies import is_copy


class StoredCopies(Copies):
    """See `Copies`. A store has no locks: nothing keeps other processes away.

    Nothing unfinished is ever in it.

    Raises:
        ValueError: If the store does not write whole objects.
    """

    def __init__(self, folder: files.RemotePath) -> None:
        files.check_store("target", folder)
        self.folder: files.RemotePath = folder
        # A folder and its files: the last one that was asked about.
        self._listed: tuple[Any, frozenset[str]] = (None, frozenset())
        # A store is far: several copies are on their way at a time.
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        self._begun: collections.deque[concurrent.futures.Future[None]] = (
            collections.deque()
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return StoredCopies, (self.folder,)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        # An answer, before the folder is listed.
        with _named(self.folder), contextlib.suppress(FileNotFoundError):
            if not files.is_folder(self.folder):
                raise NotADirectoryError("it is a file")
        try:
            yield
        finally:  # After an error, too, nothing is written later.
            concurrent.futures.wait(self._begun)

    def exists(self, path: files.Place) -> bool:
        """One listing tells for all files of a folder, which are asked for in turn."""
        folder = files.RemotePath(path.parent)
        if folder != self._listed[0]:
            entries = files.listed(folder)
            names = frozenset(name for name, is_folder in entries if not is_folder)
            self._listed = folder, names
        return path.name in self._listed[1]

    def find_copy(self) -> str | None:
        folders = [self.folder]
        while folders:
            folder = folders.pop()
            for name, is_folder in files.listed(folder):
                if is_folder and name:
                    folders.append(folder / name)
                elif is_copy(name):
                    return name
        return None

    def record(self) -> dict[str, Any]:
        try:
            content = self.mark()
        except FileNotFoundError:
            return {}
        return files.json_object(content, self.folder / RECORD)

    def write_record(self, content: bytes) -> None:
        # Also if it is there: a target that cannot be written to is found in this way.
        with _named(self.folder):
            files.put_object(self.folder / RECORD, content)

    def write(self, path: files.Place, content: bytes) -> None:
        path = files.RemotePath(path)
        try:
            files.check_object_name(path)
        except OSError as error:
            raise error_of_writing(error, path) from error
        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(files.AT_ONCE)
        self._begun.append(self._pool.submit(_put, path, content))
        if len(self._begun) >= files.AT_ONCE:
            self._begun.popleft().result()

    def finish(self) -> None:
        while self._begun:
            self._begun.popleft().result()

    def mark(self) -> bytes:
        return files.read_object(self.folder / RECORD, files.LARGEST_DOCUMENT)

    def remove_leftovers(self) -> None:
        pass


def _put(path: files.RemotePath, content: bytes) -> None:
    try:
        files.put_object(path, content)
    except OSError as error:
        raise error_of_writing(error, path) from error


@contextlib.contextmanager
def _named(folder: files.RemotePath) -> Iterator[None]:
    """Names the argument in errors of a target that cannot be used."""
    try:
        yield
    except OSError as error:
        raise OSError(
            "`target` must be a folder that can be written to. "
            f"Received: target={str(folder)!r} ({error})"
        ) from error
