"""Picture files, opened in one place: known formats, a bounded size, and whole data."""

import contextlib
import io
import os
import struct
from collections.abc import Iterator
from typing import IO
from typing import Any

from keras_mra import files
from keras_mra.datasets import jpeg_data
from keras_mra.datasets import png_data
from keras_mra.datasets import tiff_data
from keras_mra.typing import Path

# Other decoders of Pillow start programs, or read other files.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_MEGAPIXELS = 100.0
_JPEG = ("JPEG", "MPO")  # Pillow's names: phones write several pictures in one file.
# A block of 64 pixels takes at least one bit.
_JPEG_PIXELS_PER_BYTE = 512
# A run of up to 255 pixels takes two bytes.
_RLE_PIXELS_PER_BYTE = 128
# What a decoder of Pillow raises for a file that is none of its own.
_NOT_THIS_FORMAT = (SyntaxError, IndexError, TypeError, struct.error)


class TooManyPixels(ValueError):
    """Raised for a picture with more pixels than `max_megapixels` allows."""


@contextlib.contextmanager
def opened_picture(
    source: Path | IO[bytes], max_megapixels: float | None = MAX_MEGAPIXELS
) -> Iterator[tuple[Any, IO[bytes]]]:
    """Opens a picture and reads its header.

    Pillow gets a stream: it maps some TIFF files into memory if it gets their path, and
    mixes up the height and width of those that must be turned by 90 degrees.

    Args:
        source: Path of a file, a `files.RemotePath`, which is read into memory, or a
            binary file.
        max_megapixels: Float, the largest number of millions of pixels. `None` sets no
            limit, for callers that decode nothing.

    Yields:
        An open `PIL.Image.Image`, and the binary file that it reads. `load_picture`
        decodes them.

    Raises:
        TooManyPixels: If the header declares more pixels, or tiles of more pixels.
        ValueError: If the file is too short for the pixels that its header declares,
            or a decoder within the block finds it damaged; or if a file of a store is
            far larger than the pixels.
        OSError: If the file cannot be read, or is of none of `FORMATS`.
    """
    from PIL.Image import DecompressionBombError

    with contextlib.ExitStack() as stack:
        if isinstance(source, (str, os.PathLike)):
            most = None if max_megapixels is None else most_bytes(max_megapixels)
            file: Any = stack.enter_context(files.opened(source, most))
        else:
            file = source
        try:
            image = stack.enter_context(_identified(file))
            if max_megapixels is not None:
                _check_pixels(image.size, max_megapixels)
                if image.format == "TIFF":
                    _check_pixels(tiff_data.tile_size(image), max_megapixels)
            _check_length(image, file)
            _drop_texts(image)
            _scale_colour_key(image)
            yield image, file
        except DecompressionBombError as error:
            raise TooManyPixels(
                "Pillow has a limit of its own for this format, "
                f"`PIL.Image.MAX_IMAGE_PIXELS`, which the picture exceeds: {error}"
            ) from error
        except SyntaxError as error:  # A decoder's.
            raise ValueError(f"The picture is damaged: {error}") from error


def load_picture(image: Any, file: IO[bytes], min_side: int | None = None) -> None:
    """Decodes an open picture.

    Args:
        image: What `opened_picture` yields first.
        file: What it yields second; Pillow forgets the file of a decoded image.
        min_side: Int or `None`. A JPEG file may be shrunk while it is decoded, to a
            short side of at least this length.

    Raises:
        ValueError: If the data of a PNG or JPEG file end early, or a JPEG file has too
            many passes.
        OSError: If the data of another file are damaged or end early.
    """
    width, height = image.size
    if image.format in _JPEG:
        jpeg_data.check_passes(file)
    if min_side is not None:
        image.draft(None, (min_side, min_side))
    image.load()
    _drop_texts(image)  # Some stand behind the pixels.
    # Pillow leaves rows without data black, which costs nothing to see.
    if image.format == "PNG" and (image.info.get("interlace") or _ends_black(image)):
        png_data.check_whole(file)
    if image.format in _JPEG and jpeg_data.may_end_early(_corner(image)):
        jpeg_data.check_whole(file, width, height)


