"""Long-tailed data: classes of unequal size, and errors by the size of the class."""

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.low_shot import rank_within_class


def long_tail_counts(sizes, factor):
    """Images of each class in an exponential long tail, as in CIFAR-LT.

    Class `c` of `C` keeps `floor(n * factor ** (-c / (C - 1)))` images (Cui et al.,
    2019). `n` is the largest number for which every class has enough images: the size
    of a class, if all have the same size.

    Args:
        sizes: Sequence of ints, the number of images of each class.
        factor: Float, at least 1, the size of the first class over that of the last.

    Returns:
        Array of positive ints, one per class.

    Raises:
        ValueError: If there is only one class, or if the last one would be empty.
    """
    sizes = np.asarray(sizes)
    if checks.positive_float("factor", factor) < 1:
        raise ValueError(f"`factor` must be at least 1. Received: factor={factor}")
    if sizes.ndim != 1 or len(sizes) < 2:
        raise ValueError(
            "`sizes` must hold the sizes of at least two classes. "
            f"Received: sizes={sizes.tolist()}"
        )
    shares = float(factor) ** (-np.arange(len(sizes)) / (len(sizes) - 1))
    # A rounding error below a whole number must not cost an image.
    largest = np.floor(sizes / shares + 1e-6).min()
    counts = np.floor(largest * shares + 1e-6).astype(int)
    if counts.min() < 1:
        raise ValueError(
            "`factor` must leave every class at least one image. Received: "
            f"factor={factor} for a largest class of {largest:.0f} images"
        )
    return counts


def long_tail(labels, factor, seed=0):
    """Draws a long-tailed subset of labelled images.

    The first label has the most images and the last one the fewest. With the same
    seed and classes of the same size, the images for a larger factor are among those
    for a smaller factor.

    Args:
        labels: Integer array of shape `(images,)`.
        factor: Float, at least 1, as in `long_tail_counts`. The papers use 10, 50 and
            100.
        seed: Int, decides which images are kept.

    Returns:
        Int array of the indices of the kept images, in ascending order.

    Raises:
        ValueError: If an argument is not as described.

    Example:

    >>> chosen = long_tail(labels, factor=100)
    >>> images, labels = images[chosen], labels[chosen]
    """
    labels = _labels("labels", labels)
    checks.required_seed(seed)
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    counts = long_tail_counts(sizes, factor)
    ranks = rank_within_class(labels, np.random.default_rng(seed))
    return np.flatnonzero(ranks < counts[codes])


def class_groups(labels, thresholds=None):
    """Groups the classes into those with many, a medium number of and few images.

    Args:
        labels: Integer array of shape `(images,)`, the labels of the training images.
        thresholds: Pair of ints `(low, high)`. Classes with fewer than `low` images
            are few, and classes with more than `high` are many. ImageNet-LT uses
            (20, 100). `None` ranks the classes by size: the largest third is many, the
            smallest third is few, and the remaining classes are medium.

    Returns:
        Dict from `"many"`, `"medium"` and `"few"` to arrays of labels, which may be
        empty.

    Raises:
        ValueError: If an argument is not as described.
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
    """The error of each group of classes, in which every class has the same weight.

    Args:
        predicted: Integer array of shape `(images,)`, the predicted labels of test
            images.
        labels: Integer array of shape `(images,)`, the true labels.
        groups: Dict from names to arrays of labels, as `class_groups` returns it.

    Returns:
        Dict from `"all"` and the groups' names to the mean error of the classes, from
        0 to 1. Groups without a test image are left out.

    Raises:
        ValueError: If an argument is not as described, or the lengths differ.

    Example:

    >>> group_errors(model.predict(x).argmax(axis=1), y, class_groups(train_labels))
    """
    predicted, labels = _labels("predicted", predicted), _labels("labels", labels)
    if len(predicted) != len(labels):
        raise ValueError(
            "`predicted` and `labels` must have the same length. Received: "
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
