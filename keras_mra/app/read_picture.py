"""`read_picture`: an uploaded file as an array of a model's size."""

from typing import IO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.exceptions import UnsupportedMediaType

from keras_mra.datasets import crops
from keras_mra.datasets import image_reader
from keras_mra.datasets.picture_file import FORMATS
from keras_mra.datasets.picture_file import TooManyPixels
from keras_mra.datasets.picture_file import opened_picture
from keras_mra.typing import ImageShape

MAX_PIXELS = 50_000_000


def read_picture(file: IO[bytes], image_shape: ImageShape) -> NDArray[np.uint8]:
    """Decodes an image, and cuts and resizes its centre.

    Args:
        file: Binary file of any content.
        image_shape: Triple of ints, `(height, width, channels)`.

    Returns:
        Uint8 array of shape `image_shape`. An image of this size keeps its pixels.

    Raises:
        UnsupportedMediaType: If the content is not an image of one of `FORMATS`.
        RequestEntityTooLarge: If the image has more than `MAX_PIXELS` pixels. Their
            number is read from the header, before anything is decoded.
    """
    target = (image_shape[1], image_shape[0])
    try:
        image = _decoded(file, max(target))
        image = image_reader.to_channels(image, image_shape[2])
        return crops.resized(image, crops.center_box(image.size, target), image_shape)
    except (MemoryError, RequestEntityTooLarge):
        raise
    except Exception as error:  # Pillow's decoders raise errors of many types.
        raise UnsupportedMediaType(
            f"`picture` must be an image file ({', '.join(FORMATS)}). Received: a file "
            "that cannot be read as one"
        ) from error


def _decoded(file: IO[bytes], min_side: int) -> Any:
    """The upright image. A JPEG may be shrunk while it is decoded."""
    try:
        with opened_picture(file, MAX_PIXELS / 1e6) as (image, stream):
            return image_reader.decode_upright(image, stream, min_side)
    except TooManyPixels as error:
        raise RequestEntityTooLarge(
            f"`picture` must have at most {MAX_PIXELS:,} pixels. Received: more"
        ) from error
