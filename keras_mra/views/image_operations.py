"""The fourteen operations of AutoAugment's search space, another one for each image.

The operations and their ranges are those of Pillow and of the published augmentations.
Unlike Keras' layers, which draw one operation for a whole batch, all images of a batch
can have different ones, at about the cost of a single one.
"""

import dataclasses
import math
from collections.abc import Sequence

from keras import ops

from keras_mra import patches
from keras_mra.typing import Array

OPERATIONS = (
    "identity",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "rotate",
    "brightness",
    "color",
    "contrast",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
)


@dataclasses.dataclass(frozen=True)
class Ranges:
    """The operations at level 1. Solarisation inverts all values then.

    Attributes:
        shear: Float, the slope.
        rotate: Float, degrees.
        enhance: Float, the change of the factor of brightness, color, contrast and
            sharpness.
        posterize: Int, the bits that are dropped.
        translate_share: Float, the shift as a share of the side.
        translate_pixels: Int, the shift in pixels, in addition.
    """

    shear: float
    rotate: float
    enhance: float
    posterize: int
    translate_share: float = 0.0
    translate_pixels: int = 0


# The ranges of RandAugment and AugMix, and the wide ones of TrivialAugment.
NARROW = Ranges(0.3, 30.0, 0.9, 4, translate_share=0.45)
WIDE = Ranges(0.99, 135.0, 0.99, 6, translate_pixels=32)
# AutoAugment fills what comes from outside of the image with grey.
FILL = 128.0


def apply_operations(
    images: Array, chosen: Array, levels: Array, signs: Array, ranges: Ranges = NARROW
) -> Array:
    """Applies an operation to each image.

    Args:
        images: Float tensor `(batch, height, width, channels)`, with values from 0 to
            255 and 1 or 3 channels.
        chosen: Integer tensor `(batch,)`, places in `OPERATIONS`.
        levels: Float tensor `(batch,)`, strengths from 0 to 1.
        signs: Float tensor `(batch,)`, -1 or 1: the direction of a movement, or less
            or more of a quality.
        ranges: `Ranges`.

    Returns:
        A float tensor of the images' shape, with values from 0 to 255.

    Raises:
        ValueError: If the images have another number of channels.
    """
    if images.shape[-1] not in (1, 3):
        raise ValueError(
            "`images` must have 1 or 3 channels. Received: images of shape "
            f"{tuple(images.shape)}"
        )

    def amounts(name: str, largest: float, signed: bool = True) -> Array:
        """`(B,)`: how much of an operation each image gets."""
        given = levels * signs if signed else levels
        is_chosen = ops.equal(chosen, OPERATIONS.index(name))
        return ops.where(is_chosen, given * largest, 0.0)

    def only(name: str, changed: Array, unchanged: Array) -> Array:
        is_chosen = ops.equal(chosen, OPERATIONS.index(name))
        return ops.where(is_chosen[:, None, None, None], changed, unchanged)

    def shift(axis: str, side: int) -> Array:
        largest = ranges.translate_share * side + ranges.translate_pixels
        return amounts(f"translate_{axis}", largest)

    height, width = images.shape[1:3]
    moved = _moved(
        images,
        shears=[amounts(f"shear_{axis}", ranges.shear) for axis in "xy"],
        shifts=[shift("x", width), shift("y", height)],
        angles=amounts("rotate", ranges.rotate * math.pi / 180),
    )
    # One blend with what an image would be without the quality that changes.
    without = moved
    changes: Array = 0.0
    gray = _gray(moved)
    for name, other in (
        ("brightness", ops.zeros_like(moved)),
        ("color", gray + ops.zeros_like(moved)),
        ("contrast", ops.mean(gray, axis=(1, 2, 3), keepdims=True) + 0 * moved),
        ("sharpness", _smoothed(moved)),
    ):
        without = only(name, other, without)
        changes = changes + amounts(name, ranges.enhance)
    factors = 1 + ops.reshape(changes, (-1, 1, 1, 1))
    x = ops.clip(without + factors * (moved - without), 0.0, 255.0)
    bits = ops.round(amounts("posterize", ranges.posterize, signed=False))
    step = ops.reshape(ops.power(2.0, bits), (-1, 1, 1, 1))
    x = only("posterize", ops.floor(x / step) * step, x)
    threshold = 256 * (1 - ops.reshape(levels, (-1, 1, 1, 1)))
    x = only("solarize", ops.where(x >= threshold, 255 - x, x), x)
    x = only("autocontrast", _autocontrast(x), x)
    return only("equalize", _equalized(x), x)


