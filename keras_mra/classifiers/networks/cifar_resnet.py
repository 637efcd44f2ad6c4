"""The residual networks for images of 32 pixels (He et al., 2016, section 4.2)."""

from typing import Any

import keras
from keras import ops

from keras_mra.classifiers.networks.convolution import convolution
from keras_mra.classifiers.networks.convolution import norm
from keras_mra.classifiers.networks.ends import probabilities
from keras_mra.classifiers.networks.ends import to_unit_range
from keras_mra.typing import ImageShape


def cifar_resnet(
    image_shape: ImageShape,
    num_classes: int,
    value_range: tuple[float, float],
    depth: int = 20,
) -> keras.Model:
    """Builds a ResNet for CIFAR: three stages of 16, 32 and 64 channels.

    Shortcuts have no parameters (option A): where the size changes, they take every
    second pixel and pad the channels with zeros.

    Args:
        image_shape: `(height, width, channels)`.
        num_classes: Int.
        value_range: Pair of floats, the range of the images.
        depth: Int, 6n + 2: 20 for 0.27 M parameters, 56 for 0.85 M.

    Returns:
        A `keras.Model` from images to probabilities `(batch, num_classes)`.
    """
    blocks, rest = divmod(depth - 2, 6)
    if rest or blocks < 1:
        raise ValueError(f"`depth` must be 6n + 2. Received: depth={depth}")
    images = keras.Input(image_shape)
    x = to_unit_range(value_range)(images)
    x = keras.layers.Activation("relu")(norm(convolution(x, 16)))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(blocks):
            x = _block(x, filters, stride=2 if stage and not block else 1)
    x = keras.layers.GlobalAveragePooling2D()(x)  # (B, 64)
    return keras.Model(images, probabilities(x, num_classes))


def _block(x: Any, filters: int, stride: int) -> Any:
    shortcut = x
    x = keras.layers.Activation("relu")(norm(convolution(x, filters, stride)))
    x = norm(convolution(x, filters))
    if stride > 1:
        shortcut = keras.layers.MaxPooling2D(1, stride)(shortcut)
        more = filters - shortcut.shape[-1]
        sides = (more // 2, more - more // 2)
        shortcut = ops.pad(shortcut, ((0, 0), (0, 0), (0, 0), sides))
    return keras.layers.Activation("relu")(keras.layers.Add()([x, shortcut]))
