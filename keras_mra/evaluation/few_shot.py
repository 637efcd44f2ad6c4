"""N-way K-shot episodes, answered by the nearest centroid."""

import dataclasses

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.features import feature_extractor
from keras_mra.evaluation.inputs import check_class_sizes
from keras_mra.evaluation.inputs import check_seed
from keras_mra.evaluation.inputs import labelled
from keras_mra.evaluation.inputs import positive_ints
from keras_mra.evaluation.knn import unit_length
from keras_mra.evaluation.results import Result
from keras_mra.evaluation.results import percent


@dataclasses.dataclass(frozen=True)
class FewShotResult(Result):
    """What `few_shot` measured.

    Attributes:
        accuracy: Dict from shots to the mean accuracy of the episodes.
        interval: Dict from shots to half the width of the mean's 95 % interval,
            `1.96 * deviation / sqrt(episodes)`.
        ways, queries, episodes, seed: Ints.
        dim: Int, width of the features.
    """

    protocol = "few_shot"

    accuracy: dict[int, float]
    interval: dict[int, float]
    ways: int
    queries: int
    episodes: int
    dim: int
    seed: int

    def rows(self):
        return [
            (f"{self.ways}-way", "accuracy %", "95 % interval"),
            *(
                (f"{shot}-shot", percent(mean), f"± {percent(self.interval[shot])}")
                for shot, mean in self.accuracy.items()
            ),
        ]


def few_shot(
    encoder,
    data,
    ways=5,
    shots=(1, 5),
    queries=15,
    episodes=600,
    seed=0,
    pool="cls+mean",
    *,
    batch_size=256,
):
    """Answers N-way K-shot episodes by the nearest class centroid.

    An episode draws `ways` classes, and of each `shots` labelled images and `queries`
    to be classified. Features are scaled to length 1; a class is the mean of its
    labelled ones; a query goes to the nearest mean, in Euclidean distance. All `shots`
    are asked the same queries of the same classes.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` where the data are features.
        data: Pair of images and integer labels, or of features `(images, dim)` and
            labels, of classes that the encoder was not trained on.
        ways: Int, classes of an episode.
        shots: Int or sequence of ints, labelled images of a class.
        queries: Int, other images of a class.
        episodes: Int, at least 2.
        seed: Int.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        batch_size: Int, for the encoder.

    Returns:
        A `FewShotResult`.

    Raises:
        ValueError: If an argument or the features are bad, naming which.

    Example:

    >>> print(keras_mra.evaluation.few_shot(mae, (images, labels), shots=(1, 5)))
    """
    shots = positive_ints("shots", shots)
    for name, value in {"ways": ways, "queries": queries, "episodes": episodes}.items():
        checks.positive_int(name, value)
        if value < 2 and name != "queries":
            raise ValueError(f"`{name}` must be at least 2. Received: {name}={value}")
    check_seed(seed)
    images, labels = labelled("data", data)
    classes = np.unique(labels)
    if ways > len(classes):
        raise ValueError(
            f"`ways` must be at most the number of classes, {len(classes)}. "
            f"Received: ways={ways}"
        )
    check_class_sizes("data", labels, max(shots) + queries)
    features = unit_length(feature_extractor(encoder, pool, batch_size)(images, "data"))
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
        asked = features[drawn[:, max(shots) :]]
        episode[:] = [
            nearest_centroid(features[drawn[:, :shot]], asked) for shot in shots
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
    )


def nearest_centroid(support, queries):
    """Share of the queries that are nearest to the centroid of their own class.

    Args:
        support: Array of shape `(ways, shots, dim)`.
        queries: Array of shape `(ways, queries, dim)`.
    """
    centroids = support.mean(axis=1)  # (ways, dim)
    # A query's own length is the same for all centroids and left out.
    scores = queries @ centroids.T - 0.5 * np.square(centroids).sum(axis=1)
    return (scores.argmax(axis=-1) == np.arange(len(support))[:, None]).mean()
