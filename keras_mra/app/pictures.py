"""Pictures of attention and of patches, as arrays and as PNG files inside of a URL."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra.typing import Array

# The colours of the scale in `static/app.css`, from the least attention to the most.
HEAT = ((20, 11, 52), (132, 32, 107), (229, 92, 48), (246, 215, 70), (252, 255, 164))
GRAY_SHARE = 0.3
_LUMINANCE = np.array([0.299, 0.587, 0.114])


def data_url(picture: NDArray[np.uint8]) -> str:
    """Encodes a picture losslessly.

    Args:
        picture: Uint8 array of shape `(height, width, 1, 3 or 4)`.
    """
    from PIL import Image

    pixels = picture[..., 0] if picture.shape[-1] == 1 else picture
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def heat_picture(
    picture: NDArray[np.uint8], scores: Array, grid: tuple[int, int]
) -> NDArray[np.uint8]:
    """Colours the patches of a picture by their scores.

    Args:
        picture: Uint8 array of shape `(height, width, 1, 3 or 4)`.
        scores: Array of shape `(patches,)`. The colours span their range.
        grid: Pair of ints, the rows and columns of patches.

    Returns:
        Uint8 array of shape `(height, width, 3)`.
    """
    scores = np.asarray(scores, "float64")
    spread = scores.max() - scores.min()
    # Equal scores get the darkest colour.
    shares = (scores - scores.min()) / (spread or 1.0)
    stops = np.linspace(0, 1, len(HEAT))
    colors = np.stack(
        [np.interp(shares, stops, channel) for channel in np.transpose(HEAT)], axis=-1
    )  # (patches, 3)
    heat = _pixels_of(colors, grid, picture.shape)  # (height, width, 3)
    gray = in_color(picture)[..., :3] @ _LUMINANCE  # (height, width)
    mixed = (1 - GRAY_SHARE) * heat + GRAY_SHARE * gray[..., None]
    return np.rint(mixed).astype("uint8")


def kept_picture(
    picture: NDArray[np.uint8], visible: Array, grid: tuple[int, int]
) -> NDArray[np.uint8]:
    """Makes the patches that are not visible transparent.

    Args:
        picture: Uint8 array of shape `(height, width, 1, 3 or 4)`.
        visible: Integers of shape `(kept,)`, patch indices.
        grid: Pair of ints, the rows and columns of patches.

    Returns:
        Uint8 array of shape `(height, width, 4)`.
    """
    shown = np.zeros((grid[0] * grid[1], 1), "uint8")
    shown[np.asarray(visible)] = 1
    opaque = np.full((*picture.shape[:2], 1), 255, "uint8")
    colored = np.concatenate([in_color(picture), opaque], axis=-1)[..., :4]
    colored[..., 3:] *= _pixels_of(shown, grid, picture.shape)
    return colored


def in_color(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeats the channel of a grey picture: `(height, width, 3 or 4)`."""
    return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture


def _pixels_of(
    values: NDArray[Any], grid: tuple[int, int], shape: tuple[int, ...]
) -> NDArray[Any]:
    """Repeats the values of patches `(patches, n)`: `(height, width, n)`."""
    rows, columns = shape[0] // grid[0], shape[1] // grid[1]
    patches = values.reshape(*grid, -1)  # (rows, columns, n)
    return patches.repeat(rows, axis=0).repeat(columns, axis=1)
