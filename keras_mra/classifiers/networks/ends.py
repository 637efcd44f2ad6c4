"""How every network begins and ends."""

from typing import Any

import keras


def to_unit_range(value_range: tuple[float, float]) -> keras.layers.Rescaling:
    """Makes a layer that scales pixels to the range from -1 to 1.

    Args:
        value_range: Pair of floats, the range of the images.
    """
    low, high = value_range
    scale = 2 / (high - low)
    return keras.layers.Rescaling(scale, -1 - scale * low)


def probabilities(features: Any, num_classes: int) -> Any:
    """A linear classifier with a softmax, in float32 under a mixed policy too.

    Args:
        features: Keras tensor `(batch, dim)`.
        num_classes: Int.

    Returns:
        A Keras tensor `(batch, num_classes)`.
    """
    head = keras.layers.Dense(num_classes, activation="softmax", dtype="float32")
    return head(features)
