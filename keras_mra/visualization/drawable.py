"""Images as matplotlib draws them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.typing import Array


def drawable(images: Array, value_range: tuple[float, float]) -> NDArray[np.float32]:
    """Scales images to the range from 0 to 1 and reduces their channels.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        value_range: Pair of floats, `(low, high)`.

    Returns:
        Float32 array. Images of 3 channels keep their shape. Images of 4 channels are
        laid over white, `(batch, height, width, 3)`. Of images with any other number of
        channels the first one is drawn in grey, `(batch, height, width)`.
    """
    low, high = value_range
    scaled = np.clip((np.asarray(images, "float32") - low) / (high - low), 0, 1)
    pictures = np.asarray(scaled, "float32")
    if pictures.shape[-1] == 4:
        opacity = pictures[..., 3:]
        return np.asarray(pictures[..., :3] * opacity + (1 - opacity), "float32")
    return pictures if pictures.shape[-1] == 3 else pictures[..., 0]


def checked_images(
    images: Array,
    image_shape: tuple[int | None, ...],
    value_range: tuple[float, float],
) -> NDArray[Any]:
    """Returns images as a NumPy array if they fit the shape and the range.

    Args:
        images: Array or tensor of shape `(batch, height, width, channels)`.
        image_shape: `(height, width, channels)`; a size of `None` is not checked.
        value_range: Pair of floats, `(low, high)`.
    """
    images = checks.numpy_array("images", images)
    checks.image_batch(images, image_shape)
    checks.pixel_values(images, value_range)
    return np.asarray(images)
