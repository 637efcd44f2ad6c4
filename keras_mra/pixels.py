"""Pixels: to the model's normalised space and back, and to other sizes."""

import numpy as np
from keras import ops


def normalize(images, value_range, mean, std):
    """`((x - low) / (high - low) - mean) / std`, in float32.

    Args:
        images: Tensor of shape `(..., channels)`, any real dtype.
        value_range: Pair of floats, `(low, high)`.
        mean: Per-channel floats in the 0 to 1 scale, or `None`.
        std: Likewise.
    """
    scale, offset = _affine(value_range, mean, std)
    return (ops.cast(images, "float32") - offset) / scale


def denormalize(images, value_range, mean, std):
    """Inverse of `normalize`, clipped to `value_range`."""
    scale, offset = _affine(value_range, mean, std)
    return ops.clip(ops.cast(images, "float32") * scale + offset, *value_range)


def cast_pixels(images, dtype):
    """Casts to the dtype of the input, rounding to the nearest integer if need be."""
    if dtype.startswith(("int", "uint")):
        images = ops.round(images)
    return ops.cast(images, dtype)


def standardize_patches(patches):
    """Each patch minus its mean, over its deviation (`norm_pix_loss` targets).

    The variance is the unbiased one plus 1e-6, as in the published code.
    """
    mean, std = patch_statistics(patches)
    return (patches - mean) / std


def patch_statistics(patches):
    """Mean and deviation of each patch, each of shape `(batch, patches, 1)`."""
    size = patches.shape[-1]
    mean = ops.mean(patches, axis=-1, keepdims=True)
    squares = ops.sum(ops.square(patches - mean), axis=-1, keepdims=True)
    return mean, ops.sqrt(squares / (size - 1) + 1e-6)


def _affine(value_range, mean, std):
    """The per-channel scale and offset that the two directions share."""
    low, high = value_range
    mean = np.zeros(1) if mean is None else np.asarray(mean)
    std = np.ones(1) if std is None else np.asarray(std)
    scale = ops.convert_to_tensor((high - low) * std, "float32")
    offset = ops.convert_to_tensor(low + (high - low) * mean, "float32")
    return scale, offset


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
