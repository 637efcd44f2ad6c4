"""Files of features: Parquet, with one row for each image."""

import contextlib
import importlib
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import files

PATH, LABEL, FEATURES = "path", "label", "features"
# Rows are written in groups of about this many bytes of features.
GROUP_BYTES = 2**25


def parquet() -> Any:
    """The module `pyarrow.parquet`.

    Raises:
        ImportError: If pyarrow is not installed.
    """
    try:
        return importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError(
            "Files of features need pyarrow: pip install 'keras-mra[parquet]'"
        ) from error


@contextlib.contextmanager
def writing_features(out: files.Place) -> Iterator["FeatureWriter"]:
    """Yields a writer of a file, which appears at the end, whole or not at all."""
    with files.replacing(out) as part:
        writer = FeatureWriter(part, out)
        try:
            yield writer
            writer.flush()
        finally:
            writer.close()


class FeatureWriter:
    """Writes rows in groups, so that few are in memory.

    Args:
        part: The file to write.
        out: The file that it becomes, for messages.
    """

    def __init__(self, part: pathlib.Path, out: files.Place) -> None:
        self.rows = 0
        self._part = part
        self._out = out
        self._file: Any = None
        self._group: list[Any] = []
        self._bytes = 0

    def write(
        self,
        names: list[str],
        labels: list[str] | None,
        features: NDArray[np.float32],
    ) -> None:
        """Adds rows.

        Args:
            names: List of strings, the paths of the images.
            labels: List of strings, or `None` in each call.
            features: Float32 array of shape `(rows, dim)`.
        """
        import pyarrow

        values = pyarrow.array(features.reshape(-1))
        columns = {PATH: pyarrow.array(names, pyarrow.string())}
        if labels is not None:
            columns[LABEL] = pyarrow.array(labels, pyarrow.string())
        columns[FEATURES] = pyarrow.FixedSizeListArray.from_arrays(
            values, features.shape[1]
        )
        self._group.append(pyarrow.table(columns))
        self._bytes += features.nbytes
        self.rows += len(names)
        if self._bytes >= GROUP_BYTES:
            self.flush()

    def close(self) -> None:
        """Writes the end of the file."""
        if self._file is not None:
            with _named(self._out):
                self._file.close()

    def flush(self) -> None:
        """Writes the rows that are in memory."""
        import pyarrow

        if not self._group:
            return
        group = pyarrow.concat_tables(self._group)
        self._group, self._bytes = [], 0
        with _named(self._out):
            if self._file is None:
                # Features do not repeat: a dictionary of them would save nothing.
                self._file = parquet().ParquetWriter(
                    self._part, group.schema, use_dictionary=[LABEL]
                )
            self._file.write_table(group, row_group_size=len(group))


@contextlib.contextmanager
def _named(out: files.Place) -> Iterator[None]:
    """Adds the name of the file to errors of writing it."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"The features could not be written: {error.strerror}. The file was",
            str(out),
        ) from error
