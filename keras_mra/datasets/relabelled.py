"""The samples of some classes, labelled anew."""

import reprlib
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_mra import checks
from keras_mra.datasets.epoch_dataset import Batch
from keras_mra.datasets.epoch_dataset import EpochDataset
from keras_mra.datasets.epoch_dataset import check_dataset
from keras_mra.datasets.subset import Subset


class Relabelled(Subset):
    """The samples of some classes. The new label is the place of the class in a list.

    Args:
        dataset: `EpochDataset` with labels.
        classes: Integers, the labels to keep, each once.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        **kwargs: Other arguments of `Subset`.

    Raises:
        ValueError: If an argument is bad, or no sample is of these classes; and while
            reading, if a folder replaces an unreadable image by one of another class.

    Example:

    >>> shoes = Relabelled(dataset, classes=[9, 5, 7])  # 9 becomes 0, 5 becomes 1
    """

    def __init__(
        self,
        dataset: EpochDataset,
        classes: npt.ArrayLike,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        check_dataset(dataset)
        self.classes = checks.numpy_array("classes", classes)
        is_row = self.classes.ndim == 1 and self.classes.dtype.kind in "iu"
        if not is_row or len(np.unique(self.classes)) != len(self.classes):
            raise ValueError(
                "`classes` must be integers, each once. Received: classes="
                f"{reprlib.repr(classes)}"
            )
        self._ascending = np.argsort(self.classes)
        chosen = np.flatnonzero(np.isin(dataset.all_labels(), self.classes))
        super().__init__(dataset, chosen, batch_size, **kwargs)

    def batch(self, indices: npt.NDArray[Any]) -> Batch:
        """Returns the images and the new labels at `indices`."""
        images, labels = super().batch(indices)
        return images, self._places(labels)

    def all_labels(self) -> npt.NDArray[np.int32]:
        """Returns the new labels of all samples."""
        return self._places(super().all_labels())

    def _places(self, labels: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        found = np.searchsorted(self.classes, labels, sorter=self._ascending)
        places = self._ascending[np.minimum(found, len(self.classes) - 1)]
        strangers = np.unique(labels[self.classes[places] != labels])
        if len(strangers):
            raise ValueError(
                f"All images must be of `classes`, {self.classes.tolist()}. Received: "
                f"images of {strangers.tolist()}, which replace files that cannot be "
                "read. Remove these files from the data set."
            )
        return places.astype("int32")
