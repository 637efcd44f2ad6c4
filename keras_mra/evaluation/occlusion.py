"""Boundary occlusion, the robustness test of MRA's figure 4."""

import numpy as np


def boundary_occlusion(images, width, value=0):
    """Blacks out a border.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        width: Int, pixels of the border on each side; at least 0 and less than half
            of the shorter side.
        value: What the border is filled with.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        ValueError: If the border would cover the image.
    """
    shorter = min(images.shape[1:3])
    if not 0 <= width < shorter / 2:
        raise ValueError(
            f"`width` must be at least 0 and less than half of {shorter} pixels. "
            f"Received: width={width}"
        )
    occluded = np.full_like(images, value)
    inside = (
        slice(width, images.shape[1] - width),
        slice(width, images.shape[2] - width),
    )
    occluded[:, *inside] = images[:, *inside]
    return occluded
