"""All samples of a data set as arrays."""

from typing import Any

import numpy as np

from keras_mra import checks
from keras_mra.datasets.array_dataset import ArrayDataset
from keras_mra.datasets.epoch_dataset import Batch
from keras_mra.datasets.epoch_dataset import EpochDataset
from keras_mra.datasets.epoch_dataset import check_dataset

MEMORY = 4 * 2**30  # Bytes of images, an eighth of a machine with 32 GiB.
_SAMPLES_AT_ONCE = 256


def in_memory(dataset: EpochDataset, limit: int = MEMORY) -> Batch:
    """Reads all samples of a data set into memory, in the order of their indices.

    Args:
        dataset: `EpochDataset`.
        limit: Int, the largest number of bytes that the images may take.

    Returns:
        `(images, labels)`, arrays of shape `(samples, ...)`, or `images` if the data
        set has no labels.

    Raises:
        ValueError: If an argument is bad, or the images would take more than `limit`.

    Example:

    >>> images, labels = keras_mra.datasets.in_memory(dataset)
    """
    checks.nonnegative_int("limit", limit)
    if isinstance(dataset, ArrayDataset):
        if dataset.labels is None:
            return dataset.images
        return dataset.images, dataset.labels
    size = bytes_in_memory(dataset)
    if size > limit:
        raise ValueError(
            "`limit` must be at least the bytes of all images. Received: "
            f"limit={limit} ({limit / 2**30:.1f} GiB), but {dataset.num_samples:,} "
            f"images take {size / 2**30:.1f} GiB in memory. Use smaller or fewer "
            "images."
        )
    chunks: list[Any] = [
        dataset.batch(
            np.arange(start, min(start + _SAMPLES_AT_ONCE, dataset.num_samples))
        )
        for start in range(0, dataset.num_samples, _SAMPLES_AT_ONCE)
    ]
    if isinstance(chunks[0], tuple):
        images, labels = zip(*chunks)
        return np.concatenate(images), np.concatenate(labels)
    return np.concatenate(chunks)


def bytes_in_memory(dataset: EpochDataset) -> int:
    """Returns the bytes that the images of a data set take in memory.

    The first image is read; all images have its size.
    """
    first = check_dataset(dataset).batch(np.arange(1))
    images = first[0] if isinstance(first, tuple) else first
    return dataset.num_samples * images.nbytes
