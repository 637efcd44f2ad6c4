"""Long tails: classes of unequal size, and errors by the size of the class."""

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.labelled import check_seed
from keras_mra.evaluation.low_shot import rank_within_class


def long_tail_counts(sizes, factor):
    """Images of each class in an exponential long tail, as in CIFAR-LT.

    Class `c` of `C` keeps `floor(n * factor ** (-c / (C - 1)))` images (Cui et al.,
    2019), where `n` is the most that the sizes of all classes allow: that of each,
    where they are equal.

    Args:
        sizes: Sequence of ints, the images that there are of each class.
        factor: Float, at least 1: the first class over the last.

    Returns:
        Array of ints, one per class, none of them 0.

    Raises:
        ValueError: If there is one class only, or the last would be empty.
    """
    sizes = np.asarray(sizes)
    if checks.positive_float("factor", factor) < 1:
        raise ValueError(f"`factor` must be at least 1. Received: factor={factor}")
    if sizes.ndim != 1 or len(sizes) < 2:
        raise ValueError(
            f"A long tail needs at least two classes. Received: sizes {sizes.tolist()}"
        )
    shares = float(factor) ** (-np.arange(len(sizes)) / (len(sizes) - 1))
    # What a power misses of a whole number must not cost an image.
    largest = np.floor(sizes / shares + 1e-6).min()
    counts = np.floor(largest * shares + 1e-6).astype(int)
    if counts.min() < 1:
        raise ValueError(
            "`factor` must leave every class an image. Received: "
            f"factor={factor} for a largest class of {largest:.0f} images"
        )
    return counts


def long_tail(labels, factor, seed=0):
    """Draws a long-tailed part of labelled images.

    The classes are cut in the order of their labels: the first stays the largest. With
    the same seed, the images of a larger factor are among those of a smaller one.

    Args:
        labels: Integer array of shape `(images,)`.
        factor: Float, at least 1, as in `long_tail_counts`; the papers' are 10, 50
            and 100.
        seed: Int, which images stay.

    Returns:
        Int array of the places of the images that stay, ascending.

    Raises:
        ValueError: If an argument is bad.

    Example:

    >>> chosen = long_tail(labels, factor=100)
    >>> images, labels = images[chosen], labels[chosen]
    """
    labels = _labels("labels", labels)
    check_seed(seed)
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    counts = long_tail_counts(sizes, factor)
    ranks = rank_within_class(labels, np.random.default_rng(seed))
    return np.flatnonzero(ranks < counts[codes])


def class_groups(labels, thresholds=None):
    """The classes with many, a medium number of and few training images.

    Args:
        labels: Integer array of shape `(images,)`, of the training images.
        thresholds: Pair of ints `(low, high)`: few is less than `low`, many is more
            than `high`; (20, 100) is usual for ImageNet-LT. `None` for thirds of the
            classes by rank, the larger third first; what is left over goes to medium.

    Returns:
        Dict from `"many"`, `"medium"` and `"few"` to arrays of labels, which may be
        empty.

    Raises:
        ValueError: If an argument is bad.
    """
    classes, counts = np.unique(_labels("labels", labels), return_counts=True)
    if thresholds is not None:
        low, high = checks.ascending_pair("thresholds", thresholds)
        few, many = counts < low, counts > high
    else:
        rank = np.empty(len(classes), int)
        rank[np.argsort(-counts, kind="stable")] = np.arange(len(classes))
        third = len(classes) // 3
        many, few = rank < third, rank >= len(classes) - third
    return {
        "many": classes[many],
        "medium": classes[~many & ~few],
        "few": classes[few],
    }


def group_errors(predicted, labels, groups):
    """The error of each group of classes, all classes of a group alike.

    Args:
        predicted: Integer array of shape `(images,)`, of test images.
        labels: Likewise, the truth.
        groups: Dict from names to arrays of labels, as `class_groups` gives it.

    Returns:
        Dict from `"all"` and the groups' names to errors from 0 to 1: the mean of the
        errors of the classes. A group of which there is no test image is left out.

    Raises:
        ValueError: If the arrays do not fit.

    Example:

    >>> group_errors(model.predict(x).argmax(axis=1), y, class_groups(train_labels))
    """
    predicted, labels = _labels("predicted", predicted), _labels("labels", labels)
    if len(predicted) != len(labels):
        raise ValueError(
            "`predicted` must be as many as `labels`. Received: "
            f"{len(predicted)} predictions, {len(labels)} labels"
        )
    by_class = {
        label: float((predicted[labels == label] != label).mean())
        for label in np.unique(labels)
    }
    errors = {"all": float(np.mean(list(by_class.values())))}
    for name, classes in groups.items():
        found = [by_class[label] for label in classes if label in by_class]
        if found:
            errors[name] = float(np.mean(found))
    return errors


def _labels(name, values):
    values = np.asarray(values)
    if values.ndim != 1 or not len(values) or values.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be integers of shape (images,), at least one. "
            f"Received: shape {values.shape}, dtype {values.dtype}"
        )
    return values
