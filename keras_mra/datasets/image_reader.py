"""Image files, read with Pillow: for training at 8 bits, and for exact copies.

|                  | `read_upright`, then `to_channels` | `read_exact`              |
| ---------------- | ---------------------------------- | ------------------------- |
| EXIF orientation | applied                            | applied                   |
| bit depth        | 8 bits                             | that of the file, 8 or 16 |
| alpha            | dropped, unless 4 channels         | kept apart from colour    |
| size             | a JPEG may be shrunk while decoded | full                      |

Both read the first frame of an animation, and refuse pictures of too many pixels.
"""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from typing import IO
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mra.datasets import exif_orientation
from keras_mra.datasets import png_data
from keras_mra.datasets import sixteen_bit_png
from keras_mra.datasets import tiff_data
from keras_mra.datasets.exact_image import ExactImage
from keras_mra.datasets.picture_file import MAX_MEGAPIXELS
from keras_mra.datasets.picture_file import load_picture
from keras_mra.datasets.picture_file import opened_picture
from keras_mra.typing import Path

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_GRAY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")
_PIXELS_AT_ONCE = 2**20


def read_header(
    path: Path, max_megapixels: float | None = None
) -> tuple[tuple[int, int], bool]:
    """Reads the size of an image without its pixels.

    Args:
        path: Path of the file.
        max_megapixels: Float, or `None` for no limit.

    Returns:
        `(width, height)` as stored, and whether the image is grey.
    """
    with opened_picture(path, max_megapixels) as (image, _):
        return image.size, image.mode in _GRAY_MODES


def read_upright(
    path: Path, min_side: int, max_megapixels: float = MAX_MEGAPIXELS
) -> Any:
    """Reads an image for training and applies its EXIF orientation.

    Args:
        path: Path of the file, or a `files.RemotePath`.
        min_side: Int. A JPEG may be shrunk while it is decoded, to a short side of at
            least this length, which saves most of the decoding time of a photograph.
        max_megapixels: Float, the largest number of millions of pixels.

    Returns:
        A `PIL.Image.Image` of any mode.

    Raises:
        ValueError: If the picture has more pixels, or its data end early.
        OSError: If the file cannot be read.
    """
    with opened_picture(path, max_megapixels) as (image, file):
        return decode_upright(image, file, min_side)


def decode_upright(image: Any, file: IO[bytes], min_side: int) -> Any:
    """Decodes an open image as `read_upright` does.

    Args:
        image: An open `PIL.Image.Image`, of which only the header was read.
        file: The binary file that it reads.
        min_side: As in `read_upright`.

    Returns:
        A `PIL.Image.Image` of any mode.
    """
    from PIL import ImageOps

    load_picture(image, file, min_side)
    with contextlib.suppress(Exception):  # Damaged metadata raises many types.
        ImageOps.exif_transpose(image, in_place=True)
    return image


def to_channels(image: Any, channels: int) -> Any:
    """Converts an image of any mode to 8 bits and 1, 3 or 4 channels.

    Alpha is dropped without blending, unless 4 channels are asked for: the colours are
    those of the file. Grey values of 9 to 16 bits are scaled from their own range.

    Args:
        image: A `PIL.Image.Image`.
        channels: 1, 3 or 4.

    Returns:
        A `PIL.Image.Image` of mode L, RGB or RGBA.

    Raises:
        ValueError: If integers of more than 8 bits are negative or above 65535.
    """
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_eight_bits(image)
    # Palettes and premultiplied colours are resolved before alpha is dropped.
    if image.mode in ("P", "PA", "RGBa"):
        image = image.convert("RGBA")
    elif image.mode == "La":
        image = image.convert("LA")
    elif image.mode == "LAB":  # Pillow converts it to no other mode.
        image = image.convert("RGB")
    return _in_mode(image, MODES[channels])


def read_exact(
    path: Path | IO[bytes], max_megapixels: float = MAX_MEGAPIXELS
) -> ExactImage:
    """Reads an image without loss, and applies its EXIF orientation.

    Palettes become RGB, CMYK and similar modes become RGB as Pillow converts them, and
    black and white becomes grey.

    Args:
        path: Path of the file, or a binary file.
        max_megapixels: Float, the largest number of millions of pixels.

    Returns:
        An `ExactImage`.

    Raises:
        ValueError: If the pixels do not fit a PNG file (floats, 32-bit integers), are
            not read without loss (16-bit colours of TIFF files) or are more than
            `max_megapixels`, the data end early, or a 16-bit colour PNG file is
            damaged.
        ImportError: If a 16-bit colour PNG file needs OpenCV, which is not installed.
        OSError: If the file cannot be read.
    """
    with opened_picture(path, max_megapixels) as (image, file):
        animated = _is_animated(image)
        pixels: npt.NDArray[Any]
        if sixteen_bit_png.is_sixteen_bit_png(image):
            gray = image.tile[0][3] == sixteen_bit_png.GRAY_WITH_ALPHA
            png_data.check_whole(file)
            _verify(image)
            pixels, metadata = sixteen_bit_png.read_sixteen_bit_png(file, gray)
            exif = metadata.get("exif", b"")
            stored = orientation = stored_orientation(lambda: _parsed(exif))
        else:
            # Pillow itself applies the orientation of a TIFF file while it decodes. It
            # decodes other files to read their orientation, and hides damage there.
            is_tiff = image.format == "TIFF"
            if is_tiff:
                tiff_data.check_exact(image)
            else:
                load_picture(image, file)
            stored = stored_orientation(image.getexif)
            if is_tiff:
                load_picture(image, file)
            orientation = stored_orientation(image.getexif)
            deep = image.mode[0] in "IF"
            pixels = _as_sixteen_bits(image) if deep else _as_eight_bits(image)
            metadata = _metadata(image)
    if "exif" in metadata:
        metadata["exif"] = exif_orientation.without_orientation(metadata["exif"])
    rotated = stored != exif_orientation.UPRIGHT
    pixels = exif_orientation.upright(pixels, orientation)
    return ExactImage(*_separated(pixels), metadata, rotated, animated)


