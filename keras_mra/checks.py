"""Checks of arguments and images, made before work starts.

Every message names the argument, what was expected, and what was received.
"""

import math
import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra.typing import Array

# --- numbers -------------------------------------------------------------------------


def integer(name: str, value: Any, low: int, expected: str) -> int:
    """Returns `value` as an `int` if it is an integer, at least `low`.

    Args:
        name: Name of the argument in the message.
        value: What the caller passed. Booleans and floats are refused.
        low: Int, the smallest value that is accepted.
        expected: What the message says the argument must be.
    """
    if not is_integer(value) or value < low:
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={value!r}")
    return int(value)


def number(
    name: str, value: Any, expected: str, low: float = 0.0, high: float = math.inf
) -> float:
    """Returns `value` as a `float` if it is finite and from `low` to `high`."""
    if not is_number(value) or not low <= value <= high or math.isinf(value):
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={value!r}")
    return float(value)


def is_integer(value: Any) -> bool:
    """Whether `value` is an integer of Python or NumPy, and no boolean."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether `value` is a real number of Python or NumPy, and no boolean."""
    kinds = (int, float, np.integer, np.floating)
    return isinstance(value, kinds) and not isinstance(value, bool)


def positive_int(name: str, value: Any) -> int:
    """Returns `value` if it is a positive integer."""
    return integer(name, value, 1, "a positive integer")


def nonnegative_int(name: str, value: Any) -> int:
    """Returns `value` if it is an integer, at least 0."""
    return integer(name, value, 0, "an integer, at least 0")


def positive_float(name: str, value: Any) -> float:
    """Returns `value` if it is a positive finite number."""
    smallest = math.ulp(0.0)
    return number(name, value, "a positive number", low=smallest)


def nonnegative_float(name: str, value: Any) -> float:
    """Returns `value` if it is a finite number, at least 0."""
    return number(name, value, "a number, at least 0")


def fraction(name: str, value: Any) -> float:
    """Returns `value` if it is a number in [0, 1]."""
    return number(name, value, "in [0, 1]", high=1.0)


def share(name: str, value: Any) -> float:
    """Returns `value` if it is a number in (0, 1]."""
    return number(name, value, "in (0, 1]", low=math.ulp(0.0), high=1.0)


def seed(value: Any) -> int | None:
    """Returns `value` if it is an integer, at least 0, or `None`."""
    if value is None:
        return None
    return integer("seed", value, 0, "an integer, at least 0, or None")


def pair_of_ints(name: str, value: Any) -> tuple[int, int]:
    """Returns `value` as a pair of positive integers; an integer stands for both."""
    pair = (value, value) if is_integer(value) else value
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(
            f"`{name}` must be a positive integer or a pair of positive integers. "
            f"Received: {name}={value!r}"
        )
    return positive_int(name, pair[0]), positive_int(name, pair[1])


def positive_ints(name: str, value: Any) -> tuple[int, ...]:
    """Returns `value`, one positive integer or a sequence of them, as a tuple."""
    values = value if isinstance(value, (tuple, list)) else (value,)
    if not values:
        raise ValueError(
            f"`{name}` must be a positive integer or a sequence of positive integers. "
            f"Received: {name}={value!r}"
        )
    return tuple(positive_int(name, v) for v in values)


def ascending_pair(
    name: str, value: Any, upper: float = math.inf
) -> tuple[float, float]:
    """Returns `value` as a pair of floats in (0, upper], the lower first."""
    low, high = _two_floats(value)
    if not 0 < low <= high <= upper or math.isinf(high):
        limit = "" if math.isinf(upper) else f", at most {upper:g}"
        raise ValueError(
            f"`{name}` must be a pair of positive numbers{limit}, the lower first. "
            f"Received: {name}={value!r}"
        )
    return low, high


def _two_floats(value: Any) -> tuple[float, float]:
    """Two floats, which are NaN if `value` does not hold two numbers."""
    try:
        low, high = (float(v) for v in value)
    except (TypeError, ValueError):
        return math.nan, math.nan
    return low, high


# --- sizes of a model ----------------------------------------------------------------


def image_shape(value: Any) -> tuple[int, int, int]:
    """Returns `value` as `(height, width, channels)`."""
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        raise ValueError(
            "`image_shape` must be (height, width, channels). "
            f"Received: image_shape={value!r}"
        )
    height, width, channels = (positive_int("image_shape", v) for v in value)
    return height, width, channels


