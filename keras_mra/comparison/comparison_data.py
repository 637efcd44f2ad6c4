"""`comparison_data`: labelled images in memory, some of them held out."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra import datasets
from keras_mra.datasets.crops import resize_images
from keras_mra.typing import ImageShape

# The side of images of many sizes: a step on a CPU takes four times as long at 64.
DEFAULT_SIDE = 32
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


def comparison_data(data: Any, image_size: int | None) -> ComparisonData:
    """Reads labelled images into memory.

    Args:
        data: Name of a data set, as in `datasets.load`, or a pair of uint8 images
            and integer labels.
        image_size: Int, the side of the images, or `None`.

    Raises:
        ValueError: If the data have no labels, fewer than two classes, or a class with
            fewer than two images, or do not fit into memory.
    """
    if isinstance(data, str):
        train, test, names = _named(data, image_size)
        name = data
    else:
        train, test, name = _pair(data, image_size), None, "arrays"
        names = tuple(str(label) for label in range(int(train[1].max()) + 1))
    classes, counts = np.unique(train[1], return_counts=True)
    if len(classes) < 2 or counts.min() < 2:
        few = names[classes[counts.argmin()]]
        raise ValueError(
            "`data` must have two classes at least, with two training images each. "
            f"Received: {len(classes)} classes, {counts.min()} images of {few!r}"
        )
    held_out = test is None
    if test is None:
        train, test = _hold_out(train)
    return ComparisonData(train, test, names, name, held_out)


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
) -> tuple[LabelledImages, LabelledImages | None, tuple[str, ...]]:
    shape = None
    if side is not None:
        channels = datasets.load(name, default_side=DEFAULT_SIDE).image_shape[2]
        shape = (side, side, channels)
    loaded = datasets.load(
        name, image_shape=shape, crop="center", default_side=DEFAULT_SIDE
    )
    if loaded.class_names is None:
        raise ValueError(
            "`data` must have labels: a folder needs a sub-folder for each class. "
            f"Received: {name!r}"
        )
    return _arrays(loaded.train), _arrays(loaded.test), loaded.class_names


def _arrays(part: Any) -> Any:
    """A part of a data set as a pair of arrays, in the order of the data."""
    if part is None or isinstance(part, tuple):
        return part
    size = datasets.bytes_in_memory(part)
    if size > datasets.MEMORY:
        raise ValueError(
            "`data` must fit into memory. Give a smaller `image_size`. Received: "
            f"{part.num_samples} images of {size / 1e9:.1f} GB in all"
        )
    everything = datasets.Subset(
        part, np.arange(part.num_samples), part.batch_size, shuffle=False
    )
    images, labels = datasets.in_memory(everything)
    return images, labels


def _pair(data: Any, side: int | None) -> LabelledImages:
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
    return images, labels


def _hold_out(train: LabelledImages) -> tuple[LabelledImages, LabelledImages]:
    """Splits every class, the same images always."""
    images, labels = train
    counts = np.bincount(labels)
    rng = np.random.default_rng(0)
    test = np.zeros(len(labels), bool)
    for label in np.flatnonzero(counts):
        share = max(1, round(HELD_OUT * counts[label]))
        test[rng.permutation(np.flatnonzero(labels == label))[:share]] = True
    return (images[~test], labels[~test]), (images[test], labels[test])
