"""The file format of copies: PNG, JPEG, WebP, or that of each original."""

import io
import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mra import checks
from keras_mra.datasets.exact_image import ExactImage

SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
FORMATS = (*SUFFIXES, "same")
_FORMAT_OF = {".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}


class CopyFormat:
    """Encodes copies in one format, or in the format of each original.

    Args:
        format: `"png"`, `"jpeg"` (or `"jpg"`), `"webp"` or `"same"`.
        quality: Int from 1 to 100, of JPEG and WebP.

    Attributes:
        quality: As above, or `None` if no copy depends on it.

    Raises:
        ValueError: If an argument is out of its range.
    """

    def __init__(self, format: str, quality: int) -> None:
        checks.choice("format", format, (*FORMATS, "jpg"))
        self.format = "jpeg" if format == "jpg" else format
        expected = "an integer from 1 to 100"
        quality = checks.integer("quality", quality, 1, expected, high=100)
        self.quality = None if self.format == "png" else quality

    def suffix(self, path: pathlib.PurePath) -> str:
        """The ending of the names of a file's copies, such as `".png"`."""
        return SUFFIXES[self._format_of(path)]

    def check(self, image: ExactImage, path: pathlib.PurePath) -> None:
        """Refuses an image whose copies would lose their alpha or bit depth.

        Raises:
            ValueError: If the format of the file's copies does not hold the image.
        """
        name = self._format_of(path)
        if name == "png":
            return
        if image.color.dtype != np.uint8:
            raise ValueError(
                f"Its 16-bit pixels do not fit a {name} file: use the format png."
            )
        if name == "jpeg" and _is_transparent(image):
            raise ValueError(
                "Its alpha channel does not fit a jpeg file: use the format png or "
                "webp."
            )

    def encode(
        self, image: ExactImage, color: npt.NDArray[Any], path: pathlib.PurePath
    ) -> bytes:
        """Encodes a copy with the alpha and the metadata of the original.

        Args:
            image: `ExactImage` that passed `check`.
            color: Array of the shape and dtype of `image.color`.
            path: Path of the original.

        Returns:
            The content of a file.
        """
        name = self._format_of(path)
        if name == "png":
            return image.png(color)
        from PIL import Image

        pixels, metadata = color, dict(image.metadata)  # (height, width, 1 or 3)
        if name == "webp" and pixels.shape[-1] == 1:
            # WebP holds no grey, and a profile of grey does not describe RGB.
            pixels = np.repeat(pixels, 3, axis=-1)  # (height, width, 3)
            metadata.pop("icc_profile", None)
        if name == "webp" and image.alpha is not None:
            pixels = np.concatenate([pixels, image.alpha], axis=-1)
        file = io.BytesIO()
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        picture.save(file, name.upper(), quality=self.quality, **metadata)
        return file.getvalue()

    def _format_of(self, path: pathlib.PurePath) -> str:
        if self.format != "same":
            return self.format
        return _FORMAT_OF.get(path.suffix.lower(), "png")


def _is_transparent(image: ExactImage) -> bool:
    return image.alpha is not None and bool((image.alpha != image.white).any())
