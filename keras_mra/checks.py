"""Bad input, named before work starts: the argument, what was expected, what came."""

import warnings

import keras
import numpy as np
from keras import ops


def positive_int(name, value):
    """Returns `value` if it is a positive integer."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise ValueError(
            f"`{name}` must be a positive integer. Received: {name}={value!r}"
        )
    if value < 1:
        raise ValueError(
            f"`{name}` must be a positive integer. Received: {name}={value}"
        )
    return int(value)


def nonnegative_int(name, value):
    """Returns `value` if it is an integer, at least 0."""
    if value == 0 and isinstance(value, (int, np.integer)) and value is not False:
        return 0
    try:
        return positive_int(name, value)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be an integer, at least 0. Received: {name}={value!r}"
        ) from error


def pair_of_ints(name, value):
    """Returns `value` as a pair of positive integers; an int stands for both."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        value = (value, value)
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(
            f"`{name}` must be a positive integer or a pair of them. "
            f"Received: {name}={value!r}"
        )
    return tuple(positive_int(name, v) for v in value)


def image_shape(value):
    """Returns `value` as `(height, width, channels)`."""
    if not isinstance(value, (tuple, list)) or len(value) != 3:
        raise ValueError(
            "`image_shape` must be (height, width, channels). "
            f"Received: image_shape={value!r}"
        )
    return tuple(positive_int("image_shape", v) for v in value)


