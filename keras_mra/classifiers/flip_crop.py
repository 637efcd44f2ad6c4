"""The augmentation that every arm on photographs begins with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def flip_crop(
    images: NDArray[Any], rng: np.random.Generator, black: float = 0
) -> NDArray[Any]:
    """Mirrors half of the images, and crops all of them from padded ones.

    The border is black and an eighth of each side wide: 4 pixels for images of 32, as
    is usual for CIFAR.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        rng: `numpy.random.Generator`.
        black: Float, the value of black pixels.

    Returns:
        An array of the same shape and dtype.
    """
    count, height, width, _ = images.shape
    high, wide = height // 8, width // 8
    border = ((0, 0), (high, high), (wide, wide), (0, 0))
    padded = np.pad(images, border, constant_values=black)
    rows = rng.integers(0, 2 * high + 1, (count, 1)) + np.arange(height)  # (B, H)
    columns = np.where(
        rng.random((count, 1)) < 0.5, np.arange(width), np.arange(width)[::-1]
    )
    columns = columns + rng.integers(0, 2 * wide + 1, (count, 1))  # (B, W)
    sample = np.arange(count)[:, None, None]
    return padded[sample, rows[:, :, None], columns[:, None, :]]
