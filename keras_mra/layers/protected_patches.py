"""Patches that annotations touch, which are never repainted."""

from typing import Any

import numpy as np
from keras import ops

from keras_mra import patches as patch_ops
from keras_mra.typing import Array

# The formats of `keras.utils.bounding_boxes`.
BOX_FORMATS = (
    "xyxy",
    "yxyx",
    "xywh",
    "center_xywh",
    "center_yxhw",
    "rel_xyxy",
    "rel_yxyx",
    "rel_xywh",
    "rel_center_xywh",
)


def touched_by_masks(
    masks: Array, grid: tuple[int, int], size: tuple[int, int]
) -> Array:
    """Marks the patches of which a pixel is not background, which is 0.

    Args:
        masks: Tensor of shape `(batch, height, width)` or `(batch, height, width, 1)`,
            any dtype.
        grid: Pair of ints, the rows and columns of patches.
        size: Pair of ints, the height and width of the images.

    Returns:
        Boolean tensor of shape `(batch, patches)`.
    """
    height, width = size
    objects = ops.cast(ops.not_equal(masks, 0), "float32")
    objects = ops.reshape(objects, (-1, height, width))  # (B, H, W)
    # Counts of an object's pixels in each patch, as products with constant matrices.
    rows = _members(grid[0], height)  # (rows of patches, height)
    columns = _members(grid[1], width)  # (columns of patches, width)
    counts = ops.einsum("rh,bhw->brw", rows, objects)
    counts = ops.einsum("cw,brw->brc", columns, counts)
    return ops.reshape(counts > 0, (-1, grid[0] * grid[1]))


def touched_by_boxes(
    boxes: Array,
    labels: Array | None,
    bounding_box_format: str,
    grid: tuple[int, int],
    size: tuple[int, int],
) -> Array:
    """Marks the patches of which a pixel lies in a box, even in part.

    A pixel covers the square from its index to the next one, in each direction. Boxes
    without an area, and boxes with a label of -1, are padding and touch nothing.

    Args:
        boxes: Tensor of shape `(batch, boxes, 4)`.
        labels: Tensor of shape `(batch, boxes)` or `(batch, boxes, classes)`, or
            `None`.
        bounding_box_format: One of `BOX_FORMATS`.
        grid: Pair of ints, the rows and columns of patches.
        size: Pair of ints, the height and width of the images.

    Returns:
        Boolean tensor of shape `(batch, patches)`.
    """
    boxes = ops.cast(boxes, "float32")
    left, top, right, bottom = edges(boxes, bounding_box_format, size)  # (B, n, 1)
    is_box = ops.logical_and(left < right, top < bottom)
    if labels is not None:
        if len(labels.shape) == 2:
            labels = ops.expand_dims(labels, -1)  # (B, n, 1)
        is_padding = ops.all(ops.equal(labels, -1), axis=-1, keepdims=True)
        is_box = ops.logical_and(is_box, ops.logical_not(is_padding))
    first, end = _bounds(grid[0], size[0])
    rows = ops.logical_and(top < end, bottom > first)  # (B, n, rows of patches)
    rows = ops.logical_and(rows, is_box)
    first, end = _bounds(grid[1], size[1])
    columns = ops.logical_and(left < end, right > first)
    counts = ops.einsum(
        "bnr,bnc->brc", ops.cast(rows, "float32"), ops.cast(columns, "float32")
    )
    return ops.reshape(counts > 0, (-1, grid[0] * grid[1]))


def edges(
    boxes: Array, bounding_box_format: str, size: tuple[int, int]
) -> tuple[Array, Array, Array, Array]:
    """Left, top, right and bottom of float32 boxes in pixels, `(..., boxes, 1)`.

    `keras.utils.bounding_boxes.convert_format` switches Keras' backend for a moment,
    which is not safe where several threads augment.
    """
    a, b, c, d = (boxes[..., i : i + 1] for i in range(4))
    name = bounding_box_format.removeprefix("rel_")
    if name in ("yxyx", "center_yxhw"):
        a, b, c, d = b, a, d, c
    if name.startswith("center_"):
        a, b = a - c / 2, b - d / 2
    if name not in ("xyxy", "yxyx"):
        c, d = a + c, b + d
    if bounding_box_format.startswith("rel_"):
        height, width = size
        a, b, c, d = a * width, b * height, c * width, d * height
    return a, b, c, d


def protected_first(visible: Array, protected: Array) -> Array:
    """Gives protected patches the first places among the visible ones.

    Args:
        visible: Integer tensor of shape `(batch, kept)`, distinct patch indices, best
            first.
        protected: Boolean tensor of shape `(batch, patches)`.

    Returns:
        Int32 tensor of shape `(batch, kept)`: the protected patches, as many as there
        is room for, then the best of the others.
    """
    patches, kept = protected.shape[1], visible.shape[1]
    places = ops.reshape(ops.arange(patches, dtype="int32"), (1, -1, 1))
    matches = ops.equal(places, ops.expand_dims(ops.cast(visible, "int32"), 1))
    values = ops.cast(ops.arange(kept, 0, -1), "int32")  # the best has the largest
    ranks = ops.sum(ops.cast(matches, "int32") * values, axis=-1)  # (B, N)
    ranks = ranks + (kept + 1) * ops.cast(protected, "int32")
    return ops.cast(ops.argsort(-ranks, axis=-1)[:, :kept], "int32")


def protected_pixels(
    protected: Array, grid: tuple[int, int], size: tuple[int, int]
) -> Array:
    """Marks the pixels of protected patches: boolean `(batch, height, width, 1)`."""
    places = ops.arange(grid[0] * grid[1], dtype="int32")
    indices = ops.where(protected, places, -1)  # (B, N); no patch has the index -1
    return patch_ops.visible_pixels(indices, grid, size)


def _members(patches: int, pixels: int) -> np.ndarray[Any, Any]:
    """1 where a pixel belongs to a patch: float32 `(patches, pixels)`."""
    members = np.arange(patches)[:, None] == patch_ops.patch_of_pixel(patches, pixels)
    return members.astype("float32")


def _bounds(patches: int, pixels: int) -> tuple[Array, ...]:
    """The first pixel of each patch and the one after its last, float32 `(patches,)`.

    A patch without a pixel, in an image smaller than the grid, gets an empty range.
    """
    found = patch_ops.patch_of_pixel(patches, pixels)
    places = np.arange(patches)
    first = np.searchsorted(found, places)
    end = np.searchsorted(found, places, side="right")
    return tuple(ops.convert_to_tensor(x, "float32") for x in (first, end))
