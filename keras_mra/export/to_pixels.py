"""Images as PyTorch's data sets hold them: read as arrays, and written back."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra.models import MAE

Pixels = NDArray[Any]
# A function from augmented pixels to an image in the format that was read.
Restore = Callable[[Pixels], Any]

# PIL's modes for each number of channels. All but the first keep a channel of alpha.
MODES = {1: ("L", "LA"), 3: ("RGB", "RGBA"), 4: ("RGBA",)}
# Floats may leave [0, 1] by this much, as `checks.pixel_values` allows.
SLACK = 1e-3


def to_pixels(image: Any, mae: MAE) -> tuple[Pixels, Restore]:
    """Reads an image as pixels for an autoencoder.

    Args:
        image: PIL image; tensor `(channels, height, width)`; NumPy array `(height,
            width, channels)` or, for one channel, `(height, width)`. Tensors and arrays
            may be batches. They are uint8 from 0 to 255 or float from 0 to 1.
        mae: The autoencoder.

    Returns:
        A pair: the pixels in `mae.value_range`, `(height, width, channels)` or a batch;
        and a function from augmented pixels to an image like `image`. Pixels that were
        not augmented are exactly those of `image`.

    Raises:
        ValueError: If the image is of another type, shape, dtype or range.
    """
    channels = mae.image_shape[2]
    if is_pil(image):
        pixels, restore = _read_pil(image, channels)
    elif is_tensor(image):
        pixels, restore = _read_tensor(image, channels)
    elif isinstance(image, np.ndarray):
        pixels, restore = _read_array(image, channels)
    else:
        raise ValueError(
            "`image` must be a PIL image, a tensor of PyTorch or a NumPy array. "
            f"Received: image of type {type(image).__name__}"
        )
    _check_range(pixels)
    return _scaled(pixels, mae.value_range, restore)


def is_pil(x: Any) -> bool:
    """Whether `x` is an image of PIL, which need not be installed."""
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(x, pil.Image)


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor of PyTorch, which need not be imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def _read_pil(image: Any, channels: int) -> tuple[Pixels, Restore]:
    from PIL import Image

    modes = MODES.get(channels, ())
    if not modes:
        raise ValueError(
            "`image` must be a tensor or an array, because the autoencoder has "
            f"{channels} channels. Received: a PIL image"
        )
    if image.mode not in modes:
        raise ValueError(
            f"`image` must be of mode {' or '.join(map(repr, modes))}, because the "
            f"autoencoder has {channels} channels. Received: mode {image.mode!r}. Use "
            f"`image.convert({modes[0]!r})`"
        )
    bands = np.asarray(image)
    bands = bands[..., None] if bands.ndim == 2 else bands  # (H, W, bands)

    def restore(pixels: Pixels) -> Any:
        whole = np.concatenate([pixels, bands[..., channels:]], axis=-1)
        return Image.fromarray(whole[..., 0] if whole.shape[-1] == 1 else whole)

    return bands[..., :channels], restore


def _read_tensor(image: Any, channels: int) -> tuple[Pixels, Restore]:
    import torch

    # Without the class of torchvision's tensors, which `restore` gives back.
    plain = image.detach().as_subclass(torch.Tensor)
    shape = tuple(plain.shape)
    if len(shape) not in (3, 4) or shape[-3] != channels:
        hint = ", whose channels come last" if shape[-1:] == (channels,) else ""
        raise ValueError(
            "`image` must be a tensor of shape (channels, height, width) or (batch, "
            f"channels, height, width) with {channels} channels. Received: shape "
            f"{shape}{hint}"
        )
    if plain.dtype != torch.uint8 and not plain.dtype.is_floating_point:
        raise _bad_dtype(plain.dtype)
    is_float = plain.dtype.is_floating_point
    given = plain.to("cpu", torch.float32 if is_float else None).numpy()
    given = np.moveaxis(given, -3, -1)  # (..., H, W, C)

    def restore(pixels: Pixels) -> Any:
        is_new = torch.from_numpy(np.moveaxis(pixels != given, -1, -3).copy())
        new = torch.from_numpy(np.moveaxis(pixels, -1, -3).copy())
        whole = torch.where(is_new.to(plain.device), new.to(plain), plain)
        return whole.as_subclass(type(image))

    return given, restore


def _read_array(image: Pixels, channels: int) -> tuple[Pixels, Restore]:
    given = image
    if channels == 1 and image.ndim == 2:
        given = image[..., None]  # (H, W, 1)
    if given.ndim not in (3, 4) or given.shape[-1] != channels:
        is_first = image.ndim in (3, 4) and image.shape[-3] == channels
        raise ValueError(
            "`image` must be an array of shape (height, width, channels) or (batch, "
            f"height, width, channels) with {channels} channels. Received: shape "
            f"{image.shape}{', whose channels come first' if is_first else ''}"
        )
    if image.dtype != np.uint8 and image.dtype.kind != "f":
        raise _bad_dtype(image.dtype)
    floats = given if given.dtype == np.uint8 else given.astype("float32")

    def restore(pixels: Pixels) -> Any:
        whole = np.where(pixels != floats, pixels.astype(image.dtype), given)
        return whole.reshape(image.shape)

    return floats, restore


def _bad_dtype(dtype: Any) -> ValueError:
    return ValueError(
        "`image` must be of dtype uint8, from 0 to 255, or float, from 0 to 1. "
        f"Received: dtype {dtype}"
    )


def _check_range(pixels: Pixels) -> None:
    if pixels.dtype == np.uint8 or pixels.size == 0:
        return
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= -SLACK and high <= 1 + SLACK):  # NaN is refused too
        raise ValueError(
            "`image` must hold floats from 0 to 1, as before a normalisation. "
            f"Received: values from {low:g} to {high:g}"
        )


def _scaled(
    pixels: Pixels, value_range: tuple[float, float], restore: Restore
) -> tuple[Pixels, Restore]:
    """Pixels in a `value_range`, and `restore` for pixels in that range."""
    low, high = value_range
    white = 255.0 if pixels.dtype == np.uint8 else 1.0
    if (low, high) == (0.0, white):
        return pixels, restore
    scale = (high - low) / white
    scaled = (pixels * scale + low).astype("float32")

    def back(augmented: Pixels) -> Any:
        unscaled = np.clip((augmented - low) / scale, 0, white)
        if white == 255.0:
            unscaled = np.rint(unscaled)
        exact = np.where(augmented == scaled, pixels, unscaled)
        return restore(exact.astype(pixels.dtype))

    return scaled, back