def _identified(file: Any) -> Any:
    """An open `PIL.Image.Image` of one of `FORMATS`.

    `PIL.Image.open` has a limit of its own, which no argument changes.
    """
    from PIL import BmpImagePlugin  # noqa: F401  A plugin registers its format.
    from PIL import GifImagePlugin  # noqa: F401
    from PIL import Image
    from PIL import JpegImagePlugin  # noqa: F401
    from PIL import PngImagePlugin  # noqa: F401
    from PIL import TiffImagePlugin  # noqa: F401
    from PIL import UnidentifiedImageError
    from PIL import WebPImagePlugin  # noqa: F401

    file.seek(0)
    prefix = file.read(16)
    for name in FORMATS:
        factory, accept = Image.OPEN[name]
        if accept is None or accept(prefix) is True:
            file.seek(0)
            with contextlib.suppress(*_NOT_THIS_FORMAT):
                return factory(file, "")
    raise UnidentifiedImageError(
        f"the file is of none of the formats {', '.join(FORMATS)}, or its header is "
        "damaged"
    )


def most_bytes(max_megapixels: float) -> int:
    """The largest file of a store: one picture of 16-bit RGBA, and its metadata."""
    return int(8e6 * max_megapixels) + 2**26


def _check_pixels(size: tuple[int, int], max_megapixels: float) -> None:
    megapixels = size[0] * size[1] / 1e6
    if megapixels > max_megapixels:
        raise TooManyPixels(
            f"A picture must have at most {max_megapixels:g} megapixels, which "
            f"`max_megapixels` can raise. Received: {size[0]}x{size[1]} pixels "
            f"({megapixels:,.1f} megapixels)"
        )


def _check_length(image: Any, file: Any) -> None:
    """Refuses a file too short for its pixels, before memory is used for them."""
    place = file.tell()
    length = file.seek(0, io.SEEK_END)
    pixels = image.width * image.height
    if image.format == "TIFF":
        tiff_data.check_listed(image, length)
    if image.format == "PNG":
        is_long_enough = png_data.is_long_enough(file, length)
    elif image.format in _JPEG:
        is_long_enough = pixels <= _JPEG_PIXELS_PER_BYTE * length
    elif image.format == "BMP" and image.tile[0][0] == "bmp_rle":
        is_long_enough = pixels <= _RLE_PIXELS_PER_BYTE * length
    else:
        is_long_enough = True
    file.seek(place)
    if not is_long_enough:
        raise ValueError(
            f"The picture's data end early: {length:,} bytes cannot hold "
            f"{image.width}x{image.height} pixels."
        )


def _drop_texts(image: Any) -> None:
    """Removes texts of a PNG file that Pillow keeps under names of its own.

    A text can have any name. Pillow would take one called "transparency" for a colour.
    """
    for name in ("transparency", "exif", "icc_profile", "interlace", "gamma", "dpi"):
        if isinstance(image.info.get(name), str):
            del image.info[name]


def _scale_colour_key(image: Any) -> None:
    """Gives the colour key of a grey PNG file of 2 or 4 bits the scale of its pixels.

    Pillow scales the pixels to 8 bits, but not their value that is transparent.
    """
    factors = {"L;2": 255 // 3, "L;4": 255 // 15}
    key = image.info.get("transparency")
    if image.format == "PNG" and image.mode == "L" and isinstance(key, int):
        image.info["transparency"] = key * factors.get(image.tile[0][3], 1)


def _ends_black(image: Any) -> bool:
    """Whether the last row holds only zeros, as a row without data does."""
    import numpy as np

    row = image.crop((0, image.height - 1, image.width, image.height))
    return not np.asarray(row).any()


def _corner(image: Any) -> Any:
    return image.getpixel((image.width - 1, image.height - 1))
