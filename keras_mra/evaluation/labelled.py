"""Labelled data of the protocols: checks of images and labels, then features."""

from typing import Any
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.evaluation.features import Encoder
from keras_mra.evaluation.features import feature_extractor
from keras_mra.typing import Array

# Images and their labels, or features `(images, dim)` and their labels.
LabelledData: TypeAlias = tuple[Array, Array]


def labelled(name: str, data: LabelledData) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns images (or features) and integer labels as arrays of one length.

    Args:
        name: Name of the argument in messages.
        data: Pair of arrays.

    Raises:
        ValueError: If the pair does not hold images and one integer label for each.
    """
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise ValueError(
            f"`{name}` must be a pair, (images, labels) or (features, labels). "
            f"Received: {type(data).__name__}"
        )
    images, labels = (checks.numpy_array(name, part) for part in data)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"`{name}` must have integer labels of shape (images,), not one-hot "
            f"labels. Received: labels of shape {labels.shape} and dtype {labels.dtype}"
        )
    if images.ndim < 2 or len(images) != len(labels) or not len(labels):
        raise ValueError(
            f"`{name}` must have a label for each image, at least one. Received: "
            f"images of shape {images.shape}, {len(labels)} labels"
        )
    return images, labels


def check_classes(train_labels: Array, test_labels: Array) -> NDArray[Any]:
    """Returns the classes of the training labels if they include the test labels."""
    classes = np.unique(train_labels)
    if len(classes) < 2:
        raise ValueError(
            "`train` must have images of at least two classes. "
            f"Received: only class {classes[0]}"
        )
    missing = np.setdiff1d(test_labels, classes)
    if len(missing):
        raise ValueError(
            "`train` must have images of every class of `test`. "
            f"Received: no training image of {_listed(missing)}"
        )
    return classes


def check_class_sizes(name: str, labels: Array, needed: int) -> None:
    """Refuses classes of fewer than `needed` images."""
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < needed:
        raise ValueError(
            f"`{name}` must have at least {needed} images of each class. Received: "
            f"{counts.min()} of class {classes[counts.argmin()]}"
        )


def encoded(
    encoder: Encoder,
    train: LabelledData,
    test: LabelledData,
    pool: str,
    batch_size: int,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Checks both data sets, then computes the features of both.

    Returns:
        `(train_features, train_labels, test_features, test_labels)`.
    """
    train_images, train_labels = labelled("train", train)
    test_images, test_labels = labelled("test", test)
    check_classes(train_labels, test_labels)
    extract = feature_extractor(encoder, pool, batch_size)
    train_features = extract(train_images, "train")
    test_features = extract(test_images, "test")
    if train_features.shape[1] != test_features.shape[1]:
        raise ValueError(
            "`train` and `test` must have features of one width. Received: "
            f"{train_features.shape[1]} and {test_features.shape[1]}"
        )
    return train_features, train_labels, test_features, test_labels


def _listed(classes: NDArray[Any]) -> str:
    shown = ", ".join(str(c) for c in classes[:5])
    more = f" and {len(classes) - 5} more" if len(classes) > 5 else ""
    return f"class {shown}{more}"
