"""From a Pillow image of any mode and size to an array of one shape."""

import math

import numpy as np

from keras_mra import checks

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
ASPECT_RATIOS = (3 / 4, 4 / 3)


def check_channels(image_shape):
    """Refuses channel counts that no image file has."""
    if image_shape[2] not in MODES:
        raise ValueError(
            "`image_shape` must end in 1, 3 or 4 channels. "
            f"Received: image_shape={image_shape}"
        )


def check_crop(crop, crop_scale):
    """Refuses unknown crops and area shares outside (0, 1]."""
    if crop not in ("random", "center"):
        raise ValueError(
            f'`crop` must be "random" or "center". Received: crop={crop!r}'
        )
    return checks.ascending_pair("crop_scale", crop_scale, upper=1.0)


def to_channels(image, channels):
    """Converts an image of any mode to 8 bits and 1, 3 or 4 channels.

    Alpha is dropped, not blended, unless 4 channels are asked for: the colours are
    those stored in the file. 16-bit values are divided by 257.

    Args:
        image: A `PIL.Image.Image`.
        channels: 1, 3 or 4.

    Returns:
        A `PIL.Image.Image` of mode L, RGB or RGBA.
    """
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    # The palette, and colour multiplied by alpha, are undone before alpha goes.
    if image.mode in ("P", "PA", "RGBa"):
        image = image.convert("RGBA")
    elif image.mode == "La":
        image = image.convert("LA")
    return image.convert(MODES[channels])


def _eight_bits(image):
    from PIL import Image

    pixels = np.asarray(image)
    if image.mode == "F":
        pixels = np.nan_to_num(pixels.astype("float64"))
        # Floating-point files hold either [0, 1] or [0, 255].
        pixels = pixels * 255 if pixels.max() <= 1 else pixels
    else:
        pixels = pixels / 257
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype("uint8"))


def random_box(size, crop_scale, rng):
    """Draws a box by share of the area and aspect ratio.

    Args:
        size: Pair of ints, width and height of the image.
        crop_scale: Pair of floats, smallest and largest share of the area.
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
    else:  # A long, narrow image: its largest box of an allowed ratio.
        ratio = np.clip(width / height, *ASPECT_RATIOS)
        box_width = min(width, height * ratio)
        box_height = min(height, width / ratio)
    left = rng.uniform(0, width - box_width)
    upper = rng.uniform(0, height - box_height)
    return (
        left,
        upper,
        # Rounding must not carry the box over the border.
        min(left + box_width, width),
        min(upper + box_height, height),
    )


def center_box(size, target):
    """The largest centred box with the proportions of `target`.

    Resizing it is resizing the image's short side and cropping the centre.

    Args:
        size: Pair of ints, width and height of the image.
        target: Pair of ints, width and height to be cut out.

    Returns:
        Four floats: left, upper, right, lower.
    """
    (width, height), (target_width, target_height) = size, target
    scale = min(width / target_width, height / target_height)
    box_width = min(width, target_width * scale)
    box_height = min(height, target_height * scale)
    left, upper = (width - box_width) / 2, (height - box_height) / 2
    return left, upper, left + box_width, upper + box_height


def resized(image, box, image_shape):
    """Cuts a box out and resizes it.

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


def smallest_crop_side(image_shape, crop, crop_scale):
    """Short side an image needs so that no crop of it has to be enlarged."""
    side = max(image_shape[:2])
    if crop == "center":
        return side
    return math.ceil(side / math.sqrt(crop_scale[0] * ASPECT_RATIOS[0]))


def resize_images(images, image_shape):
    """Converts a whole array of images to another shape.

    Args:
        images: Uint8 array of shape `(samples, height, width, 1 or 3)`.
        image_shape: Triple of ints.

    Returns:
        Uint8 array of shape `(samples, *image_shape)`, centre crops.
    """
    from PIL import Image

    if images.shape[1:] == tuple(image_shape):
        return images
    check_channels(image_shape)
    target = (image_shape[1], image_shape[0])
    result = np.empty((len(images), *image_shape), "uint8")
    for row, pixels in zip(result, images, strict=True):
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        image = to_channels(image, image_shape[2])
        row[...] = resized(image, center_box(image.size, target), image_shape)
    return result
