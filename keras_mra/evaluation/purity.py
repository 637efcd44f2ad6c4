"""Neighbour purity: the share of nearest images that belong to the image's class."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.features import Encoder
from keras_mra.evaluation.features import feature_extractor
from keras_mra.evaluation.knn import nearest
from keras_mra.evaluation.knn import unit_length
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.evaluation.labelled import labelled
from keras_mra.evaluation.result import Result
from keras_mra.evaluation.result import percent


@dataclasses.dataclass(frozen=True)
class PurityResult(Result):
    """The result of `purity`.

    Attributes:
        purity: Dict from k to the mean share of neighbours of the image's own class.
        chance: Float, the share for neighbours drawn at random.
        dim: Int, the width of the features.
        images: Int.
    """

    protocol = "purity"

    purity: dict[int, float]
    chance: float
    dim: int
    images: int

    def rows(self) -> list[tuple[str, ...]]:
        return [
            ("k", "purity %"),
            *((str(k), percent(value)) for k, value in self.purity.items()),
            ("chance", percent(self.chance)),
        ]


def purity(
    encoder: Encoder,
    data: LabelledData,
    k: int | Sequence[int] = (1, 5, 20),
    pool: str = "cls+mean",
    *,
    batch_size: int = 256,
) -> PurityResult:
    """Measures how many of the nearest images belong to an image's own class.

    The neighbours are the other images of `data` with the largest cosine similarity.
    Every neighbour counts equally; `knn` lets the neighbours vote instead.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` if the data are features.
        data: Pair of images and integer labels, or of features `(images, dim)` and
            labels.
        k: Int or sequence of ints, numbers of neighbours.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        batch_size: Int, for the encoder.

    Returns:
        A `PurityResult`.

    Raises:
        ValueError: If an argument or the features are bad. The message names it.

    Example:

    >>> keras_mra.evaluation.purity(mae, (images, labels), k=20).purity[20]
    """
    ks = checks.positive_ints("k", k)
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
