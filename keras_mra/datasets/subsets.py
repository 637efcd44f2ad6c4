"""Parts of a data set, and all of one in memory, wherever its samples come from."""

import numpy as np

from keras_mra.datasets.array_dataset import ArrayDataset
from keras_mra.datasets.epoch_dataset import EpochDataset

# What `in_memory` reads at most: an eighth of a machine of 32 GiB.
MEMORY = 4 * 2**30


class Subset(EpochDataset):
    """Some samples of another data set, in an order of their own.

    Args:
        dataset: `EpochDataset`.
        indices: Integers of shape `(samples,)`, the samples to keep; one may occur
            more than once.
        batch_size: Int, or `None` for 256 or all samples, whichever is less.
        shuffle: Whether each epoch has its own order.
        seed: Int; with the epoch it decides the order.
        drop_last: Whether to drop a last batch that is not full.
        **kwargs: Arguments of `keras.utils.PyDataset`.

    Raises:
        ValueError: If an index is none of a sample's.

    Example:

    >>> few = Subset(dataset, indices=[0, 10, 20], batch_size=3)
    """

    def __init__(
        self,
        dataset,
        indices,
        batch_size=None,
        shuffle=True,
        seed=0,
        drop_last=True,
        **kwargs,
    ):
        self.dataset = dataset
        self.indices = np.asarray(indices)
        size = dataset.num_samples
        if not np.issubdtype(self.indices.dtype, np.integer) or (
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

    def set_epoch(self, epoch):
        super().set_epoch(epoch)
        # Random crops differ from epoch to epoch.
        self.dataset.set_epoch(epoch)

    def batch(self, indices):
        return self.dataset.batch(self.indices[indices])

    def on_epoch_begin(self):
        super().on_epoch_begin()
        self.dataset.on_epoch_begin()

    def on_epoch_end(self):
        # A folder counts here the files that it could not read.
        self.dataset.on_epoch_end()
        super().on_epoch_end()

    def all_labels(self):
        return self.dataset.all_labels()[self.indices]

    def can_read(self, index):
        return self.dataset.can_read(self.indices[index])


class Relabelled(Subset):
    """The samples of some classes; a label is the place of its class among them.

    Args:
        dataset: `EpochDataset` with labels.
        classes: Integers, the labels to keep, each once.
        batch_size: As in `Subset`.
        **kwargs: Other arguments of `Subset`.

    Raises:
        ValueError: While reading, if a folder puts an image of another class in the
            place of one that it cannot read.

    Example:

    >>> shoes = Relabelled(dataset, classes=[9, 5, 7])  # 9 becomes 0, 5 becomes 1
    """

    def __init__(self, dataset, classes, batch_size=None, **kwargs):
        self.classes = np.asarray(classes)
        self._ascending = np.argsort(self.classes)
        chosen = np.flatnonzero(np.isin(dataset.all_labels(), self.classes))
        super().__init__(dataset, chosen, batch_size, **kwargs)

    def batch(self, indices):
        images, labels = super().batch(indices)
        return images, self._places(labels)

    def all_labels(self):
        return self._places(super().all_labels())

    def _places(self, labels):
        found = np.searchsorted(self.classes, labels, sorter=self._ascending)
        places = self._ascending[np.minimum(found, len(self.classes) - 1)]
        strangers = np.unique(labels[self.classes[places] != labels])
        if len(strangers):
            raise ValueError(
                f"All images must be of `classes`, {self.classes.tolist()}. Received: "
                f"images of {strangers.tolist()} in the place of files that cannot be "
                "read; take these out of the data set."
            )
        return places.astype("int32")


def in_memory(dataset, limit=MEMORY):
    """Reads all samples of a data set, in order.

    Args:
        dataset: `EpochDataset`.
        limit: Int, bytes of images at most.

    Returns:
        Pair of arrays, images and labels, or images alone.

    Raises:
        ValueError: If the images would take more than `limit`.
    """
    if isinstance(dataset, ArrayDataset):
        if dataset.labels is None:
            return dataset.images
        return dataset.images, dataset.labels
    size = bytes_in_memory(dataset)
    if size > limit:
        raise ValueError(
            f"{dataset.num_samples:,} images take {size / 2**30:.1f} GiB in memory, "
            f"more than `limit`, {limit / 2**30:.1f} GiB. Take smaller or fewer images."
        )
    chunks = [
        dataset.batch(np.arange(start, min(start + 256, dataset.num_samples)))
        for start in range(0, dataset.num_samples, 256)
    ]
    if isinstance(chunks[0], tuple):
        return tuple(np.concatenate(parts) for parts in zip(*chunks))
    return np.concatenate(chunks)


def bytes_in_memory(dataset):
    """What the images of a data set take in memory, from the first of them."""
    first = dataset.batch(np.arange(1))
    images = first[0] if isinstance(first, tuple) else first
    return dataset.num_samples * images.nbytes
