"""Batches that hold labelled and unlabelled images."""

import numpy as np

from keras_mra import checks
from keras_mra.datasets import ArrayDataset
from keras_mra.datasets import EpochDataset


class PairedBatches(EpochDataset):
    """Batches `({"labelled": images, "unlabelled": images}, labels)` for `FixMatch`.

    An epoch is one pass over the unlabelled images, in a new order. The labelled
    images are usually fewer: they are repeated, in a new order each time. Seed, epoch
    and index decide each batch, as in every `EpochDataset`. `limit(batches)` shortens
    the epochs, and `SetEpoch` sets the epoch of a training that continues.

    Args:
        labelled: Pair of images and integer labels, or an `EpochDataset` of them.
        unlabelled: Images, or an `EpochDataset`, whose labels are not used.
        batch_size: Int, the labelled images in a batch. It may be larger than the
            number of labelled images.
        mu: Int, the unlabelled images in a batch for each labelled one.
        seed: Int, decides the order of the images.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Raises:
        ValueError: If there are fewer than `mu * batch_size` unlabelled images, if
            `labelled` has no labels, or if the images differ in shape.

    Example:

    >>> from keras_mra.datasets import SetEpoch
    >>> batches = PairedBatches((images, labels), unlabelled, batch_size=64, mu=7)
    >>> model.fit(batches, epochs=10, shuffle=False, callbacks=[SetEpoch(batches)])
    """

    def __init__(self, labelled, unlabelled, batch_size=64, mu=7, seed=0, **kwargs):
        self.mu = checks.positive_int("mu", mu)
        self.labelled_size = checks.positive_int("batch_size", batch_size)
        self.labelled = _dataset(labelled)
        self.unlabelled = _dataset(unlabelled)
        _check_pair(self.labelled, self.unlabelled)
        size, available = mu * batch_size, self.unlabelled.num_samples
        if available < size:
            raise ValueError(
                "`unlabelled` must hold at least `mu * batch_size` images, "
                f"{mu} x {batch_size}. Received: {available} images"
            )
        super().__init__(
            available, size, shuffle=True, seed=seed, drop_last=True, **kwargs
        )

    def set_epoch(self, epoch):
        super().set_epoch(epoch)
        # The random crops of streamed images depend on the epoch.
        self.labelled.set_epoch(epoch)
        self.unlabelled.set_epoch(epoch)

    def on_epoch_begin(self):
        super().on_epoch_begin()
        for part in (self.labelled, self.unlabelled):
            part.on_epoch_begin()

    def on_epoch_end(self):
        # A folder warns here of the files that it could not read.
        for part in (self.labelled, self.unlabelled):
            part.on_epoch_end()
        super().on_epoch_end()

    def __getitem__(self, index):
        unlabelled = super().__getitem__(index)
        images, labels = self.labelled.batch(self.labelled_indices(index))
        return {"labelled": images, "unlabelled": unlabelled}, labels

    def batch(self, indices):
        """The unlabelled images at `indices`, `(batch, height, width, channels)`."""
        return _images(self.unlabelled.batch(indices))

    def labelled_indices(self, index):
        """The indices of the labelled images in batch `index` of this epoch."""
        count = self.labelled.num_samples
        places = np.arange(self.labelled_size) + index * self.labelled_size
        passes = np.arange(places[0] // count, places[-1] // count + 1)
        # The 1 makes this order independent of that of the unlabelled images.
        orders = [
            np.random.default_rng([self.seed, self.epoch, 1, n]).permutation(count)
            for n in passes
        ]
        return np.concatenate(orders)[places - passes[0] * count]


def _dataset(data):
    if isinstance(data, EpochDataset):
        return data
    images, labels = data if isinstance(data, (tuple, list)) else (data, None)
    return ArrayDataset(images, labels, batch_size=1)


def _check_pair(labelled, unlabelled):
    first = labelled.batch(np.arange(1))
    if not isinstance(first, tuple):
        raise ValueError(
            "`labelled` must be a pair of images and labels, or a data set of them. "
            "Received: images without labels"
        )
    shapes = [
        _images(part.batch(np.arange(1))).shape[1:] for part in (labelled, unlabelled)
    ]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "`labelled` and `unlabelled` must hold images of the same shape. "
            f"Received: {shapes[0]} and {shapes[1]}"
        )


def _images(batch):
    return batch[0] if isinstance(batch, tuple) else batch
