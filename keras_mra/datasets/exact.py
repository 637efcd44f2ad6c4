"""Images at their own bit depth: what a copy of a file must not change."""

import dataclasses
import io

import numpy as np

from keras_mra.datasets import png16


@dataclasses.dataclass(frozen=True)
class ExactImage:
    """The pixels of a file, and what else a lossless copy of it carries.

    Attributes:
        color: Uint8 or uint16 array of shape `(height, width, 1 or 3)`.
        alpha: Array of shape `(height, width, 1)` and the same dtype, or `None`.
        metadata: Arguments of Pillow's PNG writer (colour profile, orientation).
        chunks: The same as PNG chunks, of a 16-bit colour file.
    """

    color: np.ndarray
    alpha: np.ndarray | None
    metadata: dict
    chunks: tuple = ()

    @property
    def white(self):
        """The largest value a channel can take."""
        return np.iinfo(self.color.dtype).max

    def png(self, color):
        """A PNG file with other colours and this image's alpha and metadata.

        Args:
            color: Array of the shape and dtype of `self.color`.

        Returns:
            Bytes.
        """
        from PIL import Image

        pixels = color
        if self.alpha is not None:
            pixels = np.concatenate([color, self.alpha], axis=-1)
        if pixels.dtype == np.uint16 and pixels.shape[-1] > 1:
            return png16.png16(pixels, self.chunks)
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=png16.COMPRESS_LEVEL, **self.metadata)
        return file.getvalue()


def read_exact(path):
    """Reads an image file without loss, as it is stored (EXIF rotates nothing).

    Palettes become RGB, CMYK and the like RGB as Pillow converts them, black and
    white gray; of an animation the first frame is read.

    Args:
        path: Path of the file.

    Returns:
        An `ExactImage`.

    Raises:
        ValueError: If the pixels do not fit a PNG file (floats, 32-bit integers), or
            are suspiciously many (`PIL.Image.MAX_IMAGE_PIXELS`).
        OSError: If the file cannot be read.
    """
    from PIL import Image

    with Image.open(path) as image:
        width, height = image.size
        limit = Image.MAX_IMAGE_PIXELS
        if limit is not None and width * height > limit:
            raise ValueError(
                f"{width}x{height} pixels are more than the {limit} that Pillow takes "
                "for safe (`PIL.Image.MAX_IMAGE_PIXELS`)."
            )
        if png16.is_png16(path):
            pixels, chunks = png16.read_png16(path)
            return _split(pixels, {}, tuple(chunks))
        image.load()
    pixels = _sixteen_bits(image) if image.mode[0] in "IF" else _eight_bits(image)
    return _split(pixels, _metadata(image))


def _split(pixels, metadata, chunks=()):
    """Tells colour from alpha, which comes last in 2 and 4 channels."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[-1] in (2, 4):
        return ExactImage(pixels[..., :-1], pixels[..., -1:], metadata, chunks)
    return ExactImage(pixels, None, metadata, chunks)


def _eight_bits(image):
    mode, transparent = image.mode, "transparency" in image.info
    if mode in ("1", "L"):
        return np.asarray(image.convert("LA" if transparent else "L"))
    if mode in ("LA", "La"):
        return np.asarray(image.convert("LA"))
    if mode in ("PA", "RGBA", "RGBa") or transparent:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _sixteen_bits(image):
    pixels = np.asarray(image)
    fits = image.mode != "F" and 0 <= pixels.min() and pixels.max() <= 65535
    if not fits:
        raise ValueError(
            f"Pixels of mode {image.mode}, from {pixels.min()} to {pixels.max()}, do "
            "not fit 16 bits without loss."
        )
    pixels = pixels.astype("uint16")
    key = image.info.get("transparency")
    if isinstance(key, int):
        opaque = (pixels != key) * np.uint16(65535)
        return np.stack([pixels, opaque], axis=-1)
    return pixels


def _metadata(image):
    kept = {}
    if image.info.get("exif"):
        kept["exif"] = image.info["exif"]
    # A CMYK profile says nothing of the RGB values that are written.
    if image.info.get("icc_profile") and image.mode not in ("CMYK", "YCbCr", "LAB"):
        kept["icc_profile"] = image.info["icc_profile"]
    return kept
