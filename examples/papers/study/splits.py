"""What an experiment trains on and what it is judged on, whatever the source."""

import dataclasses
import warnings

import numpy as np

from keras_mra import datasets


@dataclasses.dataclass(frozen=True)
class Splits:
    """Labelled images, some to train on and others to judge on.

    Attributes:
        train: `EpochDataset` of images and labels: arrays where they fit into memory,
            else decoded as they are needed.
        test: Likewise, in a fixed order.
        class_names: Tuple of strings.
        image_shape: `(height, width, channels)`.
        name: The data set's name.
        judged_on: What `test` is, in words.
    """

    train: datasets.EpochDataset
    test: datasets.EpochDataset
    class_names: tuple
    image_shape: tuple
    name: str
    judged_on: str

    @property
    def num_classes(self):
        return len(self.class_names)


def load_splits(name, image_size=None, validation=False, limit=None, max_size=None):
    """Loads a data set, split for an experiment.

    Images are cropped at their centre, the same in every epoch: what else is done to
    them is the experiment's.

    Args:
        name: As in `keras_mra.datasets.load`.
        image_size: Int or `None`, the side of the images; `None` is their own.
        validation: Bool. Judges on a tenth of each training class, left out of
            training, and never looks at the test images: for choosing settings.
        limit: Int or `None`, images of each split at most.
        max_size: Int or `None`. Larger images become squares of this side, unless
            `image_size` says another.

    Returns:
        `Splits`. Where the source has no test images, a fifth of each class is left
        out of training for that.

    Raises:
        ValueError: If there are no labels.
    """
    found = datasets.load(name, crop="center")
    if image_size is None and max_size and max(found.image_shape[:2]) > max_size:
        image_size = max_size
    if image_size is not None:
        shape = (image_size, image_size, found.image_shape[2])
        found = datasets.load(name, image_shape=shape, crop="center")
    if found.class_names is None:
        raise ValueError(
            f"`name` must be a labelled data set. Received: {name!r}, whose images lie "
            "in no sub-folders of classes."
        )
    count = None if limit is None else max(1, limit // len(found.class_names))
    train, test = _dataset(found.train, count), _dataset(found.test, count)
    if validation:
        train, test = _hold_out(train, 1 / 10)
        judged_on = "a tenth of the training images, left out of training"
    elif test is None:
        train, test = _hold_out(train, 1 / 5)
        judged_on = "a fifth of the images, left out of training"
    else:
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
    """A split, or `count` images of each class, without files that cannot be read.

    In memory where it fits. A folder puts its next image in the place of one that it
    cannot read, which might be on the other side when it is split.
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
    """The images of some classes, numbered anew in the order given.

    Args:
        data: `Splits`.
        class_names: Strings.

    Returns:
        `Splits`.

    Raises:
        ValueError: If there is no such class.
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
    """The same number of images of each class, as far as there are so many.

    Args:
        dataset: `EpochDataset` with labels.
        per_class: Int, or `None` for all.
        seed: Int, of the draw and of the order.
        batch_size: Int or `None`.

    Returns:
        A `datasets.Subset`, shuffled.
    """
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


def _hold_out(dataset, share):
    """A data set as two, of each class the same share."""
    labels = dataset.all_labels()
    rng = np.random.default_rng(0)
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        held[members[: max(1, round(share * len(members)))]] = True
    return tuple(
        datasets.Subset(dataset, np.flatnonzero(part), batch_size=1)
        for part in (~held, held)
    )


def _in_batches(dataset, shuffle):
    """All of a data set, in batches of 256."""
    return datasets.Subset(
        dataset,
        np.arange(dataset.num_samples),
        batch_size=min(256, dataset.num_samples),
        shuffle=shuffle,
        drop_last=shuffle,
    )
