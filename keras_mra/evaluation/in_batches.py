"""`in_batches`: a function of large arrays, called on batches of one size."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray


def in_batches(
    function: Callable[..., Any], batch_size: int, *arrays: NDArray[Any]
) -> NDArray[Any]:
    """Calls a function on batches of arrays of one length, and joins what it returns.

    All batches have one size, so that only one shape is compiled: the last batch
    overlaps the one before.

    Args:
        function: Function from parts of the arrays to a tensor with as many rows.
        batch_size: Int, at least 1.
        *arrays: Arrays of one length, at least 1.

    Returns:
        Array of that length.
    """
    count = len(arrays[0])
    size = min(batch_size, count)
    joined: NDArray[Any] | None = None
    for start in range(0, count, size):
        start = min(start, count - size)
        part = slice(start, start + size)
        found = ops.convert_to_numpy(function(*(array[part] for array in arrays)))
        if joined is None:
            joined = np.empty((count, *found.shape[1:]), found.dtype)
        joined[part] = found
    assert joined is not None
    return joined
