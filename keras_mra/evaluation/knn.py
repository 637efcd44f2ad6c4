"""k nearest neighbours: what features know without any training on them."""

import dataclasses

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.labelled import encoded
from keras_mra.evaluation.labelled import positive_ints
from keras_mra.evaluation.results import Result
from keras_mra.evaluation.results import accuracy
from keras_mra.evaluation.results import percent

# Similarities held at a time: 64 MiB, and twice that for their order.
CHUNK = 2**24


@dataclasses.dataclass(frozen=True)
class KnnResult(Result):
    """What `knn` measured.

    Attributes:
        accuracy: Dict from k to the accuracy on the test images.
        temperature: Float.
        dim: Int, width of the features.
        train_images, test_images: Ints.
    """

    protocol = "knn"

    accuracy: dict[int, float]
    temperature: float
    dim: int
    train_images: int
    test_images: int

    def rows(self):
        return [
            ("k", "accuracy %"),
            *((str(k), percent(value)) for k, value in self.accuracy.items()),
        ]


def knn(
    encoder,
    train,
    test,
    k=(1, 5, 20),
    temperature=0.07,
    pool="cls+mean",
    *,
    batch_size=256,
):
    """Classifies test images by the training images nearest in cosine similarity.

    A neighbour's vote counts `exp(similarity / temperature)`. All `k` come from one
    pass; only so many similarities as fit in 64 MiB exist at a time.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` where the data are features.
        train: Pair of images and integer labels, or of features `(images, dim)` and
            labels.
        test: Likewise.
        k: Int or sequence of ints, numbers of neighbours.
        temperature: Float.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        batch_size: Int, for the encoder.

    Returns:
        A `KnnResult`.

    Raises:
        ValueError: If an argument or the features are bad, naming which.

    Example:

    >>> keras_mra.evaluation.knn(mae, train, test, k=20).accuracy[20]
    """
    ks = positive_ints("k", k)
    temperature = checks.positive_float("temperature", temperature)
    train_features, train_labels, test_features, test_labels = encoded(
        encoder, train, test, pool, batch_size
    )
    if max(ks) > len(train_labels):
        raise ValueError(
            "`k` must be at most the number of training images, "
            f"{len(train_labels)}. Received: k={k!r}"
        )
    classes, codes = np.unique(train_labels, return_inverse=True)
    train_features = unit_length(train_features)
    test_features = unit_length(test_features)
    predicted = {n: np.empty(len(test_labels), int) for n in ks}
    for part, similarity, found in nearest(test_features, train_features, max(ks)):
        for n, votes in _votes(similarity, codes[found], len(classes), ks, temperature):
            predicted[n][part] = votes.argmax(axis=1)
    return KnnResult(
        accuracy={n: accuracy(classes[predicted[n]], test_labels) for n in ks},
        temperature=temperature,
        dim=train_features.shape[1],
        train_images=len(train_labels),
        test_images=len(test_labels),
    )


def unit_length(features):
    """Each row over its length; a row of zeros stays."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length > 0, length, 1)


def nearest(queries, references, k, skip_own=False):
    """Finds the references most similar to each query, some queries at a time.

    Args:
        queries: Array of shape `(queries, dim)`, of unit length.
        references: Array of shape `(references, dim)`, of unit length.
        k: Int, how many.
        skip_own: Bool, whether query `i` is reference `i` and must not find itself.

    Yields:
        `(part, similarity, found)`: a slice of the queries, and for them the cosines
        and the references' indices, both `(chunk, k)`, the nearest first.
    """
    step = max(CHUNK // len(references), 1)
    for start in range(0, len(queries), step):
        part = slice(start, min(start + step, len(queries)))
        similarity = queries[part] @ references.T  # (chunk, references)
        rows = np.arange(len(similarity))[:, None]
        if skip_own:
            similarity[rows, rows + start] = -np.inf
        found = np.argpartition(similarity, -k, axis=1)[:, -k:]
        order = np.argsort(-similarity[rows, found], axis=1)
        found = found[rows, order]
        yield part, similarity[rows, found], found


def _votes(similarity, codes, num_classes, ks, temperature):
    """Yields each k, ascending, and its votes `(chunk, classes)`.

    The votes of one k are those of the one before and some more.

    Args:
        similarity: Array of shape `(chunk, largest k)`, the nearest first.
        codes: Int array of the same shape, the neighbours' classes.
        num_classes: Int.
        ks: Tuple of ints.
        temperature: Float.
    """
    rows = np.arange(len(similarity))[:, None]
    scaled = similarity.astype("float64") / temperature
    weights = np.exp(scaled - scaled[:, :1])  # the same votes, and no overflow
    votes = np.zeros((len(similarity), num_classes))
    counted = 0
    for n in sorted(ks):
        added = slice(counted, n)
        np.add.at(votes, (rows, codes[:, added]), weights[:, added])
        counted = n
        yield n, votes
