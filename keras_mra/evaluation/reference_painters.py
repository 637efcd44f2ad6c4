"""Painters that have never been trained, to which an autoencoder is compared.

Each painter takes an image `(height, width, channels)` with values from 0 to 1, the
hidden patches as a bool array `(rows, columns)`, and the `(height, width)` of a patch.
It returns a float64 image whose visible pixels are those of the input.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Hidden = NDArray[np.bool_]

# How far the inpainting looks around a pixel.
TELEA_RADIUS = 3


def telea(
    image: NDArray[Any], hidden: Hidden, patch_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Inpaints by OpenCV's method of Telea (2004), at 8 bits and with radius 3.

    OpenCV reads a few of the hidden pixels next to visible ones, which changes some
    painted pixels by a few of the 255 levels.

    Raises:
        ImportError: If OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            "Telea's inpainting needs OpenCV: pip install 'keras-mra[images]'"
        ) from error
    mask = pixel_mask(hidden, patch_size)
    quantized = np.rint(np.clip(image, 0, 1) * 255).astype("uint8")
    # OpenCV takes 1 or 3 channels.
    parts = [quantized]
    if image.shape[-1] not in (1, 3):
        parts = np.split(quantized, image.shape[-1], axis=-1)
    found = [
        cv2.inpaint(
            np.ascontiguousarray(part),
            mask.astype("uint8"),
            TELEA_RADIUS,
            cv2.INPAINT_TELEA,
        ).reshape(part.shape)
        for part in parts
    ]
    painted = np.concatenate(found, axis=-1) / 255
    return np.where(mask[..., None], painted, image)


def mean_color(
    image: NDArray[Any], hidden: Hidden, patch_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Paints with the mean colour of the visible pixels."""
    mask = pixel_mask(hidden, patch_size)
    return np.where(mask[..., None], image[~mask].mean(axis=0, dtype="float64"), image)


def nearest_patch(
    image: NDArray[Any], hidden: Hidden, patch_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Paints each hidden patch as a copy of the nearest visible patch.

    Distances are measured between centres, in pixels. Of several nearest patches, the
    first in raster order is copied.
    """
    (ph, pw), places = patch_size, np.argwhere(~hidden)
    painted = np.array(image, "float64")
    for row, column in np.argwhere(hidden):
        distances = np.hypot(*((places - (row, column)) * patch_size).T)
        r, c = places[distances.argmin()]
        painted[row * ph : (row + 1) * ph, column * pw : (column + 1) * pw] = image[
            r * ph : (r + 1) * ph, c * pw : (c + 1) * pw
        ]
    return painted


def pixel_mask(hidden: Hidden, patch_size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels of hidden patches: `(rows, columns)` to `(height, width)`."""
    return hidden.repeat(patch_size[0], axis=0).repeat(patch_size[1], axis=1)
