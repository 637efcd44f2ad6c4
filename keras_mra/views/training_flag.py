"""The `training` argument of augmentation layers."""

from typing import Any

import numpy as np

from keras_mra import backend
from keras_mra import checks


def training_flag(training: Any) -> bool | None:
    """Returns `training` if it is a flag, and refuses labels that took its place.

    `data.map(layer)` over pairs calls `layer(image, label)`. The labels would then
    decide whether the layer augments, and would be lost.

    Args:
        training: What a layer received: a boolean of Python or NumPy, or `None`.

    Raises:
        ValueError: If it is anything else.
    """
    if training is None or isinstance(training, (bool, np.bool_)):
        return None if training is None else bool(training)
    raise ValueError(
        "`training` must be True, False or None. A data set of pairs passes its labels "
        "here: use `data.map(lambda image, label: (layer(image), label))`, or dicts "
        "that hold the images under 'images', which `data.map(layer)` accepts. "
        f"Received: training={_described(training)}"
    )


def _described(value: Any) -> str:
    if not (hasattr(value, "shape") and hasattr(value, "dtype")):
        return f"{value!r} (of type {type(value).__name__})"
    is_known = not backend.has_unknown_rank(value)
    shape = tuple(value.shape) if is_known else "unknown"
    return f"a tensor of dtype {checks.dtype_name(value)} and shape {shape}"
