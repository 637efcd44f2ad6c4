"""Linear probes on a few labels of each class."""

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.evaluation.features import Encoder
from keras_mra.evaluation.fit_probe import check_probe
from keras_mra.evaluation.fit_probe import fit_probe
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.evaluation.labelled import check_class_sizes
from keras_mra.evaluation.labelled import encoded
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import accuracy
from keras_mra.evaluation.result import percent


@dataclasses.dataclass(frozen=True)
class LowShotResult(Result):
    """The result of `low_shot`.

    Attributes:
        accuracy: Dict from labels per class to the mean accuracy of the draws.
        std: Dict from labels per class to the standard deviation over the draws.
        draws: Dict from labels per class to the accuracy of each draw.
        C: Float.
        dim: Int, the width of the features.
        test_images: Int.
        seed: Int.
    """

    protocol = "low_shot"

    accuracy: dict[int, float]
    std: dict[int, float]
    draws: dict[int, tuple[float, ...]]
    C: float
    dim: int
    test_images: int
    seed: int

    def rows(self) -> list[tuple[str, ...]]:
        return [
            ("labels per class", "accuracy %", "deviation"),
            *(
                (str(n), percent(mean), percent(self.std[n]))
                for n, mean in self.accuracy.items()
            ),
        ]


def low_shot(
    encoder: Encoder,
    train: LabelledData,
    test: LabelledData,
    labels_per_class: int | Sequence[int] = (10, 50, 100),
    draws: int = 3,
    seed: int = 0,
    pool: str = "cls+mean",
    *,
    C: float = 1.0,
    max_iterations: int | None = None,
    batch_size: int = 256,
) -> LowShotResult:
    """Fits linear probes to a few labels of each class, drawn several times.

    Within a draw, the larger sets contain the smaller ones. Features are standardised
    with the statistics of the drawn images. The probes need scikit-learn:
    `pip install 'keras-mra[evaluation]'`.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` if the data are features.
        train: Pair of images and integer labels, or of features `(images, dim)` and
            labels. The labels are drawn from it.
        test: Pair of the same kind, all of which is tested.
        labels_per_class: Int or sequence of ints.
        draws: Int.
        seed: Int.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        C: Float, the inverse of the strength of regularisation, as scikit-learn
            defines it.
        max_iterations: Int, of scikit-learn's L-BFGS, or `None` for 1000.
        batch_size: Int, for the encoder.

    Returns:
        A `LowShotResult`.

    Raises:
        ValueError: If an argument or the features are bad. The message names it.
        ImportError: If scikit-learn is not installed.

    Example:

    >>> print(keras_mra.evaluation.low_shot(mae, train, test, labels_per_class=10))
    """
    sizes = checks.positive_ints("labels_per_class", labels_per_class)
    checks.positive_int("draws", draws)
    checks.required_seed(seed)
    check_probe(C, max_iterations)
    check_class_sizes("train", labelled("train", train)[1], max(sizes))
    train_features, train_labels, test_features, test_labels = encoded(
        encoder, train, test, pool, batch_size
    )
    found: dict[int, list[float]] = {n: [] for n in sizes}
    for draw in range(draws):
        ranks = rank_within_class(train_labels, np.random.default_rng([seed, draw]))
        for n in sizes:
            chosen = ranks < n
            probe = fit_probe(
                train_features[chosen], train_labels[chosen], C, max_iterations
            )
            found[n].append(accuracy(probe.predict(test_features), test_labels))
    return LowShotResult(
        accuracy={n: statistics.mean(values) for n, values in found.items()},
        std={
            n: statistics.stdev(values) if draws > 1 else 0.0
            for n, values in found.items()
        },
        draws={n: tuple(values) for n, values in found.items()},
        C=float(C),
        dim=train_features.shape[1],
        test_images=len(test_labels),
        seed=seed,
    )


def rank_within_class(labels: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """The rank of each image, from 0, in a random order of the images of its class."""
    ranks = np.empty(len(labels), int)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        ranks[members] = rng.permutation(len(members))
    return ranks
