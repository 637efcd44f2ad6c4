"""`StoredCopies`: the folder of the copies, in a store."""

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

    def __reduce__(self) -> tuple[Any, ...]:
        return StoredCopies, (self.folder,)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        # An answer, before the folder is listed.
        with _named(self.folder), contextlib.suppress(FileNotFoundError):
            if not files.is_folder(self.folder):
                raise NotADirectoryError("it is a file")
        yield

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
        try:
            files.put_object(files.RemotePath(path), content)
        except OSError as error:
            raise error_of_writing(error, path) from error

    def mark(self) -> bytes:
        return files.read_object(self.folder / RECORD)

    def remove_leftovers(self) -> None:
        pass


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