def patch_grid(
    image_shape: tuple[int, int, int], patch_size: tuple[int, int]
) -> tuple[int, int]:
    """Returns the rows and columns of patches, which are at least two patches."""
    height, width, _ = image_shape
    rows, row_rest = divmod(height, patch_size[0])
    columns, column_rest = divmod(width, patch_size[1])
    if row_rest or column_rest:
        raise ValueError(
            "`image_shape` must be divisible by `patch_size`. Received: "
            f"image_shape={image_shape}, patch_size={patch_size}"
        )
    if rows * columns == 1:
        raise ValueError(
            "`patch_size` must cut the image into at least two patches. Received: "
            f"image_shape={image_shape}, patch_size={patch_size}"
        )
    return rows, columns


def width_and_heads(part: str, dim: Any, heads: Any) -> tuple[int, int]:
    """Returns the width and the heads of a part if the heads divide the width."""
    dim = positive_int(f"{part}_dim", dim)
    heads = positive_int(f"{part}_heads", heads)
    if dim % 4:
        raise ValueError(
            f"`{part}_dim` must be divisible by 4, for the sine-cosine positions. "
            f"Received: {part}_dim={dim}"
        )
    if dim % heads:
        raise ValueError(
            f"`{part}_dim` must be divisible by `{part}_heads`. "
            f"Received: {part}_dim={dim}, {part}_heads={heads}"
        )
    return dim, heads


def mlp_ratio(value: Any, dim: int) -> float:
    """Returns `value` if blocks of width `dim` get at least one hidden unit."""
    value = positive_float("mlp_ratio", value)
    if hidden_width(dim, value) < 1:
        raise ValueError(
            "`mlp_ratio` must give at least one hidden unit. Received: "
            f"mlp_ratio={value} for a width of {dim}"
        )
    return value


def hidden_width(dim: int, mlp_ratio: float) -> int:
    """The hidden width of an MLP: `dim * mlp_ratio`, rounded down."""
    # A ratio that came from a division can be an ulp below the integer it means.
    return int(dim * mlp_ratio + 1e-6)


def block_index(name: str, value: Any, depth: int) -> int:
    """Returns `value` if it names one of `depth` blocks."""
    if not is_integer(value) or not -depth <= value < depth:
        raise ValueError(
            f"`{name}` must be an integer from {-depth} to {depth - 1}, one of the "
            f"encoder's {depth} blocks. Received: {name}={value!r}"
        )
    return int(value)


