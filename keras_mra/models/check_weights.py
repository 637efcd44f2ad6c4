"""Checks of the weights of an autoencoder."""

from typing import Any

import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra import checks


def check_weights(mae: Any, name: str = "mae") -> None:
    """Refuses an autoencoder with weights that are not finite.

    Its attention would be NaN, which ranks no patches, and so would its paint. Weights
    that are traced, or read later, are not looked at.

    Args:
        mae: `MAE`.
        name: Name of the argument in the message.

    Raises:
        ValueError: If a weight is NaN or infinite. The message names the tensor.
    """
    if found := _not_finite(mae):
        raise ValueError(
            f"`{name}` must have finite weights. Received: NaN or infinite values in "
            f"{found!r}"
        )


def check_loaded(mae: Any, source: Any) -> None:
    """Refuses weights that an autoencoder does not hold in the dtype of its sums.

    Args:
        mae: `MAE` with the weights of a file.
        source: Path of the file, for the message.

    Raises:
        ValueError: If a weight is too large. The message names the tensor.
    """
    if found := _not_finite(mae):
        raise ValueError(
            f"{str(source)!r} must hold weights that {mae.compute_dtype} holds, up to "
            f"{_largest(mae):g}. Received: larger ones in {found!r}"
        )


def _not_finite(mae: Any) -> str | None:
    """The path of the first weight that is not finite where it is used, if any."""
    largest = _largest(mae)
    for weight in mae.weights:
        if not backend.is_concrete(weight.value):
            continue
        # The variable, because `value` is not a tensor under a TensorFlow strategy.
        values = np.abs(ops.convert_to_numpy(weight).astype("float32"))
        if values.size and not float(values.max()) <= largest:  # NaN is not
            return str(weight.path)
    return None


def _largest(mae: Any) -> float:
    # Under a mixed policy, the weights are cast for the products.
    return checks.largest_float(mae.compute_dtype)
