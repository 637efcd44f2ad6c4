"""What invariance is tested under: seeded transforms of NumPy images.

Each is a function of images `(batch, height, width, channels)` and a
`numpy.random.Generator`. It returns new images of the same shape and dtype; each image
has its own parameters.
"""

import functools

import numpy as np

from keras_mra.evaluation.occlusion import boundary_occlusion

# The border of MRA's figure 4: 6 of 28 pixels.
BORDER = 6 / 28
# Images resampled at a time, so that the coordinates do not fill the memory.
CHUNK = 64


def default_transforms(value_range):
    """The transforms of `invariance`, by name.

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


def shift(images, rng, share=1 / 8):
    """Moves by whole pixels, up to a share of each side; edges are continued."""
    limits = np.floor(np.array(images.shape[1:3]) * share)
    offsets = rng.integers(-limits, limits, (len(images), 2), endpoint=True)
    return _resample(images, np.broadcast_to(np.eye(2), (len(images), 2, 2)), offsets)


def flip(images, rng):
    """Mirrors left and right; draws nothing."""
    return images[:, :, ::-1].copy()


def crop(images, rng, area=(0.5, 1.0)):
    """Enlarges a box of the image's own aspect to the size of the image."""
    side = np.sqrt(rng.uniform(*area, len(images)))
    room = (1 - side[:, None]) * np.array(images.shape[1:3]) / 2
    offsets = rng.uniform(-room, room)
    return _resample(images, side[:, None, None] * np.eye(2), offsets)


def rotate(images, rng, degrees=15):
    """Turns by an angle up to `degrees` either way; edges are continued."""
    angle = np.radians(rng.uniform(-degrees, degrees, len(images)))
    cos, sin = np.cos(angle), np.sin(angle)
    matrices = np.moveaxis(np.array([[cos, -sin], [sin, cos]]), -1, 0)  # (B, 2, 2)
    return _resample(images, matrices, np.zeros((len(images), 2)))


def photometric(images, rng, value_range, contrast=0.5, brightness=0.2):
    """Scales each image about its mean and brightens or darkens it."""
    low, high = value_range
    size = (len(images), 1, 1, 1)
    factor = rng.uniform(1 - contrast, 1 + contrast, size)
    offset = rng.uniform(-brightness, brightness, size) * (high - low)
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    # One image at a time: the whole set in float64 might not fit.
    changed = np.empty_like(images)
    for i, image in enumerate(images):
        pixels = (image - mean[i]) * factor[i] + mean[i] + offset[i]
        changed[i] = _as_pixels(np.clip(pixels, low, high), images.dtype)
    return changed


def cutout(images, rng, value, share=0.5):
    """Fills a square, its side a share of the image's shorter one, with `value`."""
    height, width = images.shape[1:3]
    side = max(round(min(height, width) * share), 1)
    tops = rng.integers(height - side, size=len(images), endpoint=True)
    lefts = rng.integers(width - side, size=len(images), endpoint=True)
    changed = images.copy()
    for image, top, left in zip(changed, tops, lefts):
        image[top : top + side, left : left + side] = value
    return changed


def border(images, rng, value):
    """Fills a border, as wide as in MRA's figure 4, with `value`; draws nothing."""
    width = max(round(min(images.shape[1:3]) * BORDER), 1)
    return boundary_occlusion(images, width, value)


def _resample(images, matrices, offsets):
    """Reads each pixel, bilinearly, where an affine map sends its place.

    Args:
        images: Array of shape `(batch, height, width, channels)`.
        matrices: Array of shape `(batch, 2, 2)`, of (row, column) places measured
            from the image's centre.
        offsets: Array of shape `(batch, 2)`, pixels.

    Returns:
        Images of the same shape and dtype. Beyond the border the edge pixel counts.
    """
    _, height, width, channels = images.shape
    last = np.array([[height - 1], [width - 1]])
    places = np.indices((height, width)).reshape(2, -1) - last / 2  # (2, H * W)
    resampled = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        at = matrices[part] @ places + offsets[part, :, None] + last / 2
        at = np.clip(at, 0, last)  # (b, 2, H * W)
        below = np.floor(at).astype(int)
        above = np.minimum(below + 1, last)
        up, left = (at - below)[..., None].swapaxes(0, 1)  # each (b, H * W, 1)
        flat = images[part].reshape(-1, height * width, channels)
        corners = (
            np.take_along_axis(flat, (rows * width + columns)[..., None], axis=1)
            for rows in (below[:, 0], above[:, 0])
            for columns in (below[:, 1], above[:, 1])
        )
        weights = ((1 - up) * (1 - left), (1 - up) * left, up * (1 - left), up * left)
        mixed = sum(w * c for w, c in zip(weights, corners))
        resampled[part] = _as_pixels(mixed, images.dtype).reshape(images[part].shape)
    return resampled


def _as_pixels(values, dtype):
    if np.issubdtype(dtype, np.integer):
        values = np.rint(values)
    return values.astype(dtype)
