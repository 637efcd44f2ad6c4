"""The convolution and the norm of the residual networks."""

from typing import Any

import keras


def convolution(x: Any, filters: int, stride: int = 1, side: int = 3) -> Any:
    """A convolution without bias, with He's initial weights.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        filters: Int.
        stride: Int, of both axes.
        side: Int, of the kernel.
    """
    return keras.layers.Conv2D(
        filters,
        side,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)


def norm(x: Any) -> Any:
    """A batch normalisation with the momentum of the published networks."""
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
