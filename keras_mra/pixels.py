"""Conversion of pixels: to a model's normalised space, to dtypes and to sizes."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra.typing import Array


def normalize(
    images: Array,
    value_range: tuple[float, float],
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> Array:
    """`((x - low) / (high - low) - mean) / std`, in float32.

    Args:
        images: Tensor of shape `(..., channels)`, any real dtype.
        value_range: Pair of floats, `(low, high)`.
        mean: One float per channel in the 0 to 1 scale, or `None`.
        std: One float per channel in the 0 to 1 scale, or `None`.
    """
    scale, offset = _affine(value_range, mean, std)
    return (ops.cast(images, "float32") - offset) / scale


def denormalize(
    images: Array,
    value_range: tuple[float, float],
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> Array:
    """The inverse of `normalize`, clipped to `value_range`."""
    scale, offset = _affine(value_range, mean, std)
    return ops.clip(ops.cast(images, "float32") * scale + offset, *value_range)


def in_value_range(
    images: NDArray[Any], value_range: tuple[float, float]
) -> NDArray[Any]:
    """Brings uint8 images into a range of pixels; for 0 to 255 they stay as they are.

    Args:
        images: Uint8 array of any shape.
        value_range: Pair of floats, `(low, high)`.

    Returns:
        Array of the same shape, uint8 for `(0, 255)` and float32 for other ranges.
    """
    low, high = value_range
    if (low, high) == (0, 255):
        return images
    return (low + images * ((high - low) / 255)).astype("float32")


def cast_pixels(images: Array, dtype: str) -> Array:
    """Casts images to a dtype; integers are rounded to the nearest."""
    if dtype.startswith(("int", "uint")):
        images = ops.round(images)
    return ops.cast(images, dtype)


def standardize_patches(patches: Array) -> Array:
    """Patches minus their means, divided by their deviations.

    These are the targets of `norm_pix_loss`. The variance is the unbiased one plus
    1e-6, as in the published code.

    Args:
        patches: Float tensor of shape `(batch, patches, values)`.
    """
    mean, std = patch_statistics(patches)
    return (patches - mean) / std


def patch_statistics(patches: Array) -> tuple[Array, Array]:
    """Mean and deviation of each patch, both of shape `(batch, patches, 1)`."""
    size = patches.shape[-1]
    mean = ops.mean(patches, axis=-1, keepdims=True)
    squares = ops.sum(ops.square(patches - mean), axis=-1, keepdims=True)
    return mean, ops.sqrt(squares / (size - 1) + 1e-6)


def resize(images: Array, size: tuple[int, int]) -> Array:
    """Resizes images bilinearly, with antialiasing when they shrink.

    The products with constant matrices give the same pixels on every backend, which
    `keras.ops.image.resize` does not.

    Args:
        images: Tensor of shape `(batch, height, width, channels)`; sizes are static.
        size: Pair of ints, the new height and width. The images' own size only casts
            them.

    Returns:
        Float32 tensor of shape `(batch, *size, channels)`.
    """
    images = ops.cast(images, "float32")
    if tuple(images.shape[1:3]) == tuple(size):
        return images
    rows = resampling_matrix(images.shape[1], size[0])
    columns = resampling_matrix(images.shape[2], size[1])
    x = ops.einsum("ij,bjkc->bikc", rows, images)  # (B, new height, width, C)
    return ops.einsum("kl,bilc->bikc", columns, x)  # (B, new height, new width, C)


def weigh_axes(images: Array, rows: Array, columns: Array) -> Array:
    """Multiplies each image by matrices of weights along its height and its width.

    Args:
        images: Tensor of shape `(batch, height, width, channels)`, any real dtype.
        rows: Float32 tensor of shape `(batch, new_height, height)`.
        columns: Float32 tensor of shape `(batch, new_width, width)`.

    Returns:
        Tensor of shape `(batch, new_height, new_width, channels)` in the images' dtype.
    """
    x = ops.einsum("bij,bjkc->bikc", rows, ops.cast(images, "float32"))
    x = ops.einsum("bkl,bilc->bikc", columns, x)
    return cast_pixels(x, keras.backend.standardize_dtype(images.dtype))


def resampling_matrix(old: int, new: int) -> NDArray[Any]:
    """Weights of `old` samples in each of `new` samples: float32 `(new, old)`.

    The weights are a triangle as wide as a new sample, or as an old sample if there
    are more new samples. The border cuts the triangle off. Rows sum to 1.
    """
    width = max(old / new, 1.0)
    at = (np.arange(new) + 0.5) * (old / new) - 0.5
    distance = np.abs(at[:, None] - np.arange(old)) / width
    weights = np.maximum(1.0 - distance, 0.0)
    sums = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / sums, "float32")


def _affine(
    value_range: tuple[float, float],
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> tuple[Array, Array]:
    """The scale and the offset of each channel, for both directions."""
    low, high = value_range
    means = np.zeros(1) if mean is None else np.asarray(mean)
    stds = np.ones(1) if std is None else np.asarray(std)
    scale = ops.convert_to_tensor((high - low) * stds, "float32")
    offset = ops.convert_to_tensor(low + (high - low) * means, "float32")
    return scale, offset
