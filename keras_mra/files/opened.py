"""`opened`: a file of this machine or of a store, to read."""

import io
from typing import IO

from keras_mra.files import store
from keras_mra.files.open_regular import open_regular
from keras_mra.files.remote_path import RemotePath
from keras_mra.typing import Path


def opened(path: Path, most: int | None = None) -> IO[bytes]:
    """Opens a file for reading. One of a store is read into memory.

    Args:
        path: The file: a path, or a `RemotePath`.
        most: Int, the most bytes of a file of a store, or `None` for no limit.

    Returns:
        A binary file.

    Raises:
        OSError: If the file cannot be read, or is not a regular file.
        ValueError: If a file of a store is larger.
    """
    if isinstance(path, RemotePath):
        return io.BytesIO(store.read_object(path, most))
    return open_regular(path)
