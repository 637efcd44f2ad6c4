"""Resizing images by two matrix products.

Bilinear resampling with antialiasing is separable, so it is one constant matrix of
weights per axis. It compiles on every backend (XLA on CPUs has no kernel for
TensorFlow's own antialiased resize), ignores Keras' `image_data_format`, and gives the
same pixels everywhere.
"""

import numpy as np
from keras import ops


def resize(images, size):
    """Resizes images bilinearly, with antialiasing where they shrink.

    Args:
        images: Tensor of shape `(batch, height, width, channels)`; sizes static.
        size: Pair of ints, the new height and width.

    Returns:
        Float32 tensor of shape `(batch, *size, channels)`.
    """
    rows = resampling_matrix(images.shape[1], size[0])
    columns = resampling_matrix(images.shape[2], size[1])
    x = ops.einsum("ij,bjkc->bikc", rows, ops.cast(images, "float32"))
    return ops.einsum("kl,bilc->bikc", columns, x)


def resampling_matrix(old, new):
    """Weights of `old` samples in each of `new` ones: float32 `(new, old)`.

    A triangle of the width of one new sample, or of an old one where samples are
    added, cut off at the border; rows sum to 1.
    """
    width = max(old / new, 1.0)
    at = (np.arange(new) + 0.5) * (old / new) - 0.5
    distance = np.abs(at[:, None] - np.arange(old)) / width
    weights = np.maximum(1.0 - distance, 0.0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")