def patch_grid(image_shape, patch_size):
    """Returns rows and columns of patches, at least two patches in all."""
    height, width, _ = image_shape
    ph, pw = patch_size
    if height % ph or width % pw:
        raise ValueError(
            "`image_shape` must be divisible by `patch_size`. Received: "
            f"image_shape={image_shape}, patch_size={patch_size}"
        )
    grid = (height // ph, width // pw)
    if grid == (1, 1):
        raise ValueError(
            "`patch_size` must cut the image into at least two patches. Received: "
            f"image_shape={image_shape}, patch_size={patch_size}"
        )
    return grid


def value_range(value):
    """Returns `value` as a pair of finite floats, low below high."""
    try:
        low, high = (float(v) for v in value)
    except (TypeError, ValueError):
        low = high = float("nan")
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(
            "`value_range` must be a pair of finite numbers, the lower first. "
            f"Received: value_range={value!r}"
        )
    return (low, high)


def channel_statistics(name, value, channels, positive=False):
    """Returns per-channel floats as a tuple, or `None`."""
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


def is_concrete(x):
    """Whether the values of `x` can be looked at, which tracing forbids."""
    from keras_mra import backend

    return isinstance(x, np.ndarray) or backend.is_concrete(x)


def image_batch(images, image_shape, name="images"):
    """Refuses anything but a batch of images of one size.

    Args:
        images: Array or tensor, concrete or not.
        image_shape: `(height, width, channels)`; a `None` size is not checked.
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


def pixel_dtype(images, name="images"):
    """Refuses pixels that are neither integers nor floats."""
    dtype = getattr(images.dtype, "name", str(images.dtype)).removeprefix("torch.")
    if not dtype.startswith(("uint", "int", "float", "bfloat")):
        raise ValueError(
            f"`{name}` must hold integers or floats. Received: dtype {dtype}"
        )


def pixel_values(images, value_range, name="images"):
    """Refuses NaN, infinities and values outside `value_range`, on concrete data.

    Warns when a float batch looks like the other convention, [0, 1] against
    [0, 255]; it only warns, because very dark images are legal.
    """
    if 0 in tuple(images.shape):
        raise ValueError(
            f"`{name}` must not be empty. Received: shape {tuple(images.shape)}"
        )
    low, high = value_range
    dtype = keras.backend.standardize_dtype(images.dtype)
    if dtype == "uint8" and low <= 0 and high >= 255:
        return
    # Arrays stay where they are: only three numbers leave an accelerator.
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


def visible_indices(visible, num_patches, batch_size=None):
    """Refuses patch indices out of range or repeated (values: concrete data only)."""
    shape = tuple(visible.shape)
    if len(shape) != 2:
        raise ValueError(
            "`visible` must have shape (batch, kept): patch indices for each image. "
            f"Received: shape {shape}"
        )
    if None not in (shape[0], batch_size) and shape[0] != batch_size:
        raise ValueError(
            "`visible` must have a row of patch indices for each image. Received: "
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


def width_and_heads(part, dim, heads):
    """Returns an encoder's or decoder's width and heads if they fit together."""
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


def positive_float(name, value):
    """Returns `value` if it is a positive finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise ValueError(
            f"`{name}` must be a positive number. Received: {name}={value!r}"
        )
    if not 0 < value < float("inf"):
        raise ValueError(
            f"`{name}` must be a positive number. Received: {name}={value}"
        )
    return float(value)


def nonnegative_float(name, value):
    """Returns `value` if it is a finite number, at least 0."""
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(
        value, bool
    )
    if not is_number or not 0 <= value < float("inf"):
        raise ValueError(
            f"`{name}` must be a number, at least 0. Received: {name}={value!r}"
        )
    return float(value)


def mlp_ratio(value, dim):
    """Returns `value` if it gives the narrower blocks at least one hidden unit."""
    value = positive_float("mlp_ratio", value)
    if hidden_width(dim, value) < 1:
        raise ValueError(
            "`mlp_ratio` must give at least one hidden unit. Received: "
            f"mlp_ratio={value} for a width of {dim}"
        )
    return value


def hidden_width(dim, mlp_ratio):
    """The integer at or below the product, which floats can miss by an ulp."""
    return int(dim * mlp_ratio + 1e-6)


def restore_patch_statistics(value, norm_pix_loss):
    """Refuses to add statistics to patches that still have their own."""
    if value and not norm_pix_loss:
        raise ValueError(
            "`restore_patch_statistics` is for models trained with `norm_pix_loss`: "
            "others paint each patch's own mean and deviation. Received: "
            "restore_patch_statistics=True and norm_pix_loss=False"
        )


def seed(value):
    """Returns `value` if it is an integer, at least 0, or `None`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(
            f"`seed` must be an integer, at least 0, or None. Received: seed={value!r}"
        )
    return int(value)


def block_index(name, value, depth):
    """Returns `value` if it names one of `depth` blocks."""
    is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_int or not -depth <= value < depth:
        raise ValueError(
            f"`{name}` must be an integer from {-depth} to {depth - 1}, one of the "
            f"encoder's {depth} blocks. Received: {name}={value!r}"
        )
    return int(value)


def resolution(value, patch_size, name="resolution"):
    """Returns a smaller image size as a pair, and its grid of patches."""
    size = pair_of_ints(name, value)
    if size[0] % patch_size[0] or size[1] % patch_size[1]:
        raise ValueError(
            f"`{name}` must be divisible by `patch_size` {patch_size}. "
            f"Received: {name}={value}"
        )
    return size, (size[0] // patch_size[0], size[1] // patch_size[1])


def ascending_pair(name, value, upper=float("inf")):
    """Returns `value` as a pair of floats in (0, upper], the lower first."""
    try:
        low, high = (float(v) for v in value)
    except (TypeError, ValueError):
        low = high = float("nan")
    if not 0 < low <= high <= upper or high == float("inf"):
        limit = "" if upper == float("inf") else f", at most {upper:g}"
        raise ValueError(
            f"`{name}` must be a pair of positive numbers{limit}, the lower first. "
            f"Received: {name}={value!r}"
        )
    return (low, high)


def fraction(name, value):
    """Returns `value` if it is a number in [0, 1]."""
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(
        value, bool
    )
    if not is_number or not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be in [0, 1]. Received: {name}={value!r}")
    return float(value)
