"""`LocalCopies`: the folder of the copies, on this machine."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

from keras_mra import files
from keras_mra.augment.copies import RECORD
from keras_mra.augment.copies import Copies
from keras_mra.augment.copies import InvalidName
from keras_mra.augment.copies import error_of_writing
from keras_mra.augment.copies import is_copy


class LocalCopies(Copies):
    """See `Copies`. One process at a time writes to the folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder: pathlib.Path = folder

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        files.probe_folder("target", self.folder)
        with files.locked(self.folder, "target"):
            self.remove_leftovers()
            yield

    def exists(self, path: files.Place) -> bool:
        try:
            return pathlib.Path(path).is_file()
        except OSError:  # Writing the file reports it.
            return False

    def find_copy(self) -> str | None:
        for path in self.folder.rglob("*.mra*"):
            if is_copy(path.name) and path.is_file():
                return path.name
        return None

    def record(self) -> dict[str, Any]:
        return files.read_json(self.folder / RECORD, missing_ok=True)

    def write_record(self, content: bytes) -> None:
        record = self.folder / RECORD
        if not record.is_file() or record.read_bytes() != content:
            self.write(record, content)

    def write(self, path: files.Place, content: bytes) -> None:
        try:
            files.write_below(self.folder, path, content)
        except files.NoFolder as error:
            raise InvalidName(f"{path}: {error}") from error
        except OSError as error:
            raise error_of_writing(error, path) from error

    def finish(self) -> None:
        pass

    def mark(self) -> bytes:
        return (self.folder / files.LOCK).read_bytes()

    def remove_leftovers(self) -> None:
        files.remove_all_leftovers(self.folder)
