"""Crops of images: random and centred boxes, cut out and resized to one shape."""

import math
from typing import Any
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from keras_mra import checks
from keras_mra.datasets import image_reader
from keras_mra.typing import ImageShape

ASPECT_RATIOS = (3 / 4, 4 / 3)
Box: TypeAlias = tuple[float, float, float, float]  # left, upper, right, lower


def check_channels(image_shape: ImageShape) -> None:
    """Refuses numbers of channels that image files do not have."""
    if image_shape[2] not in image_reader.MODES:
        raise ValueError(
            "`image_shape` must end in 1, 3 or 4 channels. "
            f"Received: image_shape={image_shape}"
        )


def check_crop(crop: str, crop_scale: Any) -> tuple[float, float]:
    """Returns `crop_scale` as floats; refuses unknown crops and shares of the area."""
    checks.choice("crop", crop, ("random", "center"))
    return checks.ascending_pair("crop_scale", crop_scale, upper=1.0)


def random_box(
    size: tuple[int, int], crop_scale: tuple[float, float], rng: np.random.Generator
) -> Box:
    """Draws a box with a random area, aspect ratio and place.

    The area is uniform in `crop_scale`, the aspect ratio log-uniform in
    `ASPECT_RATIOS`.

    Args:
        size: Pair of ints, width and height of the image.
        crop_scale: Pair of floats, the smallest and the largest share of the area.
        rng: A `numpy.random.Generator`.

    Returns:
        Four floats: left, upper, right, lower.
    """
    width, height = size
    low, high = np.log(ASPECT_RATIOS)
    for _ in range(10):
        area = rng.uniform(*crop_scale) * width * height
        ratio = math.exp(rng.uniform(low, high))
        box_width = max(1.0, math.sqrt(area * ratio))
        box_height = max(1.0, math.sqrt(area / ratio))
        if box_width <= width and box_height <= height:
            break
    else:  # The largest box of an allowed ratio in a long, narrow image.
        ratio = float(np.clip(width / height, *ASPECT_RATIOS))
        box_width = min(width, height * ratio)
        box_height = min(height, width / ratio)
    left = rng.uniform(0, width - box_width)
    upper = rng.uniform(0, height - box_height)
    return (
        left,
        upper,
        # Rounding must not move the box across the border.
        min(left + box_width, width),
        min(upper + box_height, height),
    )


def center_box(size: tuple[int, int], target: tuple[int, int]) -> Box:
    """Returns the largest centred box with the proportions of `target`.

    Resizing this box equals resizing the short side of the image and cropping its
    centre.

    Args:
        size: Pair of ints, width and height of the image.
        target: Pair of ints, width and height of the crop.

    Returns:
        Four floats: left, upper, right, lower.
    """
    (width, height), (target_width, target_height) = size, target
    scale = min(width / target_width, height / target_height)
    box_width = min(width, target_width * scale)
    box_height = min(height, target_height * scale)
    left, upper = (width - box_width) / 2, (height - box_height) / 2
    return left, upper, left + box_width, upper + box_height


def resized(image: Any, box: Box, image_shape: ImageShape) -> npt.NDArray[np.uint8]:
    """Cuts a box out of an image and resizes it.

    Args:
        image: A `PIL.Image.Image` of mode L, RGB or RGBA.
        box: Four floats: left, upper, right, lower.
        image_shape: Triple of ints, `(height, width, channels)`.

    Returns:
        Uint8 array of shape `image_shape`.
    """
    from PIL import Image

    height, width, channels = image_shape
    image = image.resize(
        (width, height), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0
    )
    return np.asarray(image).reshape(height, width, channels)


def smallest_crop_side(
    image_shape: ImageShape, crop: str, crop_scale: tuple[float, float]
) -> int:
    """Returns the short side of an image from which no crop is enlarged."""
    side = max(image_shape[:2])
    if crop == "center":
        return side
    return math.ceil(side / math.sqrt(crop_scale[0] * ASPECT_RATIOS[0]))


def resize_images(
    images: npt.NDArray[np.uint8], image_shape: ImageShape
) -> npt.NDArray[np.uint8]:
    """Converts an array of images to another shape, with centre crops.

    Args:
        images: Uint8 array of shape `(samples, height, width, 1 or 3)`.
        image_shape: Triple of ints.

    Returns:
        Uint8 array of shape `(samples, *image_shape)`.
    """
    from PIL import Image

    if images.shape[1:] == tuple(image_shape):
        return images
    check_channels(image_shape)
    target = (image_shape[1], image_shape[0])
    result = np.empty((len(images), *image_shape), "uint8")
    for row, pixels in zip(result, images, strict=True):
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        image = image_reader.to_channels(image, image_shape[2])
        row[...] = resized(image, center_box(image.size, target), image_shape)
    return result
