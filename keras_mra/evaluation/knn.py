"""Classification by the k nearest neighbours, without any training on features."""

import dataclasses
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.evaluation.features import Encoder
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.evaluation.labelled import encoded
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import accuracy
from keras_mra.evaluation.result import percent

# Similarities held at a time: 64 MiB, and twice that for their order.
CHUNK = 2**24


@dataclasses.dataclass(frozen=True)
class KnnResult(Result):
    """The result of `knn`.

    Attributes:
        accuracy: Dict from k to the accuracy on the test images.
        temperature: Float.
        dim: Int, the width of the features.
        train_images, test_images: Ints.
    """

    protocol = "knn"

    accuracy: dict[int, float]
    temperature: float
    dim: int
    train_images: int
    test_images: int

    def rows(self) -> list[tuple[str, ...]]:
        return [
            ("k", "accuracy %"),
            *((str(k), percent(value)) for k, value in self.accuracy.items()),
        ]


def knn(
    encoder: Encoder,
    train: LabelledData,
    test: LabelledData,
    k: int | Sequence[int] = (1, 5, 20),
    temperature: float = 0.07,
    pool: str = "cls+mean",
    *,
    batch_size: int = 256,
) -> KnnResult:
    """Classifies test images by the training images nearest in cosine similarity.

    The vote of a neighbour has the weight `exp(similarity / temperature)`. One pass
    serves all `k`, and at most 64 MiB of similarities exist at a time.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` if the data are features.
        train: Pair of images and integer labels, or of features `(images, dim)` and
            labels.
        test: Pair of the same kind.
        k: Int or sequence of ints, numbers of neighbours.
        temperature: Positive float.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        batch_size: Int, for the encoder.

    Returns:
        A `KnnResult`.

    Raises:
        ValueError: If an argument or the features are bad. The message names it.

    Example:

    >>> keras_mra.evaluation.knn(mae, train, test, k=20).accuracy[20]
    """
    ks = checks.positive_ints("k", k)
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


def unit_length(features: NDArray[Any]) -> NDArray[Any]:
    """Divides each row by its length; rows of zeros stay zero."""
    # The squares of float32 values can overflow, or underflow to 0. A power of two
    # changes no digit.
    _, exponent = np.frexp(np.abs(features).max(axis=1, keepdims=True))
    features = np.ldexp(features, -exponent)
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length > 0, length, 1)


def nearest(
    queries: NDArray[Any], references: NDArray[Any], k: int, skip_own: bool = False
) -> Iterator[tuple[slice, NDArray[Any], NDArray[Any]]]:
    """Finds the references most similar to each query, in chunks of queries.

    Args:
        queries: Array of shape `(queries, dim)`, rows of length 1.
        references: Array of shape `(references, dim)`, rows of length 1.
        k: Int, how many references to find.
        skip_own: Bool. `True` means that query `i` is reference `i`, which is left
            out.

    Yields:
        `(part, similarity, found)`: a slice of the queries, and the cosines and the
        indices of their references, both of shape `(chunk, k)`, nearest first.
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


def _votes(
    similarity: NDArray[Any],
    codes: NDArray[Any],
    num_classes: int,
    ks: tuple[int, ...],
    temperature: float,
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yields each k, smallest first, and its votes `(chunk, classes)`.

    The votes of a larger k are those of a smaller one and more.

    Args:
        similarity: Array of shape `(chunk, largest k)`, nearest first.
        codes: Int array of the same shape, the classes of the neighbours.
        num_classes: Int.
        ks: Tuple of ints.
        temperature: Float.
    """
    rows = np.arange(len(similarity))[:, None]
    scaled = similarity.astype("float64") / temperature
    # The subtraction prevents overflow. It scales all votes of a query alike.
    weights = np.exp(scaled - scaled[:, :1])
    votes = np.zeros((len(similarity), num_classes))
    counted = 0
    for n in sorted(ks):
        added = slice(counted, n)
        np.add.at(votes, (rows, codes[:, added]), weights[:, added])
        counted = n
        yield n, votes
