"""Parquet files of features, written with pyarrow."""

import importlib
import pathlib
from collections.abc import Iterable
from typing import Any

PATH, LABEL, FEATURES = "path", "label", "features"


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


def write_groups(part: pathlib.Path, groups: Iterable[Any]) -> None:
    """Writes a file with one row group for each table.

    Args:
        part: The file.
        groups: `pyarrow.Table`s, at least one, each of whose columns is one chunk.

    Raises:
        OSError: If it cannot be written.
    """
    writer: Any = None
    # An open file: pyarrow refuses names that are not text.
    with open(part, "wb") as file:
        try:
            for group in groups:
                if writer is None:
                    # Features do not repeat: a dictionary of them would save nothing.
                    writer = parquet().ParquetWriter(
                        file,
                        group.schema,
                        use_dictionary=[LABEL],
                        write_page_checksum=True,
                    )
                writer.write_table(group, row_group_size=len(group))
        finally:
            if writer is not None:
                writer.close()
