"""Random crops of colour images, decoded and resized with OpenCV.

OpenCV and Pillow decode JPEG files with the same library, to the same pixels. OpenCV
resizes them faster.
"""

import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mra import checks
from keras_mra.datasets import crops
from keras_mra.datasets import exif_orientation
from keras_mra.datasets import image_reader
from keras_mra.datasets import jpeg_data
from keras_mra.datasets.opencv import opencv
from keras_mra.datasets.picture_file import MAX_MEGAPIXELS
from keras_mra.datasets.picture_file import opened_picture
from keras_mra.typing import ImageShape
from keras_mra.typing import Path

LIBRARIES = ("opencv", "pillow")
_WHAT = 'Crops with `image_library="opencv"`'
# The factors by which a JPEG file can be shrunk while it is decoded.
_FACTORS = (8, 4, 2)


def chosen_library(image_library: str | None) -> str:
    """Returns the library that makes random crops: `"opencv"` or `"pillow"`.

    Args:
        image_library: One of them, or `None` for OpenCV where it is installed.

    Raises:
        ValueError: If it is another value.
        ImportError: If OpenCV is asked for, but is not installed or too old.
    """
    checks.choice("image_library", image_library, LIBRARIES, optional=True)
    if image_library is None:
        try:
            opencv(_WHAT)
        except ImportError:
            return "pillow"
        return "opencv"
    if image_library == "opencv":
        opencv(_WHAT)
    return image_library


def read_upright(
    path: Path, min_side: int, max_megapixels: float = MAX_MEGAPIXELS
) -> Any:
    """Reads an image as `image_reader.read_upright` does, with OpenCV where it can.

    Returns:
        Uint8 array of shape `(height, width, 3)` for a JPEG file in colour, and a
        `PIL.Image.Image` for others. The pixels are those of
        `image_reader.read_upright`.
    """
    with opened_picture(path, max_megapixels) as (image, file):
        if image.format == "JPEG" and image.mode == "RGB":
            content = jpeg_data.bounded(file, *image.size)
            jpeg_data.check_passes(io.BytesIO(content))
            pixels = _decoded(content, image.size, min_side)
            if pixels is not None:
                orientation = image_reader.stored_orientation(image.getexif)
                return exif_orientation.upright(pixels, orientation)
        return image_reader.decode_upright(image, file, min_side)


def _decoded(content: bytes, size: tuple[int, int], min_side: int) -> Any:
    """The pixels of a JPEG file, shrunk to a side of at least `min_side`, or `None`.

    OpenCV decodes no file without an end.

    Raises:
        ValueError: If the data end early, before an end marker.
    """
    cv2 = opencv(_WHAT)
    most = min(size) // min_side
    factor = next((factor for factor in _FACTORS if factor <= most), 1)
    flags = {
        1: cv2.IMREAD_COLOR_RGB,
        # OpenCV has no name for colours in this order that are shrunk.
        2: cv2.IMREAD_COLOR_RGB | cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_COLOR_RGB | cv2.IMREAD_REDUCED_GRAYSCALE_4,
        8: cv2.IMREAD_COLOR_RGB | cv2.IMREAD_REDUCED_GRAYSCALE_8,
    }
    encoded = np.frombuffer(content, "uint8")
    try:
        pixels = cv2.imdecode(encoded, flags[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if pixels is not None and jpeg_data.may_end_early(pixels[-1, -1]):
        jpeg_data.check_whole(io.BytesIO(content), *size)
    return pixels


def resized(
    pixels: npt.NDArray[np.uint8], box: crops.Box, image_shape: ImageShape
) -> npt.NDArray[np.uint8]:
    """Cuts a box out of an image and resizes it.

    OpenCV's linear interpolation does not smooth what it shrinks. The box is therefore
    smoothed before.

    Args:
        pixels: Uint8 array of shape `(height, width, 3)`.
        box: Four floats: left, upper, right, lower. They are rounded.
        image_shape: Triple of ints, `(height, width, 3)`.

    Returns:
        Uint8 array of shape `image_shape`.
    """
    cv2 = opencv(_WHAT)
    height, width, _ = image_shape
    left, upper, right, lower = (round(edge) for edge in box)
    # A box that is one pixel wide can be rounded to nothing.
    cut = pixels[upper : max(lower, upper + 1), left : max(right, left + 1)]
    size_x, sigma_x = _gaussian(cut.shape[1] / width)
    size_y, sigma_y = _gaussian(cut.shape[0] / height)
    if max(size_x, size_y) > 1:
        sizes, border = (size_x, size_y), cv2.BORDER_REPLICATE
        cut = cv2.GaussianBlur(cut, sizes, sigma_x, sigmaY=sigma_y, borderType=border)
    result: npt.NDArray[np.uint8] = cv2.resize(
        cut, (width, height), interpolation=cv2.INTER_LINEAR
    )
    return result


def _gaussian(factor: float) -> tuple[int, float]:
    """The kernel that smooths a side before an interpolation shrinks it.

    An interpolation weights pixels by a triangle two pixels wide, whose variance is
    1/6. To smooth what it shrinks, it needs a triangle that is `factor` times as wide,
    of variance `factor**2 / 6`. The kernel adds the difference.

    Returns:
        `(size, sigma)`: the number of weights, and the Gaussian's standard deviation
        in pixels. The size is 1 for a side that is not shrunk.
    """
    if factor <= 1:
        return 1, 0.0
    variance = (factor**2 - 1) / 6
    if factor >= 2:
        sigma = math.sqrt(variance)
        return 2 * math.ceil(2 * sigma) + 1, sigma
    # Narrow Gaussians are sampled too coarsely. Three weights `a, 1 - 2 * a, a` have a
    # variance of `2 * a`, and are those of a Gaussian at -1, 0 and 1 with this sigma.
    a = variance / 2
    return 3, (2 * math.log((1 - 2 * a) / a)) ** -0.5
