"""Neighbour purity: do the nearest images show the same thing?"""

import dataclasses

import numpy as np

from keras_mra.evaluation.features import feature_extractor
from keras_mra.evaluation.knn import nearest
from keras_mra.evaluation.knn import unit_length
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.labelled import positive_ints
from keras_mra.evaluation.results import Result
from keras_mra.evaluation.results import percent


@dataclasses.dataclass(frozen=True)
class PurityResult(Result):
    """What `purity` measured.

    Attributes:
        purity: Dict from k to the mean share of neighbours of the image's own class.
        chance: Float, that share for neighbours drawn at random.
        dim: Int, width of the features.
        images: Int.
    """

    protocol = "purity"

    purity: dict[int, float]
    chance: float
    dim: int
    images: int

    def rows(self):
        return [
            ("k", "purity %"),
            *((str(k), percent(value)) for k, value in self.purity.items()),
            ("chance", percent(self.chance)),
        ]


def purity(encoder, data, k=(1, 5, 20), pool="cls+mean", *, batch_size=256):
    """Measures how many of the nearest images are of an image's own class.

    Neighbours are found by cosine similarity among the other images of `data`. Unlike
    `knn`, nothing is voted: each neighbour counts.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` where the data are features.
        data: Pair of images and integer labels, or of features `(images, dim)` and
            labels.
        k: Int or sequence of ints, numbers of neighbours.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        batch_size: Int, for the encoder.

    Returns:
        A `PurityResult`.

    Raises:
        ValueError: If an argument or the features are bad, naming which.

    Example:

    >>> keras_mra.evaluation.purity(mae, (images, labels), k=20).purity[20]
    """
    ks = positive_ints("k", k)
    images, labels = labelled("data", data)
    count = len(labels)
    if max(ks) >= count:
        raise ValueError(
            f"`k` must be less than the number of images, {count}. Received: k={k!r}"
        )
    features = unit_length(feature_extractor(encoder, pool, batch_size)(images, "data"))
    same = np.empty((count, max(ks)), bool)
    for part, _, found in nearest(features, features, max(ks), skip_own=True):
        same[part] = labels[found] == labels[part, None]
    sizes = np.unique(labels, return_counts=True)[1]
    return PurityResult(
        purity={n: float(same[:, :n].mean()) for n in ks},
        chance=float((sizes * (sizes - 1)).sum() / (count * (count - 1))),
        dim=features.shape[1],
        images=count,
    )