def _is_animated(image: Any) -> bool:
    """Whether a file holds frames or pages that are not read.

    The second picture of an MPO file, which phones write as `.jpg`, is not a frame but
    a preview, a depth map or a gain map.
    """
    return image.format != "MPO" and getattr(image, "is_animated", False)


def stored_orientation(read_exif: Callable[[], Any]) -> int:
    """The orientation that a function returns as EXIF data; damaged data count as 1."""
    try:
        return exif_orientation.orientation_of(read_exif())
    except Exception:  # Damaged metadata raises errors of many types in Pillow.
        return exif_orientation.UPRIGHT


def _parsed(exif: bytes) -> Any:
    from PIL import Image

    parsed = Image.Exif()
    parsed.load(exif)
    return parsed


def _verify(image: Any) -> None:
    """Refuses a damaged PNG file, which OpenCV rejects without a reason."""
    try:
        image.verify()
    except (OSError, SyntaxError) as error:
        raise ValueError(f"The PNG file is damaged: {error}") from error


def _separated(
    pixels: npt.NDArray[Any],
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    """Separates alpha, the last of 2 or 4 channels, from the colours."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]  # (height, width, 1)
    if pixels.shape[-1] in (2, 4):
        return pixels[..., :-1], pixels[..., -1:]
    return pixels, None


def _as_eight_bits(image: Any) -> npt.NDArray[np.uint8]:
    """Pixels of shape `(height, width)` or `(height, width, 2 to 4)`, alpha last."""
    mode, transparent = image.mode, "transparency" in image.info
    if mode in ("1", "L"):
        return _pixels(_in_mode(image, "LA" if transparent else "L"))
    if mode in ("LA", "La"):
        return _pixels(_in_mode(image, "LA"))
    if mode in ("PA", "RGBA", "RGBa") or transparent:
        return _pixels(_in_mode(image, "RGBA"))
    return _pixels(_in_mode(image, "RGB"))


def _in_mode(image: Any, mode: str) -> Any:
    """The image in another mode. Pillow would copy one that has the mode already."""
    return image if image.mode == mode else image.convert(mode)


def _pixels(image: Any) -> npt.NDArray[np.uint8]:
    """The pixels of an 8-bit image: `(height, width)` or `(height, width, bands)`."""
    bands = () if image.mode == "L" else (len(image.getbands()),)
    pixels = np.empty((image.height, image.width, *bands), "uint8")
    for top, bottom, rows in bands_of(image):
        pixels[top:bottom] = rows
    return pixels


def bands_of(image: Any) -> Iterator[tuple[int, int, npt.NDArray[Any]]]:
    """The pixels of a Pillow image in bands of rows.

    Arrays of a large picture are made of them, so that no second copy is needed.

    Yields:
        The first row, the row after the last, and the pixels, of shape
        `(rows, width)` or `(rows, width, channels)`.
    """
    step = max(1, _PIXELS_AT_ONCE // image.width)
    for top in range(0, image.height, step):
        bottom = min(top + step, image.height)
        yield top, bottom, np.asarray(image.crop((0, top, image.width, bottom)))


def _as_sixteen_bits(image: Any) -> npt.NDArray[np.uint16]:
    """Pixels of shape `(height, width)`, or `(height, width, 2)` with a colour key."""
    pixels = np.asarray(image)
    _check_sixteen_bits(image.mode, pixels)
    pixels = pixels.astype("uint16")
    key = image.info.get("transparency")
    if isinstance(key, int):
        opaque = (pixels != key) * np.uint16(65535)
        return np.stack([pixels, opaque], axis=-1)
    return pixels


def _check_sixteen_bits(mode: str, pixels: npt.NDArray[Any]) -> None:
    """Refuses floats, and integers that do not fit 16 bits."""
    if mode == "F" or pixels.min() < 0 or pixels.max() > 65535:
        raise ValueError(
            "Pixels must be integers from 0 to 65535. Received: pixels of mode "
            f"{mode} from {pixels.min()} to {pixels.max()}"
        )


def _metadata(image: Any) -> dict[str, bytes]:
    """The metadata of a copy. A CMYK profile does not describe its RGB values."""
    converted = image.mode in ("CMYK", "YCbCr", "LAB")
    names = ("exif",) if converted else ("exif", "icc_profile")
    return {name: image.info[name] for name in names if image.info.get(name)}


def _to_eight_bits(image: Any) -> Any:
    from PIL import Image

    black, white = 0, 255
    if image.mode.startswith("I"):
        black, white = tiff_data.gray_range(image)
    # Floating-point files hold either [0, 1] or [0, 255].
    elif max(np.nan_to_num(rows).max() for *_, rows in bands_of(image)) <= 1:
        white = 1
    pixels = np.empty((image.height, image.width), "uint8")
    for top, bottom, rows in bands_of(image):
        if image.mode != "F":
            _check_sixteen_bits(image.mode, rows)
        shares = (np.nan_to_num(rows.astype("float64")) - black) / (white - black)
        pixels[top:bottom] = np.clip(np.rint(255 * shares), 0, 255)
    return Image.fromarray(pixels)
