"""Labelled data of the protocols: checked first, encoded then."""

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.features import feature_extractor


def positive_ints(name, value):
    """Returns `value`, a positive integer or a sequence of them, as a tuple."""
    values = value if isinstance(value, (tuple, list)) else (value,)
    if not values:
        raise ValueError(
            f"`{name}` must be a positive integer or a sequence of them. "
            f"Received: {name}={value!r}"
        )
    return tuple(checks.positive_int(name, v) for v in values)


def check_seed(seed):
    """Returns `seed` if it is an integer: what is measured must be repeatable."""
    if seed is None:
        raise ValueError("`seed` must be an integer, at least 0. Received: seed=None")
    return checks.seed(seed)


def labelled(name, data):
    """Returns images (or features) and integer labels as arrays of one length.

    Args:
        name: Name of the argument in messages.
        data: Pair of arrays.
    """
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise ValueError(
            f"`{name}` must be a pair, (images, labels) or (features, labels). "
            f"Received: {type(data).__name__}"
        )
    images, labels = (np.asanyarray(part) for part in data)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"`{name}` must have integer labels of shape (images,), not one-hot ones. "
            f"Received: labels of shape {labels.shape} and dtype {labels.dtype}"
        )
    if images.ndim < 2 or len(images) != len(labels) or not len(labels):
        raise ValueError(
            f"`{name}` must have a label for each image, at least one. Received: "
            f"images of shape {images.shape}, {len(labels)} labels"
        )
    return images, labels


def check_classes(train_labels, test_labels):
    """Returns the classes of the training labels, if they cover the test labels."""
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


def check_class_sizes(name, labels, needed):
    """Refuses classes of fewer than `needed` images."""
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < needed:
        raise ValueError(
            f"`{name}` must have at least {needed} images of each class. Received: "
            f"{counts.min()} of class {classes[counts.argmin()]}"
        )


def encoded(encoder, train, test, pool, batch_size):
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


def _listed(classes):
    shown = ", ".join(str(c) for c in classes[:5])
    more = f" and {len(classes) - 5} more" if len(classes) > 5 else ""
    return f"class {shown}{more}"
