"""`FeatureParts`: groups of rows in files of their own, until all rows are there."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from keras_mra import files
from keras_mra.evaluation.parquet_file import parquet
from keras_mra.evaluation.parquet_file import write_groups

_PROGRESS = b"keras_mra"
_ENDING = ".parquet"


class FeatureParts:
    """Groups of rows of a file of features, with which a later run goes on.

    They lie in a hidden folder beside the file.

    Args:
        out: The file of features.
        settings: Dict that JSON can hold, what the rows depend on. Parts that an
            earlier run made with other settings are removed.

    Attributes:
        done: Int, the images whose rows or failures the parts hold.
        rows: Int, the rows.
        failed: List of `[name, reason]`, the images that have no row.
    """

    def __init__(self, out: files.Place, settings: dict[str, Any]) -> None:
        self.folder: files.Place = out.with_name(f".mra-features-{_digest(out.name)}")
        self.done = 0
        self.rows = 0
        self.failed: list[list[str]] = []
        self._prefix = _digest(json.dumps(settings, sort_keys=True))
        self._count = 0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Finds the parts of an earlier run, and keeps other processes from them.

        Raises:
            OSError: If the folder cannot be used, or another process uses it.
        """
        if isinstance(self.folder, files.RemotePath):
            self._find()
            yield
            return
        files.probe_folder("out", self.folder)
        try:
            with files.locked(self.folder, "out"):
                self._find()
                yield
        finally:
            with contextlib.suppress(OSError):  # It holds parts.
                self.folder.rmdir()

    def add(self, group: Any, done: int, failed: list[list[str]]) -> None:
        """Writes a part, whole or not at all.

        Args:
            group: `pyarrow.Table` of rows.
            done: Int, the images that this part and those before it cover.
            failed: List of `[name, reason]`, those among them that have no row and that
                no earlier part covers.

        Raises:
            OSError: If it cannot be written.
        """
        progress = json.dumps({"done": done, "failed": failed})
        with files.replacing(self._path(self._count)) as part:
            write_groups(part, [group.replace_schema_metadata({_PROGRESS: progress})])
        self._count_in(len(group), done, failed)

    def groups(self) -> Iterator[Any]:
        """The groups of rows, as `pyarrow.Table`s."""
        for number in range(self._count):
            with files.opened(self._path(number)) as file:
                table = parquet().read_table(file)
            yield table.replace_schema_metadata(None).combine_chunks()

    def remove(self) -> None:
        """Removes the parts."""
        for number in range(self._count):
            _remove(self._path(number))

    def _find(self) -> None:
        """Counts the parts of an earlier run, and removes what are none."""
        for name in files.names_in(self.folder):
            if not name.endswith(_ENDING):
                continue
            path = self.folder / name
            if path != self._path(self._count) or not self._read_progress(path):
                _remove(path)

    def _read_progress(self, path: files.Place) -> bool:
        """Counts a part in, if it is whole."""
        import pyarrow

        try:
            with files.opened(path) as file:
                found = parquet().read_metadata(file)
            progress = json.loads(found.metadata[_PROGRESS])
            self._count_in(found.num_rows, progress["done"], progress["failed"])
        except (pyarrow.ArrowException, KeyError, TypeError, ValueError):
            return False
        return True

    def _count_in(self, rows: int, done: int, failed: list[list[str]]) -> None:
        self._count += 1
        self.rows += rows
        self.done = done
        self.failed += failed

    def _path(self, number: int) -> files.Place:
        return self.folder / f"{self._prefix}-{number:08}{_ENDING}"


def _remove(path: files.Place) -> None:
    with contextlib.suppress(OSError):  # Some may write, and not remove.
        files.remove(path)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
