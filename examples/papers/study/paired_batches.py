"""Labelled and unlabelled images, side by side in each batch."""

import numpy as np

from keras_mra import checks
from keras_mra.datasets import ArrayDataset
from keras_mra.datasets import EpochDataset


class PairedBatches(EpochDataset):
    """Batches `({"labelled": images, "unlabelled": images}, labels)` for `FixMatch`.

    An epoch is one pass over the unlabelled images, in an order of its own; the
    labelled ones, usually few, are gone through again and again, reshuffled each time.
    Seed, epoch and place decide each batch, as in every `EpochDataset`:
    `limit(batches)` shortens the epochs, `SetEpoch` goes on after a pause.

    Args:
        labelled: Pair of images and integer labels, or an `EpochDataset` of them.
        unlabelled: Images, or an `EpochDataset`, whose labels are left out.
        batch_size: Int, labelled images of a batch; there may be fewer in all.
        mu: Int, unlabelled images of a batch for each labelled one.
        seed: Int.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Raises:
        ValueError: If there are fewer than `mu * batch_size` unlabelled images,
            `labelled` has no labels, or the images differ in shape.

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
        # Random crops of streamed images follow the epoch.
        self.labelled.set_epoch(epoch)
        self.unlabelled.set_epoch(epoch)

    def on_epoch_begin(self):
        super().on_epoch_begin()
        for part in (self.labelled, self.unlabelled):
            part.on_epoch_begin()

    def on_epoch_end(self):
        # A folder counts here the files that it could not read.
        for part in (self.labelled, self.unlabelled):
            part.on_epoch_end()
        super().on_epoch_end()

    def __getitem__(self, index):
        unlabelled = super().__getitem__(index)
        images, labels = self.labelled.batch(self.labelled_indices(index))
        return {"labelled": images, "unlabelled": unlabelled}, labels

    def batch(self, indices):
        """The unlabelled images at `indices`."""
        return _images(self.unlabelled.batch(indices))

    def labelled_indices(self, index):
        """Which labelled images batch `index` of this epoch holds."""
        count = self.labelled.num_samples
        places = np.arange(self.labelled_size) + index * self.labelled_size
        passes = np.arange(places[0] // count, places[-1] // count + 1)
        # 1 sets this stream apart from the unlabelled images' order.
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
            "Received: images alone"
        )
    shapes = [
        _images(part.batch(np.arange(1))).shape[1:] for part in (labelled, unlabelled)
    ]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "`labelled` and `unlabelled` must hold images of one shape. "
            f"Received: {shapes[0]} and {shapes[1]}"
        )


def _images(batch):
    return batch[0] if isinstance(batch, tuple) else batch
