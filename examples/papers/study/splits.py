"""The images that an experiment trains on, and those that it is judged on."""

import dataclasses
import warnings

import numpy as np

from keras_mra import checks
from keras_mra import datasets
from keras_mra.datasets.held_out import hold_out


@dataclasses.dataclass(frozen=True)
class Splits:
    """Labelled images to train on, and others to judge on.

    Attributes:
        train: `EpochDataset` of images and labels. It holds arrays if they fit into
            memory, and else decodes files as they are needed.
        test: `EpochDataset` of the same kind, in a fixed order.
        class_names: Tuple of strings.
        image_shape: `(height, width, channels)`.
        name: String, the name of the data set.
        judged_on: String, a description of `test`.
    """

    train: datasets.EpochDataset
    test: datasets.EpochDataset
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    name: str
    judged_on: str

    @property
    def num_classes(self):
        return len(self.class_names)


def load_splits(name, image_size=None, validation=False, limit=None, max_size=None):
    """Loads a data set, split into images to train on and images to judge on.

    Files are cropped at their centre, alike in every epoch. Any other augmentation is
    up to the experiment.

    Args:
        name: As in `keras_mra.datasets.load`.
        image_size: Int, the side of the images, or `None` for their own.
        validation: Bool. `True` leaves a tenth of the training images of each class
            out of training, and judges on it instead of the test images.
        limit: Int, the largest number of images in each split, or `None`.
        max_size: Int or `None`. Larger images become squares of this side, unless
            `image_size` is given.

    Returns:
        `Splits`. If the source has no test images, a fifth of each class is left out
        of training and judged on.

    Raises:
        ValueError: If the data set has no labels.
    """
    found = datasets.load(name, crop="center")
    if image_size is None and max_size and max(found.image_shape[:2]) > max_size:
        image_size = max_size
    if image_size is not None:
        shape = (image_size, image_size, found.image_shape[2])
        found = datasets.load(name, image_shape=shape, crop="center")
    if found.class_names is None:
        raise ValueError(
            "`name` must be a labelled data set, such as a folder with a sub-folder "
            f"for each class. Received: name={name!r}"
        )
    # Three images of a class can be divided twice.
    count = None if limit is None else max(3, limit // len(found.class_names))
    train = _dataset(found.train, count)
    if found.test is None:
        # Settings that are chosen on validation images have not seen the test images.
        train, test = _hold_out(train, 1 / 5)
        judged_on = "a fifth of the images, left out of training"
    if validation:
        train, test = _hold_out(train, 1 / 10)
        judged_on = "a tenth of the training images, left out of training"
    elif found.test is not None:
        test = _dataset(found.test, count)
        judged_on = "the test images"
    return Splits(
        train=_in_batches(train, shuffle=True),
        test=_in_batches(test, shuffle=False),
        class_names=found.class_names,
        image_shape=found.image_shape,
        name=name,
        judged_on=f"{judged_on} ({test.num_samples:,})",
    )


def _dataset(part, count):
    """The readable images of a split, or `count` of each class, in memory if they fit.

    A folder replaces a file that it cannot read by the next one. Such files are left
    out before the folder is split, because the next one could be on the other side.
    """
    if part is None:
        return None
    if isinstance(part, tuple):
        images, labels = part
        part = datasets.ArrayDataset(images, labels, batch_size=1)
    if count is not None:
        part = draw(part, count)
    kept = [index for index in range(part.num_samples) if part.can_read(index)]
    lost = part.num_samples - len(kept)
    if lost:
        warnings.warn(f"{lost} images cannot be read and are left out.", stacklevel=3)
        part = datasets.Subset(part, kept, batch_size=1)
    if datasets.bytes_in_memory(part) <= datasets.MEMORY:
        images, labels = datasets.in_memory(part)
        return datasets.ArrayDataset(images, labels, batch_size=1)
    return part


def only(data, class_names):
    """Keeps the images of some classes, labelled by the order of `class_names`.

    Args:
        data: `Splits`.
        class_names: Strings, at least two of the data's class names.

    Returns:
        `Splits`.

    Raises:
        ValueError: If a name is unknown, or if there are fewer than two.
    """
    strangers = [name for name in class_names if name not in data.class_names]
    if strangers or len(class_names) < 2:
        raise ValueError(
            f"`class_names` must be at least two of {', '.join(data.class_names)}. "
            f"Received: {', '.join(class_names)}"
        )
    old = [data.class_names.index(name) for name in class_names]
    train, test = (
        datasets.Relabelled(part, old, shuffle=shuffle, drop_last=shuffle)
        for part, shuffle in ((data.train, True), (data.test, False))
    )
    return dataclasses.replace(
        data,
        train=train,
        test=test,
        class_names=tuple(class_names),
        judged_on=f"{data.judged_on.partition(' (')[0]} of {', '.join(class_names)} "
        f"({test.num_samples:,})",
    )


def draw(dataset, per_class, seed=0, batch_size=None):
    """Draws the same number of images of each class, or all of a smaller class.

    Args:
        dataset: `EpochDataset` of images and labels.
        per_class: Int, or `None` for all images.
        seed: Int, decides the draw and the order.
        batch_size: Int, or `None` for 256.

    Returns:
        A shuffled `datasets.Subset`.
    """
    checks.required_seed(seed)
    labels = dataset.all_labels()
    if per_class is None:
        chosen = np.arange(len(labels))
    else:
        rng = np.random.default_rng(seed)
        chosen = np.concatenate(
            [
                rng.permutation(np.flatnonzero(labels == label))[:per_class]
                for label in np.unique(labels)
            ]
        )
    size = None if batch_size is None else min(batch_size, len(chosen))
    return datasets.Subset(dataset, chosen, batch_size=size, seed=seed)


def check_classes(data):
    """Refuses classes that are judged on, but not trained on.

    A class with a single image has such an end if the images are divided.

    Args:
        data: `Splits`.

    Raises:
        ValueError: If there is such a class.
    """
    untrained = set(data.test.all_labels()) - set(data.train.all_labels())
    if untrained:
        names = ", ".join(data.class_names[label] for label in sorted(untrained))
        raise ValueError(
            "Each class must have enough images to train on and to judge on. "
            f"Received: no images to train on of {names}"
        )


def _hold_out(dataset, share):
    """Splits a data set in two, by the same share of each class."""
    return tuple(
        datasets.Subset(dataset, part, batch_size=1)
        for part in hold_out(dataset.all_labels(), share)
    )


def _in_batches(dataset, shuffle):
    """The whole of a data set, in batches of 256 images."""
    return datasets.Subset(
        dataset,
        np.arange(dataset.num_samples),
        batch_size=min(256, dataset.num_samples),
        shuffle=shuffle,
        drop_last=shuffle,
    )
