"""Checks of images and their range."""

import reprlib
import warnings
from typing import Any

import keras
import ml_dtypes
import numpy as np
from keras import ops

from keras_mra import backend
from keras_mra.checks.check_arguments import two_floats
from keras_mra.typing import Array

INTEGERS = {"uint8", "uint16", "uint32", "int8", "int16", "int32", "int64"}
PIXELS = INTEGERS | {"float16", "bfloat16", "float32", "float64"}
# What pixels are normalised with is computed in float32, which has a range of 1e-38 to
# 3e38: the products of these limits stay in it.
SMALLEST_STD, LARGEST_STATISTIC = 1e-6, 1e6
SMALLEST_SPREAD, LARGEST_PIXEL = 1e-30, 1e30


def value_range(value: Any) -> tuple[float, float]:
    """Returns `value` as a pair of floats, low below high, which float32 holds."""
    low, high = two_floats(value)
    is_held = max(abs(low), abs(high)) <= LARGEST_PIXEL
    if not (is_held and high - low >= SMALLEST_SPREAD):
        raise ValueError(
            "`value_range` must be a pair of finite numbers, the lower first, of at "
            f"most {LARGEST_PIXEL:g} and {SMALLEST_SPREAD:g} apart. "
            f"Received: value_range={value!r}"
        )
    return low, high


def channel_statistics(
    name: str, value: Any, channels: int, positive: bool = False
) -> tuple[float, ...] | None:
    """Returns one float per channel, or `None`; one number stands for all channels.

    They are small enough, and positive ones large enough, for float32.
    """
    if value is None:
        return None
    try:
        array = np.asarray(value).reshape(-1)
    except (TypeError, ValueError):  # lists of several lengths
        array = np.array([])
    if array.dtype.kind not in "iuf":  # such as words and booleans
        array = np.array([])
    array = array.astype("float64")
    if array.size == 1:
        array = np.repeat(array, channels)
    low = SMALLEST_STD if positive else -LARGEST_STATISTIC
    is_good = (array >= low) & (array <= LARGEST_STATISTIC)  # NaN is not
    if array.size != channels or not is_good.all():
        raise ValueError(
            f"`{name}` must be one {'positive ' if positive else ''}finite number per "
            f"channel ({channels}), in the 0 to 1 scale of `value_range`, from {low:g} "
            f"to {LARGEST_STATISTIC:g}, or None. Received: {name}={value!r}"
        )
    return tuple(float(v) for v in array)


def normalized_range(
    mean: tuple[float, ...] | None, std: tuple[float, ...] | None, dtype: str
) -> None:
    """Refuses statistics with which a dtype does not hold normalised pixels.

    Args:
        mean: One float per channel, as `channel_statistics` returns it.
        std: Likewise.
        dtype: Dtype in which a model computes with the pixels.
    """
    means, stds = np.asarray(mean or 0.0), np.asarray(std or 1.0)
    largest = float((np.maximum(np.abs(means), np.abs(1 - means)) / stds).max())
    limit = largest_float(dtype)
    if largest > limit:
        raise ValueError(
            "`mean` and `std` must normalise pixels to numbers that the `dtype` "
            f"{dtype} holds, up to {limit:g}. Received: mean={mean}, std={std}, which "
            f"give {largest:g}"
        )


def largest_float(dtype: str) -> float:
    """The largest number that a float dtype holds, such as 65504 for float16."""
    return float(ml_dtypes.finfo(dtype).max)  # type: ignore[no-untyped-call]


def as_array(name: str, value: Any, hint: str = "") -> Any:
    """Returns an array or a tensor as it is, and nested lists of numbers as an array.

    Args:
        name: Name of the argument in the message.
        value: What the caller passed. Ragged lists and other objects are refused.
        hint: String, a sentence at the end of the message.
    """
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return value
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # lists of several lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biufc":
        raise ValueError(
            f"`{name}` must be an array, a tensor, or nested lists of numbers that "
            f"have one length at each depth. Received: {reprlib.repr(value)} (of type "
            f"{type(value).__name__}){hint and '. ' + hint}"
        )
    return array


def numpy_array(name: str, value: Any) -> Any:
    """Returns an array, a tensor or nested lists of numbers as a NumPy array.

    A memory map stays a memory map.
    """
    value = as_array(name, value)
    return value if isinstance(value, np.ndarray) else ops.convert_to_numpy(value)


def dtype_name(x: Any) -> str:
    """The name of the dtype of an array or a tensor of any library."""
    return getattr(x.dtype, "name", str(x.dtype)).removeprefix("torch.")


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
        hint = (
            ". One image needs `[None]`, and grey images need `[..., None]`."
            if len(shape) == 3
            else ""
        )
        raise ValueError(
            f"`{name}` must have rank 4, (batch, height, width, channels). "
            f"Received: shape {shape}{hint}"
        )
    for axis, want, got in zip(("height", "width", "channels"), image_shape, shape[1:]):
        if None not in (want, got) and got != want:
            raise ValueError(
                f"`{name}` must have shape (batch, "
                f"{', '.join('any' if n is None else str(n) for n in image_shape)}). "
                f"Received: shape {shape}, whose {axis} is {got}, not {want}"
                f"{order_of_axes(shape, image_shape[-1])}."
            )
    pixel_dtype(images, name)


def order_of_axes(shape: tuple[int | None, ...], channels: int | None = None) -> str:
    """What a message adds about images whose channels may come first, or nothing.

    Args:
        shape: Shape of the images, refused or not.
        channels: Int, the channels that images should have, or `None` for any.
    """
    first, *_, last = shape[-3:]
    if first is None or last is None or last == channels:
        return ""
    if first != channels and (first not in (1, 3, 4) or last <= 4):
        return ""
    return ", which looks channels-first: channels must come last"


def pixel_dtype(images: Array, name: str = "images") -> None:
    """Refuses pixels that are neither integers nor floats of a common kind."""
    dtype = dtype_name(images)
    if dtype not in PIXELS:
        hint = ", which PyTorch does not have" if dtype == "uint64" else ""
        raise ValueError(
            f"`{name}` must hold integers or floats. Received: dtype {dtype}{hint}"
        )


def dtype_holds_range(
    images: Array, value_range: tuple[float, float], name: str = "images"
) -> None:
    """Refuses images whose dtype cannot hold every value that may be painted.

    A value of 200 would come out of int8 as -56.
    """
    dtype = dtype_name(images)
    if dtype not in INTEGERS | {"float16"}:
        return
    limits: Any = np.iinfo(dtype) if dtype in INTEGERS else np.finfo(dtype)
    # Paint is computed in float32, whose nearest value can lie above the range.
    low, high = (float(np.float32(v)) for v in value_range)
    if low < limits.min or high > limits.max:
        raise ValueError(
            f"`{name}` must have a dtype that holds the `value_range` {value_range}. "
            f"Received: dtype {dtype}, from {limits.min} to {limits.max}"
        )


def concrete_pixels(
    images: Array, value_range: tuple[float, float], name: str = "images"
) -> None:
    """Does what `pixel_values` does, if a batch holds values now and is not empty."""
    if is_concrete(images) and 0 not in tuple(images.shape):
        pixel_values(images, value_range, name)


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
