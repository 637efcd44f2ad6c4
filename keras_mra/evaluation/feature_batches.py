"""`FeatureBatches`: the rows of a file of features from an untrusted source."""

import io
import reprlib
from collections.abc import Iterator
from typing import IO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra.evaluation.parquet_file import FEATURES
from keras_mra.evaluation.parquet_file import LABEL
from keras_mra.evaluation.parquet_file import parquet

# What a file may declare: equal values take nearly no bytes, and features differ.
_BYTES_PER_BYTE = 32
_BYTES_OF_ANY_FILE = 2**26
# `embed_folder` writes the first. Others unpack a few bytes to gigabytes.
_COMPRESSIONS = ("SNAPPY", "UNCOMPRESSED")
# Names of folders have at most 255 bytes.
_LONGEST_LABEL = 2**12
_VALUES_AT_ONCE = 2**23


class FeatureBatches:
    """Holds the sizes that a file declares against its length, before it is read.

    Args:
        file: Binary file.

    Attributes:
        rows: Int.
        dim: Int, the features of a row.
        has_labels: Bool.

    Raises:
        ValueError: If the file is none of features, or declares far more than its
            bytes can hold.
        pyarrow.ArrowException: If it is not a Parquet file.
        OSError: As before, without an `errno`, or if it cannot be read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        found = parquet().ParquetFile(file)
        self.dim, self.has_labels = _checked_schema(found.schema_arrow)
        self.rows = found.metadata.num_rows
        most = _BYTES_OF_ANY_FILE + _BYTES_PER_BYTE * file.seek(0, io.SEEK_END)
        _check_sizes(found.metadata, 4 * self.rows * self.dim, most)
        self._file = parquet().ParquetFile(
            file,
            metadata=found.metadata,
            # Each name once, and not once for each row.
            read_dictionary=[LABEL] if self.has_labels else None,
            page_checksum_verification=True,
        )

    def __iter__(self) -> Iterator[tuple[NDArray[np.float32], Any]]:
        """Yields float32 arrays of shape `(rows, dim)`, and labels or `None`.

        The labels are a `pyarrow.DictionaryArray` of strings.

        Raises:
            ValueError: If a value is missing or not finite, or a label is too long.
            pyarrow.ArrowException: If the file is damaged.
            OSError: As before, without an `errno`, or if it cannot be read.
        """
        columns = [FEATURES, LABEL] if self.has_labels else [FEATURES]
        batch_size = max(1, _VALUES_AT_ONCE // self.dim)
        for batch in self._file.iter_batches(batch_size, columns=columns):
            labels = batch.column(LABEL) if self.has_labels else None
            yield _features(batch.column(FEATURES)), _checked_labels(labels)


def _checked_schema(schema: Any) -> tuple[int, bool]:
    """The features of a row, and whether there are labels."""
    import pyarrow

    names = schema.names
    columns = f"with the columns {reprlib.repr(names)}"
    if names.count(FEATURES) != 1 or names.count(LABEL) > 1:
        raise ValueError(columns)
    kind = schema.field(FEATURES).type
    if (
        not pyarrow.types.is_fixed_size_list(kind)
        or kind.value_type != pyarrow.float32()
        or kind.list_size < 1
    ):
        raise ValueError(
            f"{columns}, whose {FEATURES!r} are of type {kind}, and not lists of "
            "float32 of one length"
        )
    if LABEL not in names:
        return kind.list_size, False
    label = schema.field(LABEL).type
    if label not in (pyarrow.string(), pyarrow.large_string()):
        raise ValueError(f"with labels of type {label}, and not strings")
    return kind.list_size, True


def _check_sizes(metadata: Any, feature_bytes: int, most: int) -> None:
    """Refuses a file that declares more than `most` bytes of features or labels."""
    label_bytes = 0
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        for j in range(group.num_columns):
            column = group.column(j)
            name = column.path_in_schema.partition(".")[0]
            if name not in (FEATURES, LABEL):
                continue
            if column.compression not in _COMPRESSIONS:
                raise ValueError(
                    f"with the compression {column.compression}, and not one of "
                    f"{', '.join(_COMPRESSIONS)}"
                )
            if name == LABEL:
                label_bytes += column.total_uncompressed_size
    if max(feature_bytes, label_bytes) > most:
        raise ValueError(
            f"with {feature_bytes:,} bytes of features and {label_bytes:,} bytes of "
            f"labels, and not at most {most:,} in a file of its length"
        )


def _features(column: Any) -> NDArray[np.float32]:
    values = column.flatten()
    if column.null_count or values.null_count:
        raise ValueError("with features that are missing")
    features: NDArray[np.float32] = values.to_numpy()
    if not np.isfinite(features).all():
        raise ValueError("with NaN or infinite features")
    return features.reshape(len(column), -1)


def _checked_labels(column: Any) -> Any:
    import pyarrow.compute

    if column is None:
        return None
    if column.null_count or column.dictionary.null_count:
        raise ValueError("with labels that are missing")
    longest = pyarrow.compute.max(pyarrow.compute.binary_length(column.dictionary))
    if (longest.as_py() or 0) > _LONGEST_LABEL:
        raise ValueError(f"with a label of more than {_LONGEST_LABEL:,} bytes")
    return column
