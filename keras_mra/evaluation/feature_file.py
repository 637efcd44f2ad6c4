"""Files of features: Parquet, with one row for each image."""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import files
from keras_mra.evaluation.feature_parts import FeatureParts
from keras_mra.evaluation.parquet_file import FEATURES
from keras_mra.evaluation.parquet_file import LABEL
from keras_mra.evaluation.parquet_file import PATH
from keras_mra.evaluation.parquet_file import write_groups

# Rows are written in groups of about this many bytes of features, but of at most this
# many rows, so that an interrupted run loses little.
GROUP_BYTES, GROUP_ROWS = 2**25, 4096


@contextlib.contextmanager
def writing_features(
    out: files.Place, settings: dict[str, Any]
) -> Iterator["FeatureWriter"]:
    """Yields a writer of a file, which appears at the end, whole or not at all.

    Args:
        out: The file.
        settings: As in `FeatureParts`.

    Raises:
        OSError: If the file cannot be written, or another process writes it.
    """
    parts = FeatureParts(out, settings)
    with parts.held():
        writer = FeatureWriter(out, parts)
        yield writer
        writer.finish()


class FeatureWriter:
    """Writes rows in groups, so that few are in memory.

    Args:
        out: The file.
        parts: `FeatureParts`, in `held`. Their rows are not written again.

    Attributes:
        done: Int, the images whose rows or failures were written.
        rows: Int, the rows.
        failed: List of `[name, reason]`, the images that have no row.
    """

    def __init__(self, out: files.Place, parts: FeatureParts) -> None:
        self.done = parts.done
        self.rows = parts.rows
        self.failed = list(parts.failed)
        self._out = out
        self._parts = parts
        self._tables: list[Any] = []
        self._bytes = 0

    def write(
        self,
        names: list[str],
        labels: list[str] | None,
        features: NDArray[np.float32] | None,
        failed: list[list[str]],
    ) -> None:
        """Adds rows.

        Args:
            names: List of strings, the paths of the images.
            labels: List of strings, or `None` in each call.
            features: Float32 array of shape `(rows, dim)`, or `None` if there is no
                row.
            failed: List of `[name, reason]`, images that have no row.
        """
        import pyarrow

        self.done += len(names) + len(failed)
        self.rows += len(names)
        self.failed += failed
        if features is None:
            return
        values = pyarrow.array(features.reshape(-1))
        columns = {PATH: pyarrow.array(names, pyarrow.string())}
        if labels is not None:
            columns[LABEL] = pyarrow.array(labels, pyarrow.string())
        columns[FEATURES] = pyarrow.FixedSizeListArray.from_arrays(
            values, features.shape[1]
        )
        self._tables.append(pyarrow.table(columns))
        self._bytes += features.nbytes
        rows = sum(table.num_rows for table in self._tables)
        if self._bytes >= GROUP_BYTES or rows >= GROUP_ROWS:
            with _named(self._out):
                self._parts.add(
                    self._group(), self.done, self.failed[len(self._parts.failed) :]
                )

    def finish(self) -> None:
        """Writes the file, and removes its parts."""
        last = [self._group()] if self._tables else []
        with files.replacing(self._out) as part, _named(self._out):
            write_groups(part, itertools.chain(self._parts.groups(), last))
        self._parts.remove()

    def _group(self) -> Any:
        """The rows that are in memory, which it forgets."""
        import pyarrow

        # One chunk: what is read back from a part has no more, and files are equal.
        group = pyarrow.concat_tables(self._tables).combine_chunks()
        self._tables, self._bytes = [], 0
        return group


@contextlib.contextmanager
def _named(out: files.Place) -> Iterator[None]:
    """Adds the name of the file to errors of writing it."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"The features could not be written: {error.strerror or error}. The file "
            "was",
            str(out),
        ) from error