def resolution(
    value: Any, patch_size: tuple[int, int], name: str = "resolution"
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns a smaller image size as a pair, and its grid of patches."""
    size = pair_of_ints(name, value)
    if size[0] % patch_size[0] or size[1] % patch_size[1]:
        raise ValueError(
            f"`{name}` must be divisible by `patch_size` {patch_size}. "
            f"Received: {name}={value}"
        )
    return size, (size[0] // patch_size[0], size[1] // patch_size[1])


def restore_patch_statistics(value: bool, norm_pix_loss: bool) -> None:
    """Refuses statistics for patches that a model paints with statistics already."""
    if value and not norm_pix_loss:
        raise ValueError(
            "`restore_patch_statistics` is for models trained with `norm_pix_loss`: "
            "other models paint the mean and deviation of each patch. Received: "
            "restore_patch_statistics=True and norm_pix_loss=False"
        )


# --- pixels --------------------------------------------------------------------------


def value_range(value: Any) -> tuple[float, float]:
    """Returns `value` as a pair of finite floats, low below high."""
    low, high = _two_floats(value)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(
            "`value_range` must be a pair of finite numbers, the lower first. "
            f"Received: value_range={value!r}"
        )
    return low, high


def channel_statistics(
    name: str, value: Any, channels: int, positive: bool = False
) -> tuple[float, ...] | None:
    """Returns one float per channel, or `None`; one number stands for all channels."""
    if value is None:
        return None
    try:
        array = np.asarray(value, "float64").reshape(-1)
    except (TypeError, ValueError):
        array = np.array([np.nan])
    if array.size == 1:
        array = np.repeat(array, channels)
    bad = array.size != channels or not np.isfinite(array).all()
    if bad or (positive and (array <= 0).any()):
        raise ValueError(
            f"`{name}` must be one {'positive ' if positive else ''}finite number per "
            f"channel ({channels}), in the 0 to 1 scale of `value_range`, or None. "
            f"Received: {name}={value!r}"
        )
    return tuple(float(v) for v in array)


def is_concrete(x: Any) -> bool:
    """Whether `x` holds values now; a traced or symbolic tensor does not."""
    return isinstance(x, np.ndarray) or backend.is_concrete(x)


def image_batch(
    images: Array, image_shape: tuple[int | None, ...], name: str = "images"
) -> None:
    """Refuses anything but a batch of images of one size.

    Args:
        images: Array or tensor, concrete or not.
        image_shape: `(height, width, channels)`; a size of `None` is not checked.
        name: Name of the argument in messages.
    """
    shape = tuple(images.shape)
    if len(shape) != 4:
        raise ValueError(
            f"`{name}` must have rank 4, (batch, height, width, channels). "
            f"Received: shape {shape}"
        )
    for axis, want, got in zip(("height", "width", "channels"), image_shape, shape[1:]):
        if None not in (want, got) and got != want:
            raise ValueError(
                f"`{name}` must have shape (batch, "
                f"{', '.join('any' if n is None else str(n) for n in image_shape)}). "
                f"Received: shape {shape}, whose {axis} is {got}, not {want}."
            )
    pixel_dtype(images, name)


def pixel_dtype(images: Array, name: str = "images") -> None:
    """Refuses pixels that are neither integers nor floats."""
    dtype = getattr(images.dtype, "name", str(images.dtype)).removeprefix("torch.")
    if not dtype.startswith(("uint", "int", "float", "bfloat")):
        raise ValueError(
            f"`{name}` must hold integers or floats. Received: dtype {dtype}"
        )


def pixel_values(
    images: Array, value_range: tuple[float, float], name: str = "images"
) -> None:
    """Refuses NaN, infinities and values outside `value_range`, on concrete data.

    A float batch in [0, 1] for a model of [0, 255] only causes a warning, because very
    dark images are legal.
    """
    if 0 in tuple(images.shape):
        raise ValueError(
            f"`{name}` must not be empty. Received: shape {tuple(images.shape)}"
        )
    low, high = value_range
    dtype = keras.backend.standardize_dtype(images.dtype)
    if dtype == "uint8" and low <= 0 and high >= 255:
        return
    # The reduction runs where the images are: three numbers leave an accelerator.
    xp = np if isinstance(images, np.ndarray) else ops
    smallest, largest = float(xp.min(images)), float(xp.max(images))
    if "float" in dtype and not bool(xp.all(xp.isfinite(images))):
        raise ValueError(
            f"`{name}` must be finite. Received: NaN or infinite pixels among values "
            f"from {smallest:g} to {largest:g}."
        )
    slack = 1e-3 * (high - low)
    if smallest < low - slack or largest > high + slack:
        raise ValueError(
            f"`{name}` must lie in the model's `value_range` {value_range}. "
            f"Received: values from {smallest:g} to {largest:g}."
        )
    if "float" in dtype and high - low > 100 and 0 < largest <= 1.0:
        warnings.warn(
            f"`{name}` is a float batch with values from {smallest:g} to {largest:g}, "
            f"but the model's `value_range` is {value_range}: if the images are scaled "
            "to [0, 1], multiply them by 255 or set `value_range=(0, 1)`.",
            stacklevel=3,
        )


def visible_indices(
    visible: Array, num_patches: int, batch_size: int | None = None
) -> None:
    """Refuses patch indices that are out of range or repeated.

    The values are checked on concrete data only.
    """
    shape = tuple(visible.shape)
    if len(shape) != 2:
        raise ValueError(
            "`visible` must have shape (batch, kept): patch indices for each image. "
            f"Received: shape {shape}"
        )
    if None not in (shape[0], batch_size) and shape[0] != batch_size:
        raise ValueError(
            "`visible` must have one row of patch indices per image. Received: "
            f"{shape[0]} rows for {batch_size} images"
        )
    dtype = str(visible.dtype)
    if "int" not in dtype:
        raise ValueError(f"`visible` must hold integers. Received: dtype {dtype}")
    if not is_concrete(visible):
        return
    indices = np.sort(ops.convert_to_numpy(visible), axis=1)
    if shape[1] == 0:
        raise ValueError("`visible` must keep at least one patch. Received: none")
    if indices[:, 0].min() < 0 or indices[:, -1].max() >= num_patches:
        raise ValueError(
            f"`visible` must hold patch indices from 0 to {num_patches - 1}. Received: "
            f"indices from {indices[:, 0].min()} to {indices[:, -1].max()}."
        )
    if (indices[:, 1:] == indices[:, :-1]).any():
        raise ValueError(
            "`visible` must hold each patch at most once. Received: repeated indices."
        )
