"""Linear probes on a few labels of each class."""

import dataclasses
import statistics

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.labelled import check_class_sizes
from keras_mra.evaluation.labelled import check_seed
from keras_mra.evaluation.labelled import encoded
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.labelled import positive_ints
from keras_mra.evaluation.probe import check_probe
from keras_mra.evaluation.probe import fit_probe
from keras_mra.evaluation.results import Result
from keras_mra.evaluation.results import accuracy
from keras_mra.evaluation.results import percent


@dataclasses.dataclass(frozen=True)
class LowShotResult(Result):
    """What `low_shot` measured.

    Attributes:
        accuracy: Dict from labels per class to the mean accuracy of the draws.
        std: Dict from labels per class to the standard deviation over the draws.
        draws: Dict from labels per class to the accuracy of each draw.
        C: Float.
        dim: Int, width of the features.
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

    def rows(self):
        return [
            ("labels per class", "accuracy %", "deviation"),
            *(
                (str(n), percent(mean), percent(self.std[n]))
                for n, mean in self.accuracy.items()
            ),
        ]


def low_shot(
    encoder,
    train,
    test,
    labels_per_class=(10, 50, 100),
    draws=3,
    seed=0,
    pool="cls+mean",
    *,
    C=1.0,
    max_iterations=None,
    batch_size=256,
):
    """Linear probes on a few labels of each class, drawn several times.

    Within a draw, the larger sets contain the smaller ones. Features are standardised
    on the images whose labels were drawn. Needs scikit-learn:
    `pip install 'keras-mra[evaluation]'`.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` where the data are features.
        train: Pair of images and integer labels, or of features `(images, dim)` and
            labels; the labels are drawn from it.
        test: Likewise; all of it is tested on.
        labels_per_class: Int or sequence of ints.
        draws: Int.
        seed: Int.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        C: Float, the inverse of the strength of regularisation, as scikit-learn
            defines it.
        max_iterations: Int, of scikit-learn's L-BFGS; `None` for 1000.
        batch_size: Int, for the encoder.

    Returns:
        A `LowShotResult`.

    Raises:
        ValueError: If an argument or the features are bad, naming which.
        ImportError: If scikit-learn is not installed.

    Example:

    >>> print(keras_mra.evaluation.low_shot(mae, train, test, labels_per_class=10))
    """
    sizes = positive_ints("labels_per_class", labels_per_class)
    checks.positive_int("draws", draws)
    check_seed(seed)
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


def rank_within_class(labels, rng):
    """Each image's place, from 0, in a random order of the images of its class."""
    ranks = np.empty(len(labels), int)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        ranks[members] = rng.permutation(len(members))
    return ranks
