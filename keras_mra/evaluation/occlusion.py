"""Occlusions of NumPy images: of the border, of the centre, and of random patches."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.typing import Size


def boundary_occlusion(
    images: NDArray[Any], width: int, value: float = 0
) -> NDArray[Any]:
    """Fills a border of the images.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        width: Int, the pixels of the border on each side, at least 0 and less than
            half of the shorter side.
        value: The value of the border.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ValueError: If the border would cover the image, or its dtype cannot hold
            `value`.

    Example:

    ```python
    occluded = boundary_occlusion(images, width=6)
    ```
    """
    shorter = min(images.shape[1:3])
    checks.nonnegative_int("width", width)
    if not 0 <= width < shorter / 2:
        raise ValueError(
            f"`width` must be at least 0 and less than half of {shorter} pixels. "
            f"Received: width={width}"
        )
    occluded = np.full_like(images, _fitting(value, images))
    inside = (
        slice(width, images.shape[1] - width),
        slice(width, images.shape[2] - width),
    )
    occluded[:, *inside] = images[:, *inside]
    return occluded


def center_occlusion(
    images: NDArray[Any], width: int, value: float = 0
) -> NDArray[Any]:
    """Fills a square in the centre of the images.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        width: Int, the side of the square in pixels, at least 0 and less than the
            shorter side. A square that cannot be centred lies half a pixel higher or
            further left.
        value: The value of the square.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ValueError: If the square would cover a side of the image, or its dtype cannot
            hold `value`.

    Example:

    ```python
    occluded = center_occlusion(images, width=14)
    ```
    """
    height, breadth = images.shape[1:3]
    checks.nonnegative_int("width", width)
    if not 0 <= width < min(height, breadth):
        raise ValueError(
            "`width` must be at least 0 and less than "
            f"{min(height, breadth)} pixels. Received: width={width}"
        )
    top, left = (height - width) // 2, (breadth - width) // 2
    occluded = images.copy()
    occluded[:, top : top + width, left : left + width] = _fitting(value, images)
    return occluded


def patch_occlusion(
    images: NDArray[Any],
    ratio: float,
    patch_size: Size,
    seed: int = 0,
    value: float = 0,
) -> NDArray[Any]:
    """Fills random patches, drawn separately for each image.

    With the same seed, the patches of a larger ratio include those of a smaller ratio.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        ratio: Float in [0, 1], the share of the patches, rounded to whole patches.
        patch_size: Int or pair of ints, `(patch_height, patch_width)`, which divides
            the images.
        seed: Int.
        value: The value of the patches.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ValueError: If an argument is bad.

    Example:

    ```python
    occluded = patch_occlusion(images, ratio=0.5, patch_size=4)
    ```
    """
    ratio = checks.fraction("ratio", ratio)
    seed = checks.required_seed(seed)
    patch_size = checks.pair_of_ints("patch_size", patch_size)
    _, height, width, channels = images.shape
    rows, columns = checks.patch_grid((height, width, channels), patch_size)
    draws = np.random.default_rng(seed).random((len(images), rows * columns))
    ranks = draws.argsort(axis=1).argsort(axis=1)  # (batch, patches)
    hidden = (ranks < round(ratio * rows * columns)).reshape(-1, rows, columns)
    for axis, size in enumerate(patch_size, start=1):
        hidden = hidden.repeat(size, axis=axis)  # (batch, height, width) at last
    return np.where(hidden[..., None], _fitting(value, images), images)


def _fitting(value: float, images: NDArray[Any]) -> NDArray[Any]:
    """The value in the dtype of the images, which must be able to hold it."""
    if np.issubdtype(images.dtype, np.integer):
        limits = np.iinfo(images.dtype)
        if not limits.min <= value <= limits.max:
            raise ValueError(
                f"`value` must be from {limits.min} to {limits.max} for images of "
                f"dtype {images.dtype}. Received: value={value!r}"
            )
    return np.asarray(value, images.dtype)
