"""The images that `keras-mra inspect` measures, with masks where there are any."""

import dataclasses
import pathlib
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from keras_mra.models import MAE


@dataclasses.dataclass(frozen=True)
class InspectedImages:
    """Images as an autoencoder takes them.

    Attributes:
        images: Array of shape `(images, height, width, channels)`, in the autoencoder's
            `value_range`.
        masks: Bool array of shape `(images, height, width)`, true where the object is,
            or `None`.
        description: String, one line about them.
    """

    images: NDArray[Any]
    masks: NDArray[np.bool_] | None
    description: str


def inspected_images(
    mae: "MAE",
    preset: str,
    data: str | None,
    masks: pathlib.Path | None,
    count: int,
    max_megapixels: float,
) -> InspectedImages:
    """Reads images for an autoencoder.

    Args:
        mae: `keras_mra.MAE`.
        preset: Its name, path or handle.
        data: Name of the data, or `None` for images that suit the preset.
        masks: Folder of masks for `"folder:PATH"`, or `None`.
        count: Int, at least 2, how many images to read at most, spread evenly over the
            data.
        max_megapixels: Float, the largest files that are read, in millions of pixels.

    Raises:
        ValueError: If an argument is bad, or the preset's own data are a folder or of
            TFDS and `data` is `None`.
        OSError: If the data cannot be read.
    """
    from keras_mra import checks
    from keras_mra.pixels import in_value_range

    count = checks.integer("image_count", count, 2, "an integer, at least 2")
    if masks is not None and not str(data).startswith("folder:"):
        raise ValueError(
            f"`--masks` needs images of a folder, folder:PATH. Received: data {data!r}"
        )
    if data is None:
        name, images, found = _suitable(mae, preset, count, max_megapixels)
    else:
        name = data
        images, found = _named(mae, data, masks, count, max_megapixels)
    about = "with masks of the objects" if found is not None else "without masks"
    images = in_value_range(images, mae.value_range)
    return InspectedImages(images, found, f"{len(images)} images of {name}, {about}.")


def _suitable(
    mae: "MAE", preset: str, count: int, max_megapixels: float
) -> tuple[str, NDArray[Any], NDArray[np.bool_] | None]:
    """The preset's own data, or images that come with the package.

    The card is not trusted: it chooses none of the user's folders, and no code of
    TFDS.
    """
    from keras_mra import datasets
    from keras_mra.datasets.crops import resize_images
    from keras_mra.datasets.load import ARRAYS
    from keras_mra.models.info import read_card
    from keras_mra.models.presets import find

    own = read_card(find(preset))["training_data"]
    if own.startswith(("folder:", "tfds:")):
        raise ValueError(
            "`DATA` must be given where a preset's card names a folder or data of "
            f"TFDS. Received: a card with {own!r}"
        )
    candidates = [own] if own in ARRAYS else []
    if mae.image_shape[2] == 1 and "fashion_mnist" not in candidates:
        candidates.append("fashion_mnist")
    for name in candidates:
        try:
            return name, *_named(mae, name, None, count, max_megapixels)
        except (OSError, ValueError):  # It is not on this machine.
            continue
    photographs = datasets.sample_photographs()[:count]
    name = "the package's sample photographs"
    return name, resize_images(photographs, mae.image_shape), None


def _named(
    mae: "MAE",
    name: str,
    masks: pathlib.Path | None,
    count: int,
    max_megapixels: float,
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Images that training did not use, where the data have such, and their masks."""
    from keras_mra import checks
    from keras_mra import datasets
    from keras_mra.datasets.splits_of import splits_of

    kind, _, path = name.partition(":")
    if kind == "folder" and path:
        root = checks.path("folder:PATH", path, "folder")
        masks = None if masks is None else checks.path("masks", masks, "folder")
        _, test = splits_of(root)
        if test is not None:
            root = test
            if masks is not None and (masks / test.name).is_dir():
                masks = masks / test.name
        return datasets.images_and_masks(
            root, mae.image_shape, count, masks, max_megapixels
        )
    data = datasets.load(name, image_shape=mae.image_shape, crop="center")
    part: Any = data.train if data.test is None else data.test
    size = len(part[0]) if data.in_memory else part.num_samples
    chosen = np.arange(min(count, size)) * size // min(count, size)
    if not data.in_memory:
        batch = part.batch(chosen)
        return (batch[0] if isinstance(batch, tuple) else batch), None
    images = part[0][chosen]
    # The clothes of Fashion-MNIST are on black.
    return images, images.any(axis=-1) if name == "fashion_mnist" else None
