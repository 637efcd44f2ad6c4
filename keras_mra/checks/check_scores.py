"""Checks of numbers that must not be negative: scores of patches, and labels."""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra.checks.check_images import is_concrete
from keras_mra.typing import Array


def nonnegative_values(name: str, values: Array) -> None:
    """Refuses values that are NaN, infinite or negative, on concrete data."""
    if not is_concrete(values):
        return
    array = ops.convert_to_numpy(values).astype("float32")
    if found := what_is_wrong(array):
        raise ValueError(f"`{name}` must be finite and at least 0. Received: {found}")


def what_is_wrong(values: NDArray[Any]) -> str | None:
    """Says what makes values useless, in words for a message, or returns `None`.

    The order of such scores means nothing: a ranking of NaN keeps the first patches.
    """
    if np.isnan(values).any():
        return "NaN"
    if np.isinf(values).any():
        return "infinite values"
    if (values < 0).any():
        return f"negative values, down to {values.min():g}"
    return None
