"""The convolution and the norm of the residual networks."""

import keras


def convolution(x, filters, stride=1, side=3):
    """A convolution without bias, with He's initial weights.

    Args:
        x: Keras tensor `(batch, height, width, channels)`.
        filters: Int.
        stride, side: Ints, of both axes.
    """
    return keras.layers.Conv2D(
        filters,
        side,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)


def norm(x):
    """A batch normalisation with the momentum of the published networks."""
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