def _moved(
    images: Array, shears: Sequence[Array], shifts: Sequence[Array], angles: Array
) -> Array:
    """Shears, shifts and turns images about their centres, by the nearest pixel."""
    height, width, channels = images.shape[1:]
    y = ops.arange(height, dtype="float32")[None, :, None] - (height - 1) / 2
    x = ops.arange(width, dtype="float32")[None, None, :] - (width - 1) / 2
    cos, sin = (f(angles)[:, None, None] for f in (ops.cos, ops.sin))
    shear_x, shear_y, shift_x, shift_y = (
        amount[:, None, None] for amount in (*shears, *shifts)
    )
    # An image is at most sheared, or shifted, or turned: the order does not matter.
    rows = cos * y + (sin + shear_y) * x + shift_y + (height - 1) / 2  # (B, H, W)
    columns = cos * x + (shear_x - sin) * y + shift_x + (width - 1) / 2  # (B, H, W)
    rows, columns = (ops.floor(places + 0.5) for places in (rows, columns))
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    places = ops.clip(rows, 0, height - 1) * width + ops.clip(columns, 0, width - 1)
    places = ops.reshape(ops.cast(places, "int32"), (-1, height * width))
    flat = ops.reshape(images, (-1, height * width, channels))
    found = patches.gather_rows(flat, places)  # (B, H * W, C)
    found = ops.reshape(found, (-1, height, width, channels))
    return ops.where(inside[..., None], found, FILL)


def _gray(images: Array) -> Array:
    """The luminance, `(batch, height, width, 1)`."""
    if images.shape[-1] == 1:
        return images
    weights = ops.convert_to_tensor([0.299, 0.587, 0.114], dtype="float32")
    return ops.sum(images * weights, axis=-1, keepdims=True)


def _smoothed(images: Array) -> Array:
    """Images after Pillow's filter `SMOOTH`, which leaves the outermost pixels."""
    height, width = images.shape[1:3]
    if min(height, width) < 3:
        return images
    total = 4 * images[:, 1:-1, 1:-1]
    for row in range(3):
        for column in range(3):
            total = (
                total + images[:, row : row + height - 2, column : column + width - 2]
            )
    inner = ops.pad(total / 13, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = ops.arange(height)[None, :, None, None]
    x = ops.arange(width)[None, None, :, None]
    is_inner = (y > 0) & (y < height - 1) & (x > 0) & (x < width - 1)
    return ops.where(is_inner, inner, images)


def _autocontrast(images: Array) -> Array:
    """Stretches each channel of each image to the values from 0 to 255."""
    low = ops.min(images, axis=(1, 2), keepdims=True)
    span = ops.max(images, axis=(1, 2), keepdims=True) - low
    stretched = (images - low) * (255 / ops.where(span > 0, span, 1.0))
    return ops.where(span > 0, stretched, images)


def _equalized(images: Array) -> Array:
    """Spreads the values of each channel of each image evenly, as Pillow does."""
    height, width, channels = images.shape[1:]
    pixels = height * width
    values = ops.transpose(images, (0, 3, 1, 2))  # (B, C, H, W)
    values = ops.cast(ops.reshape(values, (-1, pixels)), "int32")  # (B * C, H * W)
    rows = ops.shape(values)[0]
    offsets = 256 * ops.arange(rows, dtype="int32")[:, None]
    flat = ops.reshape(values + offsets, (-1,))
    ones = ops.ones_like(flat)
    counts = ops.segment_sum(ones, flat, num_segments=rows * 256)
    counts = ops.reshape(counts, (-1, 256))
    brightest = ops.max(values, axis=1, keepdims=True)  # (B * C, 1)
    last = ops.take_along_axis(counts, brightest, axis=1)
    step = (pixels - last) // 255
    below = ops.cumsum(counts, axis=1) - counts  # pixels of lower values
    table = (below + step // 2) // ops.maximum(step, 1)
    table = ops.reshape(ops.clip(table, 0, 255), (-1,))
    found = ops.reshape(ops.take(table, flat), (-1, channels, height, width))
    found = ops.cast(ops.transpose(found, (0, 2, 3, 1)), images.dtype)
    is_spread = ops.reshape(step > 0, (-1, 1, 1, channels))
    return ops.where(is_spread, found, images)
