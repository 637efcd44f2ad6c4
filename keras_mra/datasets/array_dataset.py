"""Arrays in memory, with the order and the resumption of the streamed data sets."""

import reprlib
from typing import Any

import numpy.typing as npt

from keras_mra import checks
from keras_mra.datasets.epoch_dataset import Batch
from keras_mra.datasets.epoch_dataset import EpochDataset


class ArrayDataset(EpochDataset):
    """Batches of arrays in a reproducible order.

    Args:
        images: Array of shape `(samples, ...)`. A memory map is not read into memory.
        labels: Array of shape `(samples, ...)`, or `None`.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        shuffle: Bool, whether each epoch has its own order.
        seed: Int, at least 0, or `None` for a random seed. It decides the order,
            together with the epoch.
        drop_last: Bool, whether to drop a last batch that is not full.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Raises:
        ValueError: If an argument is not an array of numbers, the lengths differ, or
            there are fewer samples than a batch.

    Example:

    >>> dataset = ArrayDataset(images, labels, batch_size=256)
    >>> model.fit(dataset, epochs=10, shuffle=False)
    """

    def __init__(
        self,
        images: npt.ArrayLike,
        labels: npt.ArrayLike | None = None,
        batch_size: int | None = 32,
        shuffle: bool = True,
        seed: int | None = 0,
        drop_last: bool = True,
        **kwargs: Any,
    ) -> None:
        self.images = _array("images", images)
        self.labels = None if labels is None else _array("labels", labels)
        if self.labels is not None and len(self.labels) != len(self.images):
            raise ValueError(
                "`labels` must be as many as `images`. Received: "
                f"{len(self.labels)} labels, {len(self.images)} images"
            )
        super().__init__(
            len(self.images),
            batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
            **kwargs,
        )

    def batch(self, indices: npt.NDArray[Any]) -> Batch:
        """Returns the samples at `indices`."""
        images: npt.NDArray[Any] = self.images[indices]
        return images if self.labels is None else (images, self.labels[indices])

    def all_labels(self) -> npt.NDArray[Any]:
        """Returns the labels of all samples."""
        return super().all_labels() if self.labels is None else self.labels


def _array(name: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = checks.numpy_array(name, value)
    if array.ndim < 1 or array.dtype.kind in "OSUMm":  # objects, words and dates
        raise ValueError(
            f"`{name}` must be an array of numbers. Received: {name}="
            f"{reprlib.repr(value)}, of shape {array.shape} and dtype {array.dtype}"
        )
    return array
