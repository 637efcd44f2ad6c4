"""`Embedder`: the features of picture files."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import backend
from keras_mra import checks
from keras_mra import files
from keras_mra.datasets import crops
from keras_mra.datasets import image_reader
from keras_mra.evaluation.features import FeatureExtractor
from keras_mra.models import MAE
from keras_mra.pixels import in_value_range


@dataclasses.dataclass(frozen=True)
class Embedded:
    """The features of some files.

    Attributes:
        paths: List of paths, the files that could be read.
        features: Float32 array of shape `(files, dim)`, or `None` if there is no file.
        failed: List of `(path, reason)`, the files that could not be read.
    """

    paths: list[files.Place]
    features: NDArray[np.float32] | None
    failed: list[tuple[files.Place, str]]


class Embedder:
    """Reads the centre crops of files, and computes their features.

    Args:
        mae: `keras_mra.MAE` of 1, 3 or 4 channels.
        pool: `"cls"`, `"mean"` or `"cls+mean"`.
        batch_size: Int, the files of one call, at most 65,536.
        max_megapixels: Float, the largest pictures that are read, in millions of
            pixels.
    """

    def __init__(
        self, mae: MAE, pool: str, batch_size: int, max_megapixels: float
    ) -> None:
        crops.check_channels(mae.image_shape)
        self.mae = mae
        self.max_megapixels = max_megapixels
        self._extract = FeatureExtractor(mae, pool, checks.batch_size(batch_size))

    def __call__(self, paths: list[files.Place]) -> Embedded:
        """Reads files, and computes their features."""
        return self.embed(paths, [self.read(path) for path in paths])

    def read(self, path: files.Place) -> NDArray[np.uint8] | str:
        """Reads the centre of a file, or the reason why it cannot be read.

        Args:
            path: Path of the file.

        Returns:
            Uint8 array of shape `mae.image_shape`, or a string.
        """
        height, width, channels = self.mae.image_shape
        try:
            image = image_reader.read_upright(
                path, max(height, width), self.max_megapixels
            )
            image = image_reader.to_channels(image, channels)
            box = crops.center_box(image.size, (width, height))
            return crops.resized(image, box, self.mae.image_shape)
        except (MemoryError, files.StoreFailed):
            raise
        except Exception as error:  # Pillow's decoders raise errors of many types.
            return f"{type(error).__name__}: {error}"

    def embed(
        self, paths: list[files.Place], found: list[NDArray[np.uint8] | str]
    ) -> Embedded:
        """Computes features of what `read` returned for at most `batch_size` files."""
        pictures: list[Any] = []
        readable, failed = [], []
        for path, picture in zip(paths, found, strict=True):
            if isinstance(picture, str):
                failed.append((path, picture))
            else:
                readable.append(path)
                pictures.append(picture)
        if not pictures:
            return Embedded([], None, failed)
        pictures = backend.padded(pictures, self._extract.batch_size)
        images = in_value_range(np.stack(pictures), self.mae.value_range)
        return Embedded(readable, self._extract(images)[: len(readable)], failed)
