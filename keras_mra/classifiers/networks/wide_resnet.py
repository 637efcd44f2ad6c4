"""Wide residual networks (Zagoruyko and Komodakis, 2016)."""

from typing import Any

import keras

from keras_mra.classifiers.networks.convolution import convolution
from keras_mra.classifiers.networks.convolution import norm
from keras_mra.classifiers.networks.ends import probabilities
from keras_mra.classifiers.networks.ends import to_unit_range
from keras_mra.typing import ImageShape


def wide_resnet(
    image_shape: ImageShape,
    num_classes: int,
    value_range: tuple[float, float],
    depth: int = 28,
    width: int = 2,
) -> keras.Model:
    """Builds a WRN: pre-activation blocks, three stages of 16, 32 and 64 x `width`.

    Args:
        image_shape: `(height, width, channels)`.
        num_classes: Int.
        value_range: Pair of floats, the range of the images.
        depth: Int, 6n + 4.
        width: Int. WRN-28-2, the network of FixMatch, has 1.5 M parameters.

    Returns:
        A `keras.Model` from images to probabilities `(batch, num_classes)`.
    """
    blocks, rest = divmod(depth - 4, 6)
    if rest or blocks < 1:
        raise ValueError(f"`depth` must be 6n + 4. Received: depth={depth}")
    images = keras.Input(image_shape)
    x = convolution(to_unit_range(value_range)(images), 16)
    for stage, filters in enumerate((16 * width, 32 * width, 64 * width)):
        for block in range(blocks):
            x = _block(x, filters, stride=2 if stage and not block else 1)
    x = keras.layers.GlobalAveragePooling2D()(_activated(x))  # (B, 64 * width)
    return keras.Model(images, probabilities(x, num_classes))


def _block(x: Any, filters: int, stride: int) -> Any:
    shortcut, x = x, _activated(x)
    if stride > 1 or shortcut.shape[-1] != filters:
        shortcut = convolution(x, filters, stride, side=1)
    x = _activated(convolution(x, filters, stride))
    return keras.layers.Add()([convolution(x, filters), shortcut])


def _activated(x: Any) -> Any:
    return keras.layers.Activation("relu")(norm(x))
