"""N-way K-shot episodes, classified by the nearest centroid."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import backend
from keras_mra import checks
from keras_mra.evaluation.features import Encoder
from keras_mra.evaluation.features import FeatureExtractor
from keras_mra.evaluation.features import feature_extractor
from keras_mra.evaluation.in_batches import in_batches
from keras_mra.evaluation.knn import unit_length
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.evaluation.labelled import check_class_sizes
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import percent


@dataclasses.dataclass(frozen=True)
class FewShotResult(Result):
    """The result of `few_shot`.

    Attributes:
        accuracy: Dict from shots to the mean accuracy of the episodes.
        interval: Dict from shots to half the width of the 95 % interval of the mean,
            `1.96 * deviation / sqrt(episodes)`.
        ways, queries, episodes, seed: Ints.
        copies: Int, the augmented copies of each labelled image; 0 without
            augmentation.
        dim: Int, the width of the features.
    """

    protocol = "few_shot"

    accuracy: dict[int, float]
    interval: dict[int, float]
    ways: int
    queries: int
    episodes: int
    dim: int
    seed: int
    copies: int = 0

    def rows(self) -> list[tuple[str, ...]]:
        return [
            (f"{self.ways}-way", "accuracy %", "95 % interval"),
            *(
                (f"{shot}-shot", percent(mean), f"± {percent(self.interval[shot])}")
                for shot, mean in self.accuracy.items()
            ),
        ]


def few_shot(
    encoder: Encoder,
    data: LabelledData,
    ways: int = 5,
    shots: int | Sequence[int] = (1, 5),
    queries: int = 15,
    episodes: int = 600,
    seed: int = 0,
    pool: str = "cls+mean",
    *,
    augmentation: keras.layers.Layer | None = None,
    copies: int = 5,
    batch_size: int = 256,
) -> FewShotResult:
    """Classifies the queries of N-way K-shot episodes by the nearest class centroid.

    An episode draws `ways` classes, and from each class `shots` labelled images and
    `queries` images to classify. Features are scaled to length 1. The centroid of a
    class is the mean of its labelled images, and a query gets the class whose centroid
    is nearest in Euclidean distance. All `shots` of an episode share its classes and
    queries.

    With an `augmentation`, a centroid is the mean of the labelled images and of
    `copies` augmented copies of each. Queries are never augmented. The copies of an
    image are made once, for all episodes.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` if the data are features.
        data: Pair of images and integer labels, or of features `(images, dim)` and
            labels, of classes that the encoder was not trained on.
        ways: Int, the classes of an episode, at least 2.
        shots: Int or sequence of ints, the labelled images of a class.
        queries: Int, the images of a class to classify.
        episodes: Int, at least 2.
        seed: Int.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        augmentation: Keras layer on images, such as
            `keras_mra.layers.MaskReconstruct`, or `None`. It needs images as data,
            and draws with its own seed.
        copies: Int, the augmented copies of each labelled image.
        batch_size: Int, for the encoder.

    Returns:
        A `FewShotResult`.

    Raises:
        ValueError: If an argument or the features are bad. The message names it.

    Example:

    >>> print(keras_mra.evaluation.few_shot(mae, (images, labels), shots=(1, 5)))
    """
    shots = checks.positive_ints("shots", shots)
    for name, value in {"ways": ways, "queries": queries, "episodes": episodes}.items():
        checks.positive_int(name, value)
        if value < 2 and name != "queries":
            raise ValueError(f"`{name}` must be at least 2. Received: {name}={value}")
    checks.required_seed(seed)
    copies = checks.positive_int("copies", copies)
    images, labels = labelled("data", data)
    _check_augmentation(augmentation, images)
    classes = np.unique(labels)
    if ways > len(classes):
        raise ValueError(
            f"`ways` must be at most the number of classes, {len(classes)}. "
            f"Received: ways={ways}"
        )
    check_class_sizes("data", labels, max(shots) + queries)
    extract = feature_extractor(encoder, pool, batch_size)
    features = unit_length(extract(images, "data"))
    support = features
    if augmentation is not None:
        support = _with_copies(features, extract, images, augmentation, copies)
    members = [np.flatnonzero(labels == label) for label in classes]
    rng = np.random.default_rng(seed)
    found = np.empty((episodes, len(shots)))
    for episode in found:
        drawn = np.stack(
            [
                rng.choice(members[c], max(shots) + queries, replace=False)
                for c in rng.choice(len(classes), ways, replace=False)
            ]
        )  # (ways, shots + queries)
        asked = features[drawn[:, max(shots) :]]  # (ways, queries, dim)
        episode[:] = [
            nearest_centroid(support[drawn[:, :shot]], asked) for shot in shots
        ]
    means = found.mean(axis=0)
    intervals = 1.96 * found.std(axis=0, ddof=1) / np.sqrt(episodes)
    return FewShotResult(
        accuracy={shot: float(mean) for shot, mean in zip(shots, means)},
        interval={shot: float(half) for shot, half in zip(shots, intervals)},
        ways=ways,
        queries=queries,
        episodes=episodes,
        dim=features.shape[1],
        seed=seed,
        copies=0 if augmentation is None else copies,
    )


def nearest_centroid(support: NDArray[Any], queries: NDArray[Any]) -> float:
    """The share of queries whose nearest centroid belongs to their own class.

    Args:
        support: Array of shape `(ways, shots, dim)`.
        queries: Array of shape `(ways, queries, dim)`.
    """
    centroids = support.mean(axis=1)  # (ways, dim)
    # The squared distances without the length of the query, which is the same for all
    # centroids.
    scores = queries @ centroids.T - 0.5 * np.square(centroids).sum(axis=1)
    right = scores.argmax(axis=-1) == np.arange(len(support))[:, None]
    return float(right.mean())


def _check_augmentation(
    augmentation: keras.layers.Layer | None, images: NDArray[Any]
) -> None:
    if checks.layer("augmentation", augmentation) is not None and images.ndim != 4:
        raise ValueError(
            "`data` must hold images (images, height, width, channels) if there is an "
            f"`augmentation`. Received: shape {images.shape}"
        )


def _with_copies(
    features: NDArray[Any],
    extract: FeatureExtractor,
    images: NDArray[Any],
    augmentation: keras.layers.Layer,
    copies: int,
) -> NDArray[Any]:
    """The mean feature of each image and its augmented copies.

    A centroid is the mean of such means, so the copies need not be kept.
    """
    if not augmentation.built:
        augmentation(images[:1])
    augment = backend.compiled(
        augmentation, functools.partial(augmentation, training=True)
    )

    def of_a_copy(images: NDArray[Any]) -> NDArray[Any]:
        return extract(ops.convert_to_numpy(augment(images)), "augmented data")

    total = features.copy()
    for _ in range(copies):
        total += unit_length(in_batches(of_a_copy, extract.batch_size, images))
    return total / (1 + copies)
