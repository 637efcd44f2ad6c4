"""What Pillow does not tell of a TIFF file: missing data, and the range of its values.

Pillow leaves strips and tiles black that the file does not list, and takes grey values
as they are stored.
"""

from typing import Any

# Tags.
_WIDTH, _HEIGHT, _BITS, _SAMPLES, _PLANES = 256, 257, 258, 277, 284
_KIND, _ZERO_IS_WHITE = 262, 0
_STRIPS, _ROWS_OF_STRIP, _STRIP_SIZES = 273, 278, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES = 322, 323, 324, 325
_ONE_AFTER_ANOTHER = 2  # The colours, each with strips or tiles of its own.
_HEADER_LENGTH = 8
# Of the first specification. It lists one stream of data in other tags.
_OLD_JPEG = "tiff_jpeg"


def tile_size(image: Any) -> tuple[int, int]:
    """The size of the tiles, which are decoded whole, or `(0, 0)` for strips.

    A small picture may lie in the corner of a tile.

    Args:
        image: An open `PIL.Image.Image` of a TIFF file.

    Raises:
        ValueError: If it is not a pair of integers.
    """
    tags = image.tag_v2
    return _integer(tags, _TILE_WIDTH, 0), _integer(tags, _TILE_HEIGHT, 0)


def gray_range(image: Any) -> tuple[int, int]:
    """The values of black and white of a grey picture of 9 to 16 bits.

    Args:
        image: A `PIL.Image.Image` of a mode that begins with `I`, of any format.
    """
    tags = getattr(image, "tag_v2", {})
    white = 2 ** min(16, *tags.get(_BITS, (16,))) - 1
    return (white, 0) if tags.get(_KIND) == _ZERO_IS_WHITE else (0, white)


def check_exact(image: Any) -> None:
    """Refuses values that Pillow decodes, but not without loss.

    Args:
        image: An open `PIL.Image.Image` of a TIFF file.

    Raises:
        ValueError: If colours have more than 8 bits, or grey values of more than 8 bits
            do not have 16 bits with 0 for black.
    """
    bits = image.tag_v2.get(_BITS, (1,))
    if len(bits) > 1 and max(bits) > 8:
        raise ValueError(
            "Colours of a TIFF file must have 8 bits. Those of a PNG file may have 16. "
            f"Received: a TIFF file with colours of {max(bits)} bits"
        )
    if image.mode.startswith("I;16") and gray_range(image) != (0, 65535):
        raise ValueError(
            "Grey values of a TIFF file must have 8 or 16 bits, and 0 must be black. "
            f"Received: black and white are {' and '.join(map(str, gray_range(image)))}"
        )


def check_listed(image: Any, length: int) -> None:
    """Counts strips or tiles, and holds their places against the length of the file.

    Args:
        image: An open `PIL.Image.Image` of a TIFF file.
        length: Int, the bytes of the file.

    Raises:
        ValueError: If some are missing, or the file is too short for them.
    """
    tags, compression = image.tag_v2, image.info["compression"]
    if compression == _OLD_JPEG:
        return
    # Not `image.size`, which is that of the upright picture.
    width, height = _integer(tags, _WIDTH), _integer(tags, _HEIGHT)
    if _STRIPS in tags:
        places, sizes = tags[_STRIPS], tags.get(_STRIP_SIZES)
        part = (width, min(height, _integer(tags, _ROWS_OF_STRIP, height)))
    else:
        places, sizes = tags.get(_TILES, ()), tags.get(_TILE_SIZES)
        part = tile_size(image)
    if min(part) < 1:
        raise ValueError("The TIFF file is damaged: its strips or tiles have no size.")
    wanted = -(-width // part[0]) * -(-height // part[1])
    if tags.get(_PLANES) == _ONE_AFTER_ANOTHER:
        wanted *= len(image.getbands())
    if len(places) < wanted:
        raise ValueError(
            f"The picture's data end early: the TIFF file lists {len(places):,} of "
            f"{wanted:,} strips or tiles."
        )
    # What is not compressed has the size of its pixels, whatever the file says.
    if compression == "raw" or sizes is None:
        sizes = len(places) * (1,)
    inside = all(
        isinstance(place, int)
        and isinstance(size, int)
        and _HEADER_LENGTH <= place
        and place + size <= length
        for place, size in zip(places, sizes)
    )
    bits = tags.get(_BITS, (1,))
    bits = sum(bits) if len(bits) > 1 else bits[0] * _integer(tags, _SAMPLES, 1)
    if not inside or (compression == "raw" and width * height * bits > 8 * length):
        raise ValueError(
            f"The picture's data end early: a TIFF file of {length:,} bytes does not "
            f"hold the strips or tiles of {width}x{height} pixels that it lists."
        )


def _integer(tags: Any, tag: int, default: int | None = None) -> int:
    value = tags.get(tag, default)
    if not isinstance(value, int):
        raise ValueError(f"The TIFF file is damaged: its tag {tag} is no integer.")
    return value
