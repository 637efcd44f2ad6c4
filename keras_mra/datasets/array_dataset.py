"""Arrays in memory, with the order and resume contract of the streamed sets."""

import numpy as np

from keras_mra.datasets.epoch_dataset import EpochDataset


class ArrayDataset(EpochDataset):
    """Batches of arrays in a reproducible order.

    Args:
        images: Array of shape `(samples, ...)`.
        labels: Array of shape `(samples, ...)`, or `None`.
        batch_size: Int.
        shuffle: Whether each epoch has its own order.
        seed: Int; with the epoch it decides the order.
        drop_last: Whether to drop a last batch that is not full.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Raises:
        ValueError: If the lengths differ, or there are fewer samples than a batch.

    Example:

    >>> dataset = ArrayDataset(images, labels, batch_size=256)
    >>> model.fit(dataset, epochs=10, shuffle=False)
    """

    def __init__(
        self,
        images,
        labels=None,
        batch_size=32,
        shuffle=True,
        seed=0,
        drop_last=True,
        **kwargs,
    ):
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

    def batch(self, indices):
        if self.labels is None:
            return self.images[indices]
        return self.images[indices], self.labels[indices]

    def all_labels(self):
        return super().all_labels() if self.labels is None else self.labels


def _array(name, value):
    array = np.asanyarray(value)  # keeps a memory map a memory map
    if array.ndim < 1:
        raise ValueError(f"`{name}` must be an array. Received: {name}={value!r}")
    return array
