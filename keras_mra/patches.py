"""Images as sequences of patches, and rows of such sequences picked and put back.

Patches are in raster order (left to right, then top to bottom); the pixels of one
patch are in (row, column, channel) order, as in the published MAE code.
"""

import numpy as np
from keras import ops


def patchify(images, patch_size):
    """Cuts images into flat patches.

    Args:
        images: Tensor of shape `(batch, height, width, channels)`; height and width
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


def unpatchify(patches, patch_size, image_shape):
    """Puts flat patches back together: the inverse of `patchify`.

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


def gather_rows(sequence, indices):
    """Picks rows of each sequence of a batch.

    One flat `take` with row offsets: on TensorFlow the gradient of `take_along_axis`
    was measured 4 to 6 times slower, on the other backends the two are level.

    Args:
        sequence: Tensor of shape `(batch, length, width)`; width is static.
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
    )
    return ops.reshape(rows, (-1, picked, width))


def visible_mask(visible, num_patches):
    """Marks which patches are visible.

    Args:
        visible: Integer tensor of shape `(batch, kept)`, distinct patch indices.
        num_patches: Int.

    Returns:
        Boolean tensor of shape `(batch, num_patches)`.
    """
    return ops.any(_matches(visible, num_patches), axis=-1)


def visible_pixels(visible, grid, size):
    """Marks which pixels belong to visible patches, at any resolution.

    Args:
        visible: Integer tensor of shape `(batch, kept)`, distinct patch indices.
        grid: Pair of ints, rows and columns of patches.
        size: Pair of ints, height and width of the mask; pixels belong to the patch
            that their centre lies in.

    Returns:
        Boolean tensor of shape `(batch, height, width, 1)`.
    """
    mask = ops.reshape(visible_mask(visible, grid[0] * grid[1]), (-1, *grid))
    for axis, (patches, pixels) in enumerate(zip(grid, size), start=1):
        patch_of_pixel = (2 * np.arange(pixels) + 1) * patches // (2 * pixels)
        mask = ops.take(mask, patch_of_pixel, axis=axis)
    return ops.expand_dims(mask, -1)


def restore_rows(rows, visible, num_patches, fill):
    """Puts rows back at their patches' places and fills the others.

    Args:
        rows: Tensor of shape `(batch, kept, width)`, one row per visible patch.
        visible: Integer tensor of shape `(batch, kept)`, the rows' patch indices.
        num_patches: Int.
        fill: Tensor of shape `(width,)`, what stands at the dropped patches.

    Returns:
        Tensor of shape `(batch, num_patches, width)`.
    """
    matches = _matches(visible, num_patches)  # (B, N, K)
    source = ops.argmax(ops.cast(matches, "int32"), axis=-1)  # (B, N)
    restored = gather_rows(rows, source)
    is_visible = ops.expand_dims(ops.any(matches, axis=-1), -1)
    return ops.where(is_visible, restored, ops.cast(fill, rows.dtype))


def _matches(visible, num_patches):
    """Compares every patch with every visible index: `(batch, patches, kept)`."""
    places = ops.reshape(ops.arange(num_patches, dtype="int32"), (1, -1, 1))
    return ops.equal(places, ops.expand_dims(ops.cast(visible, "int32"), 1))
