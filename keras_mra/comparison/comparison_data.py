"""`comparison_data`: labelled images in memory, some of them held out."""

import dataclasses
import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra import datasets
from keras_mra.datasets.crops import resize_images
from keras_mra.typing import ImageShape

# The side of images of many sizes: a step on a CPU takes four times as long at 64.
DEFAULT_SIDE = 32
# More seeds than these say little more.
MOST_SEEDS = 10
# The share of each class that is held out of data without a test set.
HELD_OUT = 0.2

LabelledImages = tuple[NDArray[Any], NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class ComparisonData:
    """The images of a comparison.

    Attributes:
        train: Pair of uint8 images `(samples, height, width, channels)` and int labels.
        test: The same for testing.
        class_names: Tuple of strings.
        name: String.
        held_out: Bool, whether `test` was held out of data without a test set.
    """

    train: LabelledImages
    test: LabelledImages
    class_names: tuple[str, ...]
    name: str
    held_out: bool

    @property
    def image_shape(self) -> ImageShape:
        """`(height, width, channels)`."""
        height, width, channels = self.train[0].shape[1:]
        return height, width, channels

    def digest(self) -> str:
        """A SHA-256 of all images and labels, as a string."""
        found = hashlib.sha256()
        for array in (*self.train, *self.test):
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()


def comparison_data(
    data: Any, image_size: int | None, labels_per_class: int | None = None
) -> ComparisonData:
    """Reads labelled images into memory.

    Args:
        data: Name of a data set, as in `datasets.load`, or a pair of uint8 images
            and integer labels.
        image_size: Int, the side of the images, or `None`.
        labels_per_class: Int, the images of each class that a classifier is trained
            on, or `None` for all. Not more are read than all seeds need.

    Raises:
        ValueError: If the data have no labels, fewer than two classes, or a class with
            fewer than two images, or do not fit into memory.
    """
    if isinstance(data, str):
        train, test, names = _named(data, image_size)
    else:
        train, test = _pair(data, image_size), None
        names = tuple(str(label) for label in range(train.all_labels().max() + 1))
    labels = train.all_labels()
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2 or counts.min() < 2:
        few = names[classes[counts.argmin()]]
        raise ValueError(
            "`data` must have two classes at least, with two training images each. "
            f"Received: {len(classes)} classes, {counts.min()} images of {few!r}"
        )
    if test is None:
        kept, tested = _hold_out(labels)
        test_images = _read(train, tested)
    else:
        kept = np.arange(len(labels))
        test_images = _read(test, np.arange(test.num_samples))
    if labels_per_class is not None:
        kept = kept[draw(labels[kept], MOST_SEEDS * labels_per_class, 0)]
    name = data if isinstance(data, str) else "arrays"
    return ComparisonData(_read(train, kept), test_images, names, name, test is None)


def draw(labels: NDArray[Any], per_class: int | None, seed: int) -> NDArray[np.intp]:
    """Indices of as many images of each class at random, or of all for `None`."""
    if per_class is None:
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    places = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.concatenate(
        [
            rng.choice(place, min(per_class, len(place)), replace=False)
            for place in places
        ]
    )


def _named(
    name: str, side: int | None
) -> tuple[datasets.EpochDataset, datasets.EpochDataset | None, tuple[str, ...]]:
    if side is not None:
        side = checks.positive_int("image_size", side)
    loaded = datasets.load(name, crop="center", default_side=side or DEFAULT_SIDE)
    height, width, channels = loaded.image_shape
    if side is not None and (height, width) != (side, side):
        shape = (side, side, channels)
        loaded = datasets.load(name, image_shape=shape, crop="center")
    if loaded.class_names is None:
        raise ValueError(
            "`data` must have labels: a folder needs a sub-folder for each class. "
            f"Received: {name!r}"
        )
    test = None if loaded.test is None else _epoch_dataset(loaded.test)
    return _epoch_dataset(loaded.train), test, loaded.class_names


def _epoch_dataset(part: Any) -> datasets.EpochDataset:
    if not isinstance(part, tuple):
        return part
    images, labels = part
    return datasets.ArrayDataset(images, labels, batch_size=None)


def _read(part: datasets.EpochDataset, indices: NDArray[Any]) -> LabelledImages:
    """Reads samples of a data set as arrays, without those that cannot be read."""
    subset = datasets.Subset(part, indices, shuffle=False)
    size = datasets.bytes_in_memory(subset)
    if size > datasets.MEMORY:
        raise ValueError(
            "`data` must fit into memory. Give a smaller `image_size`, or "
            f"`labels_per_class`. Received: {len(indices)} images of "
            f"{size / 1e9:.1f} GB in all"
        )
    images, labels = datasets.in_memory(subset)
    if isinstance(part, datasets.FolderDataset):
        # A folder replaces damaged files by others, which may be on the other side of
        # the split.
        good = [part.paths[index] not in part.unreadable for index in indices]
        images, labels = images[good], labels[good]
    return images, labels


def _pair(data: Any, side: int | None) -> datasets.ArrayDataset:
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise ValueError(
            f"`data` must be one of {', '.join(datasets.GRAMMAR)}, or a pair of images "
            f"and labels. Received: data of type {type(data).__name__}"
        )
    images, labels = (np.asarray(part) for part in data)
    if images.ndim != 4 or images.dtype != np.uint8 or not len(images):
        raise ValueError(
            "`data` must have uint8 images of shape (images, height, width, channels). "
            f"Received: shape {images.shape}, dtype {images.dtype}"
        )
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            "`data` must have an integer label for each image. Received: labels of "
            f"shape {labels.shape}, dtype {labels.dtype}, for {len(images)} images"
        )
    if labels.min() < 0:
        raise ValueError(
            f"`data` must have labels from 0. Received: a label {labels.min()}"
        )
    if side is not None:
        side = checks.positive_int("image_size", side)
        images = resize_images(images, (side, side, images.shape[3]))
    return datasets.ArrayDataset(images, labels, batch_size=None)


def _hold_out(labels: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices for training and testing: every class is split, always the same way."""
    counts = np.bincount(labels)
    rng = np.random.default_rng(0)
    test = np.zeros(len(labels), bool)
    for label in np.flatnonzero(counts):
        share = max(1, round(HELD_OUT * counts[label]))
        test[rng.permutation(np.flatnonzero(labels == label))[:share]] = True
    return np.flatnonzero(~test), np.flatnonzero(test)
