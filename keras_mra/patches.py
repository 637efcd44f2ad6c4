"""Images as sequences of patches, and rows gathered from and restored to sequences.

Patches are in raster order: left to right, then top to bottom. The pixels of one patch
are in (row, column, channel) order, as in the published MAE code.
"""

import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra.typing import Array
from keras_mra.typing import ImageShape


def patchify(images: Array, patch_size: tuple[int, int]) -> Array:
    """Cuts images into flat patches.

    Args:
        images: Tensor of shape `(batch, height, width, channels)`. Height and width
            are static and divisible by the patch.
        patch_size: Pair of ints, `(patch_height, patch_width)`.

    Returns:
        Tensor of shape `(batch, patches, patch_height * patch_width * channels)`.
    """
    ph, pw = patch_size
    _, height, width, channels = images.shape
    gh, gw = height // ph, width // pw
    x = ops.reshape(images, (-1, gh, ph, gw, pw, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (B, gh, gw, ph, pw, C)
    return ops.reshape(x, (-1, gh * gw, ph * pw * channels))


def unpatchify(
    patches: Array, patch_size: tuple[int, int], image_shape: ImageShape
) -> Array:
    """Joins flat patches to images: the inverse of `patchify`.

    Args:
        patches: Tensor of shape `(batch, patches, patch_height * patch_width * C)`.
        patch_size: Pair of ints, `(patch_height, patch_width)`.
        image_shape: Triple of ints, `(height, width, channels)`.

    Returns:
        Tensor of shape `(batch, height, width, channels)`.
    """
    ph, pw = patch_size
    height, width, channels = image_shape
    gh, gw = height // ph, width // pw
    x = ops.reshape(patches, (-1, gh, gw, ph, pw, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (B, gh, ph, gw, pw, C)
    return ops.reshape(x, (-1, height, width, channels))


def gather_rows(sequence: Array, indices: Array) -> Array:
    """Gathers rows of each sequence of a batch.

    The rows come from one flat `take` with row offsets. The gradient of
    `take_along_axis` was measured 4 to 6 times slower on TensorFlow; on JAX and PyTorch
    both take the same time.

    Args:
        sequence: Tensor of shape `(batch, length, width)`; the width is static.
        indices: Integer tensor of shape `(batch, picked)`.

    Returns:
        Tensor of shape `(batch, picked, width)`.
    """
    batch, length = ops.shape(sequence)[:2]
    width, picked = sequence.shape[2], ops.shape(indices)[1]
    offsets = ops.arange(batch, dtype="int32") * length
    flat = ops.cast(indices, "int32") + ops.expand_dims(offsets, 1)  # (B, K)
    rows = ops.take(
        ops.reshape(sequence, (-1, width)), ops.reshape(flat, (-1,)), axis=0
    )  # (B * K, width)
    return ops.reshape(rows, (-1, picked, width))


def visible_mask(visible: Array, num_patches: int) -> Array:
    """Marks the visible patches.

    Args:
        visible: Integer tensor of shape `(batch, kept)`, distinct patch indices.
        num_patches: Int, the patches of an image.

    Returns:
        Boolean tensor of shape `(batch, num_patches)`.
    """
    return ops.any(_matches(visible, num_patches), axis=-1)


def visible_pixels(
    visible: Array, grid: tuple[int, int], size: tuple[int, int]
) -> Array:
    """Marks the pixels of visible patches, at any resolution.

    A pixel belongs to the patch that contains its centre.

    Args:
        visible: Integer tensor of shape `(batch, kept)`, distinct patch indices.
        grid: Pair of ints, the rows and columns of patches.
        size: Pair of ints, the height and width of the mask.

    Returns:
        Boolean tensor of shape `(batch, height, width, 1)`.
    """
    mask = ops.reshape(visible_mask(visible, grid[0] * grid[1]), (-1, *grid))
    for axis, (patches, pixels) in enumerate(zip(grid, size), start=1):
        places = patch_of_pixel(patches, pixels)
        mask = ops.take(mask, places, axis=axis)  # (B, height, width) at last
    return ops.expand_dims(mask, -1)


def patch_of_pixel(patches: int, pixels: int) -> NDArray[np.int64]:
    """The patch in which the centre of each pixel lies, along one axis.

    Args:
        patches: Int, the patches along the axis.
        pixels: Int, the pixels along the axis.

    Returns:
        Int64 array of shape `(pixels,)`.
    """
    return (2 * np.arange(pixels, dtype="int64") + 1) * patches // (2 * pixels)


def restore_rows(rows: Array, visible: Array, num_patches: int, fill: Array) -> Array:
    """Restores rows to the places of their patches and fills the other places.

    Args:
        rows: Tensor of shape `(batch, kept, width)`, one row per visible patch.
        visible: Integer tensor of shape `(batch, kept)`, the patch index of each row.
        num_patches: Int, the patches of an image.
        fill: Tensor of shape `(width,)`, the row of every dropped patch.

    Returns:
        Tensor of shape `(batch, num_patches, width)`.
    """
    matches = _matches(visible, num_patches)  # (B, N, K)
    source = ops.argmax(ops.cast(matches, "int32"), axis=-1)  # (B, N)
    restored = gather_rows(rows, source)  # (B, N, width)
    is_visible = ops.expand_dims(ops.any(matches, axis=-1), -1)  # (B, N, 1)
    return ops.where(is_visible, restored, ops.cast(fill, rows.dtype))


def _matches(visible: Array, num_patches: int) -> Array:
    """Compares every patch with every visible index: `(batch, patches, kept)`."""
    places = ops.reshape(ops.arange(num_patches, dtype="int32"), (1, -1, 1))
    return ops.equal(places, ops.expand_dims(ops.cast(visible, "int32"), 1))
