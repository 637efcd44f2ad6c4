"""16-bit colour PNG files, read and written with OpenCV.

Pillow reads and writes only the upper 8 bits of such files.
"""

from typing import IO
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mra.datasets.opencv import opencv

COMPRESSION = 2  # Of 0 to 9. Three times as fast as 6, for files 15 % larger.
GRAY_WITH_ALPHA = "LA;16B"  # Pillow's name of what the file holds.
_WHAT = "16-bit colour PNG files"
_RAW_MODES = (GRAY_WITH_ALPHA, "RGB;16B", "RGBA;16B")


def is_sixteen_bit_png(image: Any) -> bool:
    """Whether an open `PIL.Image.Image` is a 16-bit PNG with colour or alpha."""
    return image.format == "PNG" and image.tile[0][3] in _RAW_MODES


def read_sixteen_bit_png(
    file: IO[bytes], gray: bool
) -> tuple[npt.NDArray[np.uint16], dict[str, bytes]]:
    """Reads the pixels and the metadata of a file.

    Args:
        file: A binary file for which `is_sixteen_bit_png` holds.
        gray: Whether the file holds grey and alpha.

    Returns:
        Uint16 array of shape `(height, width, channels)`, with 2 channels if `gray`,
        else 3 or 4; and the metadata, as keyword arguments of
        `encode_sixteen_bit_png`.

    Raises:
        ImportError: If OpenCV is not installed or too old.
        ValueError: If OpenCV cannot decode the file.
    """
    cv2 = opencv(_WHAT)
    file.seek(0)
    pixels, kinds, contents = cv2.imdecodeWithMetadata(
        np.frombuffer(file.read(), "uint8"),
        flags=cv2.IMREAD_UNCHANGED,
    )
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError("OpenCV could not decode the 16-bit PNG file.")
    # OpenCV repeats grey: (height, width, 4)
    if gray:
        pixels = pixels[..., ::3].copy()
    else:
        alpha = pixels[..., 3:] if pixels.shape[2] == 4 else None
        pixels = _reversed_colors(pixels[..., :3], alpha)
    names = {number: name for name, number in _metadata_numbers(cv2).items()}
    metadata = {
        names[kind]: content.tobytes()
        for kind, content in zip(kinds, contents)
        if kind in names
    }
    return pixels, metadata


def encode_sixteen_bit_png(
    color: npt.NDArray[np.uint16],
    alpha: npt.NDArray[np.uint16] | None,
    **metadata: bytes,
) -> bytes:
    """Encodes a PNG file.

    OpenCV does not write grey with alpha. Such pixels become RGBA with three equal
    colours, without an ICC profile: a profile for grey is invalid in an RGBA file.

    Args:
        color: Uint16 array of shape `(height, width, 3)`, or `(height, width, 1)` with
            alpha.
        alpha: Uint16 array of shape `(height, width, 1)`, or `None`.
        **metadata: The contents of `icc_profile`, `exif` and `cicp`.

    Returns:
        The content of the file.

    Raises:
        ImportError: If OpenCV is not installed or too old.
        ValueError: If OpenCV cannot encode the file.
    """
    cv2 = opencv(_WHAT)
    if color.shape[2] == 1:
        metadata.pop("icc_profile", None)
    if "exif" in metadata:  # Pillow puts the marker of a JPEG file before the data.
        metadata["exif"] = metadata["exif"].removeprefix(b"Exif\0\0")
    numbers = _metadata_numbers(cv2)
    done, file = cv2.imencodeWithMetadata(
        ".png",
        _reversed_colors(color, alpha),
        [numbers[name] for name in metadata],
        [np.frombuffer(content, "uint8") for content in metadata.values()],
        [
            *(cv2.IMWRITE_PNG_COMPRESSION, COMPRESSION),
            *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
        ],
    )
    if not done:
        raise ValueError("OpenCV could not encode the 16-bit PNG file.")
    content: bytes = file.tobytes()
    return content


def _metadata_numbers(cv2: Any) -> dict[str, int]:
    return {
        "icc_profile": cv2.IMAGE_METADATA_ICCP,
        "exif": cv2.IMAGE_METADATA_EXIF,
        "cicp": cv2.IMAGE_METADATA_CICP,
    }


def _reversed_colors(
    color: npt.NDArray[np.uint16], alpha: npt.NDArray[np.uint16] | None
) -> npt.NDArray[np.uint16]:
    """Swaps red and blue: OpenCV stores BGR and BGRA. Grey is repeated.

    An index of channels would make two copies, of which one is in another order.
    """
    height, width, _ = color.shape
    result = np.empty((height, width, 3 if alpha is None else 4), "uint16")
    result[..., :3] = color[..., ::-1]
    if alpha is not None:
        result[..., 3:] = alpha
    return result
