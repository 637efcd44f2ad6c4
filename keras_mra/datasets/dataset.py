"""What `keras_mra.datasets.load` returns."""

import dataclasses
from typing import Generic
from typing import TypeAlias
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from keras_mra.typing import ImageShape

# Images and labels.
Split: TypeAlias = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]
# A `Split` or a `keras_mra.datasets.EpochDataset`.
Part = TypeVar("Part")


@dataclasses.dataclass(frozen=True)
class Dataset(Generic[Part]):
    """Images, split for training and testing.

    Attributes:
        train: A pair of arrays: images (uint8, `(samples, height, width, channels)`)
            and labels (int32, `(samples,)`); or a `keras.utils.PyDataset` of batches.
        test: The same for testing, or `None`.
        class_names: Tuple of strings, or `None` if there are no labels.
        image_shape: `(height, width, channels)`.
        name: The name by which the data set was loaded.
        source: The place where the data set was found.
    """

    train: Part
    test: Part | None
    class_names: tuple[str, ...] | None
    image_shape: ImageShape
    name: str
    source: str

    @property
    def in_memory(self) -> bool:
        """Whether `train` is a pair of arrays."""
        return isinstance(self.train, tuple)
