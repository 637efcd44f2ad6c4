"""`stored_arrays`: arrays of an `.npz` file, none of which takes more than its file.

`numpy.load` unpacks what a zip compresses, and makes an array of the size that a header
states, before it reads the values: a small file could take any memory.
"""

import io
import math
import zipfile
from typing import IO
from typing import Any

import numpy as np

_SUFFIX = ".npy"
_MOST_DIMENSIONS = 32


def stored_arrays(file: IO[bytes]) -> dict[str, np.ndarray[Any, Any]]:
    """Reads the arrays of a file that `numpy.savez` wrote.

    Args:
        file: Binary file.

    Returns:
        A dict from names to arrays.

    Raises:
        ValueError: If an array is compressed, or has another size than its header
            states, or holds objects.
        Exception: Of other types, if the file is damaged.
    """
    size = file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        records = archive.infolist()
        total = sum(record.file_size for record in records)
        if total > size or any(r.compress_type != zipfile.ZIP_STORED for r in records):
            raise ValueError(
                f"it must hold its arrays uncompressed, in {size:,} bytes; it unpacks "
                f"to {total:,}"
            )
        return {
            record.filename.removesuffix(_SUFFIX): _array(
                record.filename, archive.read(record)
            )
            for record in records
        }


def _array(name: str, content: bytes) -> np.ndarray[Any, Any]:
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, in_fortran_order, dtype = read_header(stream)
    held = len(content) - stream.tell()
    # Python's numbers do not overflow.
    declared = math.prod(map(int, shape)) * dtype.itemsize
    if dtype.hasobject or held != declared or len(shape) > _MOST_DIMENSIONS:
        raise ValueError(
            f"its array {name!r} of shape {shape} and {dtype} must take {declared:,} "
            f"bytes; it takes {held:,}"
        )
    array = np.frombuffer(content, dtype, offset=stream.tell())
    # A copy, because the bytes cannot be written to.
    return array.reshape(shape, order="F" if in_fortran_order else "C").copy()
