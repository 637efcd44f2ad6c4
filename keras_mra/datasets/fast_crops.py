"""Random crops of colour images, decoded and resized with OpenCV.

OpenCV and Pillow decode JPEG files with the same library, to the same pixels. OpenCV
resizes them faster.
"""

import math
from typing import IO
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
            jpeg_data.check_passes(file)
            pixels = _decoded(file, image.size, min_side)
            if pixels is not None:
                orientation = image_reader.stored_orientation(image.getexif)
                return exif_orientation.upright(pixels, orientation)
        return image_reader.decode_upright(image, file, min_side)


def _decoded(file: IO[bytes], size: tuple[int, int], min_side: int) -> Any:
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
    content = np.frombuffer(jpeg_data.bounded(file, *size), "uint8")
    try:
        pixels = cv2.imdecode(content, flags[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if pixels is not None and jpeg_data.may_end_early(pixels[-1, -1]):
        jpeg_data.check_whole(file, *size)
    return pixels


def resized(
    pixels: npt.NDArray[np.uint8], box: crops.Box, image_shape: ImageShape
) -> npt.NDArray[np.uint8]:
    """Cuts a box out of an image and resizes it.

    OpenCV averages areas well if both sides become at most half as long. Otherwise its
    results alias, or are blocks. A side that is shrunk less is therefore interpolated
    to twice the wanted length before, and one that is enlarged, to the wanted length.

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
    size = (_side(cut.shape[1], width), _side(cut.shape[0], height))
    cut = cv2.resize(cut, size, interpolation=cv2.INTER_LINEAR)
    result: npt.NDArray[np.uint8] = cv2.resize(
        cut, (width, height), interpolation=cv2.INTER_AREA
    )
    return result


def _side(length: int, target: int) -> int:
    """The length of a side whose pixels are averaged to those of the target."""
    return length if length >= 2 * target else target * math.ceil(length / target)
