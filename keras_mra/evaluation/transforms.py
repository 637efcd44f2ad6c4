"""Seeded transforms of NumPy images, the default ones of `invariance`.

Each transform is a function of images `(batch, height, width, channels)` and a
`numpy.random.Generator`. It returns new images of the same shape and dtype, and draws
the parameters of each image separately.
"""

import functools
from collections.abc import Callable
from typing import Any
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keras_mra.evaluation.occlusion import boundary_occlusion

Images: TypeAlias = NDArray[Any]
Transform: TypeAlias = Callable[[Images, np.random.Generator], Images]

# The border of MRA's figure 4: 6 of 28 pixels.
BORDER = 6 / 28


def default_transforms(value_range: tuple[float, float]) -> dict[str, Transform]:
    """The default transforms of `invariance`, by name.

    Args:
        value_range: Pair of floats, the range of the images.
    """
    low, _ = value_range
    return {
        "shift": shift,
        "flip": flip,
        "crop": crop,
        "rotation": rotate,
        "photometric": functools.partial(photometric, value_range=value_range),
        "cutout": functools.partial(cutout, value=low),
        "border": functools.partial(border, value=low),
    }


def shift(images: Images, rng: np.random.Generator, share: float = 1 / 8) -> Images:
    """Shifts by whole pixels, up to a share of each side, and repeats the edges."""
    limits = np.floor(np.array(images.shape[1:3]) * share)
    offsets = rng.integers(-limits, limits, (len(images), 2), endpoint=True)
    return resample(images, np.broadcast_to(np.eye(2), (len(images), 2, 2)), offsets)


def flip(images: Images, rng: np.random.Generator | None) -> Images:
    """Mirrors left and right, and draws nothing."""
    return images[:, :, ::-1].copy()


def crop(
    images: Images, rng: np.random.Generator, area: tuple[float, float] = (0.5, 1.0)
) -> Images:
    """Enlarges a box of the image's own aspect to the size of the image."""
    side = np.sqrt(rng.uniform(*area, len(images)))
    room = (1 - side[:, None]) * np.array(images.shape[1:3]) / 2
    offsets = rng.uniform(-room, room)
    return resample(images, side[:, None, None] * np.eye(2), offsets)


def rotate(images: Images, rng: np.random.Generator, degrees: float = 15) -> Images:
    """Rotates by an angle up to `degrees` in both directions, and repeats the edges."""
    angle = np.radians(rng.uniform(-degrees, degrees, len(images)))
    cos, sin = np.cos(angle), np.sin(angle)
    matrices = np.moveaxis(np.array([[cos, -sin], [sin, cos]]), -1, 0)  # (B, 2, 2)
    return resample(images, matrices, np.zeros((len(images), 2)))


def photometric(
    images: Images,
    rng: np.random.Generator,
    value_range: tuple[float, float],
    contrast: float = 0.5,
    brightness: float = 0.2,
) -> Images:
    """Scales each image about its mean, and makes it brighter or darker."""
    low, high = value_range
    size = (len(images), 1, 1, 1)
    factor = rng.uniform(1 - contrast, 1 + contrast, size)
    offset = rng.uniform(-brightness, brightness, size) * (high - low)
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    # One image at a time, because the whole set in float64 might not fit in memory.
    changed = np.empty_like(images)
    for i, image in enumerate(images):
        pixels = (image - mean[i]) * factor[i] + mean[i] + offset[i]
        changed[i] = _as_pixels(np.clip(pixels, low, high), images.dtype)
    return changed


def cutout(
    images: Images, rng: np.random.Generator, value: float, share: float = 0.5
) -> Images:
    """Fills a square, whose side is a share of the shorter side, with `value`."""
    height, width = images.shape[1:3]
    side = max(round(min(height, width) * share), 1)
    tops = rng.integers(height - side, size=len(images), endpoint=True)
    lefts = rng.integers(width - side, size=len(images), endpoint=True)
    changed = images.copy()
    for image, top, left in zip(changed, tops, lefts):
        image[top : top + side, left : left + side] = value
    return changed


def border(images: Images, rng: np.random.Generator | None, value: float) -> Images:
    """Fills a border as wide as in MRA's figure 4 with `value`, and draws nothing."""
    width = max(round(min(images.shape[1:3]) * BORDER), 1)
    return boundary_occlusion(images, width, value)


def resample(images: Images, matrices: NDArray[Any], offsets: NDArray[Any]) -> Images:
    """Reads each pixel bilinearly at the place that an affine map gives.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        matrices: Array of shape `(batch, 2, 2)`, maps of (row, column) places that are
            measured from the centre of the image.
        offsets: Array of shape `(batch, 2)`, in pixels.

    Returns:
        Images of the same shape and dtype. Places outside the image have the value of
        the edge.

    Raises:
        ImportError: If SciPy is not installed.
    """
    try:
        from scipy import ndimage
    except ImportError as error:
        raise ImportError(
            "Resampling needs SciPy: pip install 'keras-mra[evaluation]'"
        ) from error
    centre = (np.array(images.shape[1:3]) - 1) / 2
    resampled = np.empty_like(images)
    for old, new, matrix, offset in zip(images, resampled, matrices, offsets):
        # Channel by channel, because SciPy would interpolate along a third axis too.
        for channel in range(images.shape[-1]):
            values = ndimage.affine_transform(
                old[..., channel],
                matrix,
                centre + offset - matrix @ centre,
                output="float64",
                order=1,
                mode="nearest",
            )
            new[..., channel] = _as_pixels(values, images.dtype)
    return resampled


def _as_pixels(values: NDArray[Any], dtype: np.dtype[Any]) -> Images:
    if np.issubdtype(dtype, np.integer):
        values = np.rint(values)
    return values.astype(dtype)
