"""Images of a folder with masks of their objects, cropped and resized together."""

import pathlib
import warnings
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.datasets import crops
from keras_mra.datasets import image_reader
from keras_mra.datasets.find_images import find_images
from keras_mra.datasets.held_out import evenly_spaced
from keras_mra.datasets.picture_file import MAX_MEGAPIXELS
from keras_mra.typing import ImageShape
from keras_mra.typing import Path

# How much the proportions of an image and of its mask may differ. A JPEG file that is
# shrunk while it is decoded has rounded sides.
SAME_PROPORTIONS = 0.05
_WHITE = {"I": 65535, "F": 1}


def images_and_masks(
    root: Path,
    image_shape: ImageShape,
    count: int | None = None,
    masks: Path | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """Reads images of a folder tree, and masks of their objects if there are any.

    Each image is read as `datasets.FolderDataset(root, crop="center")` reads it. Its
    mask is cropped and resized in the same way.

    Args:
        root: Path of a folder.
        image_shape: Triple of ints, `(height, width, channels)`, with 1, 3 or 4
            channels.
        count: Int, how many images to read, spread evenly over the sorted files; or
            `None` for all of them.
        masks: Path of a folder whose files have the same names below it as the images
            below `root`, apart from the ending. Images without a mask are left out.
            Values over half of white are the object. In palette files, and in files
            without a value over half of white, all values but 0 are the object.
            `None` takes the alpha channels if at least half of the images, as they are
            returned, have both object and background by them: alpha over half is the
            object, and an image without alpha is all object.
        max_megapixels: Float, the largest pictures that are read, in millions of
            pixels. Larger ones count as files that cannot be read.

    Returns:
        `(images, masks)`: uint8 `(images, height, width, channels)`, and booleans
        `(images, height, width)`, which are true where the object is; or `None` in
        place of the masks if there are none. Files that cannot be read are left out,
        and a warning names them.

    Raises:
        ValueError: If an argument is bad, no image can be read or has a mask, two masks
            have the name of one image, or a mask has other proportions than its image.
        FileNotFoundError: If a folder does not exist.

    Example:

    ```python
    images, masks = keras_mra.datasets.images_and_masks("photos", (64, 64, 3))
    ```
    """
    image_shape = checks.image_shape(image_shape)
    crops.check_channels(image_shape)
    if count is not None:
        count = checks.positive_int("count", count)
    max_megapixels = checks.positive_float("max_megapixels", max_megapixels)
    found_images = find_images(root)
    found_images.warn_of_left_out()
    paths: Sequence[pathlib.Path] = found_images.paths
    mask_of = {} if masks is None else _matching_masks(root, paths, masks)
    if masks is not None:
        paths = [path for path in paths if path in mask_of]
    if count is not None and count < len(paths):
        paths = [paths[i] for i in evenly_spaced(len(paths), count)]
    found, failed = [], []
    for path in paths:
        try:
            image, mask = _read(path, mask_of, image_shape, max_megapixels)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise errors of many types.
            failed.append(f"{path} ({type(error).__name__}: {error})")
            continue
        if mask is not None and not _same_proportions(image.size, mask.size):
            raise ValueError(
                "`masks` must have the proportions of their images. Received: a mask "
                f"of {mask.width}x{mask.height} pixels for {str(path)!r} of "
                f"{image.width}x{image.height} pixels"
            )
        found.append((_centered(image, image_shape), _centered_mask(mask, image_shape)))
    if failed:
        few = "; ".join(failed[:3]) + ("; ..." if len(failed) > 3 else "")
        message = f"{len(failed)} of {len(paths)} images could not be read: {few}"
        if not found:
            raise ValueError(message)
        warnings.warn(f"{message}. They are left out.", stacklevel=2)
    images = np.stack([image for image, _ in found])
    covered = np.stack([mask for _, mask in found])
    # A logo or a faded picture among photographs does not make them annotated.
    cut_out = covered.any(axis=(1, 2)) & ~covered.all(axis=(1, 2))
    return images, None if masks is None and cut_out.mean() < 0.5 else covered


def _matching_masks(
    root: Path, paths: Sequence[pathlib.Path], masks: Path
) -> dict[pathlib.Path, pathlib.Path]:
    """The mask of each image that has one."""
    root = checks.path("root", root, "folder")
    folder = checks.path("masks", masks, "folder")
    by_stem: dict[pathlib.PurePath, list[pathlib.Path]] = {}
    for path in find_images(folder).paths:
        by_stem.setdefault(path.relative_to(folder).with_suffix(""), []).append(path)
    found = {}
    for path in paths:
        candidates = by_stem.get(path.relative_to(root).with_suffix(""), [])
        if len(candidates) > 1:
            raise ValueError(
                f"`masks` must hold one file for {str(path)!r}. Received: "
                f"{', '.join(str(candidate) for candidate in candidates)}"
            )
        if candidates:
            found[path] = candidates[0]
    if not found:
        raise ValueError(
            "`masks` must hold files that are named as the images, apart from the "
            f"ending. Received: none in {str(folder)!r} for any of {len(paths)} images "
            f"in {str(root)!r}, such as {str(paths[0].relative_to(root))!r}"
        )
    return found


def _read(
    path: pathlib.Path,
    mask_of: Mapping[pathlib.Path, pathlib.Path],
    image_shape: ImageShape,
    max_megapixels: float,
) -> tuple[Any, Any]:
    """An image of the wanted channels, and its mask of mode L (0 or 255) or `None`."""
    side = crops.smallest_crop_side(image_shape, "center", (1.0, 1.0))
    image = image_reader.read_upright(path, side, max_megapixels)
    if path in mask_of:
        mask = image_reader.read_upright(mask_of[path], 2**16, max_megapixels)
        mask = _object_of(mask)
    else:
        mask = _alpha_of(image)
    return image_reader.to_channels(image, image_shape[2]), mask


def _alpha_of(image: Any) -> Any:
    """The alpha channel of a Pillow image, or `None`."""
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        return image.getchannel(len(image.getbands()) - 1)
    # One colour, or some colours of the palette.
    if image.mode in ("1", "L", "P", "RGB") and "transparency" in image.info:
        return image.convert("RGBA").getchannel("A")
    return None


def _object_of(mask: Any) -> Any:
    """The object of a mask file: an image of mode L, 255 where the object is."""
    from PIL import Image

    is_palette = mask.mode in ("1", "P")
    if not is_palette and mask.mode[0] not in _WHITE:
        mask = mask.convert("L")
    values = np.asarray(mask)  # (height, width)
    half = _WHITE.get(mask.mode[0], 255) / 2
    over = values > (half if not is_palette and values.max() > half else 0)
    return Image.fromarray(over * np.uint8(255))


def _centered(image: Any, image_shape: ImageShape) -> NDArray[np.uint8]:
    """The largest centred box of a Pillow image, resized: `(height, width, C)`."""
    height, width, _ = image_shape
    box = crops.center_box(image.size, (width, height))
    return crops.resized(image, box, image_shape)


def _centered_mask(mask: Any, image_shape: ImageShape) -> NDArray[np.bool_]:
    """The same for a mask of mode L. `None` is all object: `(height, width)`."""
    if mask is None:
        return np.ones(image_shape[:2], bool)
    return _centered(mask, (*image_shape[:2], 1))[..., 0] > 127


def _same_proportions(first: tuple[int, int], second: tuple[int, int]) -> bool:
    ratio = first[0] * second[1] / (first[1] * second[0])
    return abs(ratio - 1) < SAME_PROPORTIONS
