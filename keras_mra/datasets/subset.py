"""Some samples of another data set."""

from typing import Any

import numpy.typing as npt

from keras_mra import checks
from keras_mra.datasets.epoch_dataset import Batch
from keras_mra.datasets.epoch_dataset import EpochDataset
from keras_mra.datasets.epoch_dataset import check_dataset


class Subset(EpochDataset):
    """Some samples of another data set, in their own order.

    Args:
        dataset: `EpochDataset`.
        indices: Integers of shape `(samples,)`, the samples to keep. An index may occur
            more than once.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        shuffle: Bool, whether each epoch has its own order.
        seed: Int, at least 0, or `None` for a random seed. It decides the order,
            together with the epoch.
        drop_last: Bool, whether to drop a last batch that is not full.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Raises:
        ValueError: If an index is not an integer from 0 to the number of samples
            minus 1.

    Example:

    >>> few = Subset(dataset, indices=[0, 10, 20], batch_size=3)
    """

    def __init__(
        self,
        dataset: EpochDataset,
        indices: npt.ArrayLike,
        batch_size: int | None = None,
        shuffle: bool = True,
        seed: int | None = 0,
        drop_last: bool = True,
        **kwargs: Any,
    ) -> None:
        self.dataset = check_dataset(dataset)
        self.indices = checks.numpy_array("indices", indices)
        size = dataset.num_samples
        is_row = self.indices.ndim == 1 and self.indices.dtype.kind in "iu"
        if not is_row or (
            len(self.indices)
            and not 0 <= self.indices.min() <= self.indices.max() < size
        ):
            raise ValueError(
                f"`indices` must be integers from 0 to {size - 1}. "
                f"Received: indices={indices!r}"
            )
        super().__init__(
            len(self.indices),
            batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
            **kwargs,
        )

    def set_epoch(self, epoch: int) -> None:
        """Moves this and the other data set to the start of an epoch."""
        super().set_epoch(epoch)
        # Random crops of the other data set differ from epoch to epoch.
        self.dataset.set_epoch(epoch)

    def batch(self, indices: npt.NDArray[Any]) -> Batch:
        """Returns the samples at `indices` of the subset."""
        return self.dataset.batch(self.indices[indices])

    def begin(self, indices: npt.NDArray[Any]) -> None:
        """Starts to read the samples at `indices` of the subset."""
        self.dataset.begin(self.indices[indices])

    def on_epoch_begin(self) -> None:
        """Marks the epoch of both data sets as begun."""
        super().on_epoch_begin()
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Moves both data sets to the next epoch."""
        # A folder warns here of the files that could not be read.
        self.dataset.on_epoch_end()
        super().on_epoch_end()

    def all_labels(self) -> npt.NDArray[Any]:
        """Returns the labels of the samples that are kept."""
        labels: npt.NDArray[Any] = self.dataset.all_labels()[self.indices]
        return labels

    def can_read(self, index: int) -> bool:
        """Whether sample `index` of the subset can be read."""
        return self.dataset.can_read(self.indices[index])
