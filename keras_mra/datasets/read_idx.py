"""IDX files, the format of MNIST and its successors."""

import gzip
import math
import zlib

import numpy as np
import numpy.typing as npt

from keras_mra.typing import Path


def read_idx(path: Path, rank: int) -> npt.NDArray[np.uint8]:
    """Reads a gzipped IDX file of unsigned bytes.

    Args:
        path: Path of the file.
        rank: Int, the number of axes that the file must have.

    Returns:
        Uint8 array with `rank` axes.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is truncated or has another format.
    """
    try:
        with gzip.open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is truncated or no gzip file: {error}") from error
    header = 4 + 4 * rank
    if data[:4] != bytes([0, 0, 8, rank]) or len(data) < header:
        raise ValueError(
            f"{path} must be an IDX file of unsigned bytes with {rank} axes. "
            f"Received: a file that starts with {data[:4].hex() or 'nothing'}"
        )
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", count=rank, offset=4))
    if len(data) != header + math.prod(shape):
        raise ValueError(
            f"{path} must hold {math.prod(shape)} bytes after its header, for shape "
            f"{shape}. Received: {len(data) - header} bytes"
        )
    return np.frombuffer(data, "uint8", offset=header).reshape(shape)
