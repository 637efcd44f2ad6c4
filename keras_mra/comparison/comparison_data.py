"""`comparison_data`: labelled images in memory, some of them held out."""

import dataclasses
import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra import datasets
from keras_mra.datasets.crops import resize_images
from keras_mra.datasets.held_out import hold_out
from keras_mra.typing import ImageShape

# The side of images of many sizes: a step on a CPU takes four times as long at 64.
DEFAULT_SIDE = 32
# A border of a sixth must leave something of the test images, and larger images than
# these take more time and memory than comparisons are made with.
SMALLEST_SIDE, LARGEST_SIDE = 3, 1024
# Every number up to the largest label gets an output of the classifiers: this is five
# times the classes of the whole of ImageNet.
MOST_CLASSES = 100_000
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
            and integer labels from 0. A number below the largest label that no image
            has is a class without images.
        image_size: Int, the side of the images, or `None`.
        labels_per_class: Int, the images of each class that a classifier is trained
            on, or `None` for all. Not more are read than all seeds need.

    Raises:
        ValueError: If the data have no labels, fewer than two or more than 100,000
            classes, a class with fewer than two images, or test images of fewer than
            two classes, or do not fit into memory, or the images are not grey or of
            three colours, or their sides not from 3 to 1,024 pixels.
    """
    if isinstance(data, str):
        train, test, names = _named(data, image_size)
    else:
        train, test = _pair(data, image_size), None
        names = tuple(map(str, range(int(train.all_labels().max()) + 1)))
    if len(names) > MOST_CLASSES:
        raise ValueError(
            f"`data` must have at most {MOST_CLASSES:,} classes. Received: "
            f"{len(names):,} classes"
        )
    labels = train.all_labels()
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2 or counts.min() < 2:
        few = names[classes[counts.argmin()]]
        raise ValueError(
            "`data` must have two classes at least, with two training images each. "
            f"Received: {len(classes)} classes, {counts.min()} images of {few!r}"
        )
    if test is None:
        kept, tested = hold_out(labels, HELD_OUT)
        test_images = _read(train, tested)
    else:
        kept = np.arange(len(labels))
        test_images = _read(test, np.arange(test.num_samples))
    if labels_per_class is not None:
        kept = kept[draw(labels[kept], MOST_SEEDS * labels_per_class, 0)]
    tested_classes = len(np.unique(test_images[1]))
    if tested_classes < 2:
        raise ValueError(
            "`data` must have test images of two classes at least. Received: "
            f"{len(test_images[0])} test images of {tested_classes} classes"
        )
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
    loaded = datasets.load(name, crop="center", default_side=side or DEFAULT_SIDE)
    height, width, channels = loaded.image_shape
    if side is not None and (height, width) != (side, side):
        shape = (side, side, channels)
        if loaded.in_memory:
            splits: list[Any] = [loaded.train, loaded.test]
            _check_memory(sum(len(split[0]) for split in splits), shape)
        loaded = datasets.load(name, image_shape=shape, crop="center")
    if loaded.class_names is None:
        raise ValueError(
            "`data` must have labels: a folder needs a sub-folder for each class. "
            f"Received: {name!r}"
        )
    _check_shape(loaded.image_shape)
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
    first, _ = subset.batch(np.arange(1))
    _check_memory(len(indices), first.shape[1:])
    images, labels = datasets.in_memory(subset)
    if isinstance(part, datasets.FolderDataset):
        # A folder replaces damaged files by others, which may be on the other side of
        # the split.
        good = [part.paths[index] not in part.unreadable for index in indices]
        images, labels = images[good], labels[good]
    return images, labels


def _check_memory(count: int, shape: tuple[int, ...]) -> None:
    """Refuses more uint8 images of a shape than memory holds."""
    size = count * math.prod(shape)
    if size > datasets.MEMORY:
        raise ValueError(
            "`data` must fit into memory. Give a smaller `image_size`, or "
            f"`labels_per_class`. Received: {count} images of {size / 1e9:.1f} GB in "
            "all"
        )


def _check_shape(shape: tuple[int, ...]) -> None:
    """Refuses images that no network or no preset takes."""
    *sides, channels = shape
    if channels not in (1, 3) or any(
        not SMALLEST_SIDE <= side <= LARGEST_SIDE for side in sides
    ):
        raise ValueError(
            f"`data` must have images of 1 or 3 channels, with sides from "
            f"{SMALLEST_SIDE} to {LARGEST_SIDE:,} pixels; `image_size` changes the "
            f"sides. Received: images of shape {tuple(shape)}"
        )


def _pair(data: Any, side: int | None) -> datasets.ArrayDataset:
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise ValueError(
            f"`data` must be one of {', '.join(datasets.GRAMMAR)}, or a pair of images "
            f"and labels. Received: data of type {type(data).__name__}"
        )
    images, labels = (checks.numpy_array("data", part) for part in data)
    if images.ndim != 4 or images.dtype != np.uint8 or not images.size:
        raise ValueError(
            "`data` must have uint8 images of shape (images, height, width, channels). "
            f"Received: shape {images.shape}, dtype {images.dtype}"
        )
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            "`data` must have an integer label for each image. Received: labels of "
            f"shape {labels.shape}, dtype {labels.dtype}, for {len(images)} images"
        )
    wrong = labels[(labels < 0) | (labels >= MOST_CLASSES)]
    if wrong.size:
        raise ValueError(
            f"`data` must have labels from 0 to {MOST_CLASSES - 1:,}. Received: a "
            f"label {wrong[0]}"
        )
    shape = images.shape[1:] if side is None else (side, side, images.shape[3])
    _check_shape(shape)
    _check_memory(len(images), shape)
    images = resize_images(images, shape)
    return datasets.ArrayDataset(images, labels.astype("int64"), batch_size=None)
