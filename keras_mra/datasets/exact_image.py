"""The pixels of an image file at their own bit depth, and a lossless copy of them."""

import dataclasses
import io
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mra.datasets import sixteen_bit_png


@dataclasses.dataclass(frozen=True)
class ExactImage:
    """Pixels and metadata of an image file.

    Attributes:
        color: Uint8 or uint16 array of shape `(height, width, 1 or 3)`.
        alpha: Array of shape `(height, width, 1)` and the dtype of `color`, or `None`.
        metadata: Dict of bytes, what a copy also holds: `icc_profile` and `exif`, and
            `cicp` of a 16-bit colour PNG file. The EXIF data asks for no rotation.
        rotated: Bool, whether the file stores the pixels in another orientation.
        animated: Bool, whether the file holds further frames or pages.
    """

    color: npt.NDArray[Any]
    alpha: npt.NDArray[Any] | None
    metadata: dict[str, bytes]
    rotated: bool = False
    animated: bool = False

    @property
    def white(self) -> int:
        """The largest value of a channel: 255 or 65535."""
        return int(np.iinfo(self.color.dtype).max)

    def png(self, color: npt.NDArray[Any]) -> bytes:
        """Encodes other colours with the alpha and the metadata of this image.

        Args:
            color: Array of the shape and dtype of `self.color`.

        Returns:
            The content of a PNG file.

        Raises:
            ImportError: If 16-bit colours need OpenCV, which is not installed.
        """
        from PIL import Image

        has_channels = self.alpha is not None or color.shape[-1] > 1
        if color.dtype == np.uint16 and has_channels:
            return sixteen_bit_png.encode_sixteen_bit_png(
                color, self.alpha, **self.metadata
            )
        pixels = color  # (height, width, 1 to 4)
        if self.alpha is not None:
            pixels = np.concatenate([color, self.alpha], axis=-1)
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        file = io.BytesIO()
        image.save(
            file,
            "PNG",
            compress_level=sixteen_bit_png.COMPRESSION,
            **self.metadata,
        )
        return file.getvalue()
