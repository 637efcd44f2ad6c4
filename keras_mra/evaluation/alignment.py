"""Alignment and uniformity of the features of two views of images."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.evaluation.features import Encoder
from keras_mra.evaluation.features import feature_extractor
from keras_mra.evaluation.knn import unit_length
from keras_mra.evaluation.result import Result
from keras_mra.typing import Array

# Products held at a time: 64 MiB in float32.
CHUNK = 2**24


@dataclasses.dataclass(frozen=True)
class AlignmentResult(Result):
    """The result of `alignment`; smaller values are better.

    Attributes:
        alignment: Float, at least 0, the distance between the views of an image.
        uniformity: Float, at most 0. A smaller value means that the features cover the
            sphere more evenly.
        alpha, t: Floats.
        dim: Int, the width of the features.
        images: Int.
    """

    protocol = "alignment"

    alignment: float
    uniformity: float
    alpha: float
    t: float
    dim: int
    images: int

    def rows(self) -> list[tuple[str, ...]]:
        return [
            ("alignment", "uniformity"),
            (f"{self.alignment:.4f}", f"{self.uniformity:.4f}"),
        ]


def alignment(
    encoder: Encoder,
    first: Array,
    second: Array,
    pool: str = "cls+mean",
    *,
    alpha: float = 2.0,
    t: float = 2.0,
    batch_size: int = 256,
) -> AlignmentResult:
    """Measures alignment and uniformity of the features of two views of images.

    The definitions are those of Wang and Isola (2020), for features scaled to length 1.
    Alignment is the mean of `distance ** alpha` over the two views of each image.
    Uniformity is the logarithm of the mean of `exp(-t * distance ** 2)` over all pairs
    of different images, computed for each view and averaged.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` if the views are features.
        first: Array of images, or of features `(images, dim)`: one view of each image.
        second: Array of the same kind: another view of the same images, in the same
            order.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        alpha: Positive float.
        t: Positive float.
        batch_size: Int, for the encoder.

    Returns:
        An `AlignmentResult`.

    Raises:
        ValueError: If an argument or the features are bad. The message names it.

    Example:

    ```python
    view = keras_mra.views.weak(mae.image_shape, mae.value_range, seed=0)
    print(keras_mra.evaluation.alignment(mae, images, view(images)))
    ```
    """
    alpha = checks.positive_float("alpha", alpha)
    t = checks.positive_float("t", t)
    extract = feature_extractor(encoder, pool, batch_size)
    views = {"first": first, "second": second}
    features = {}
    for name, images in views.items():
        features[name] = unit_length(extract(images, name))
    shapes = [found.shape for found in features.values()]
    if shapes[0] != shapes[1] or len(features["first"]) < 2:
        raise ValueError(
            "`first` and `second` must be two views of the same images, at least two. "
            f"Received: features of shapes {shapes[0]} and {shapes[1]}"
        )
    apart = np.linalg.norm(features["first"] - features["second"], axis=1)
    return AlignmentResult(
        alignment=float(np.mean(apart.astype("float64") ** alpha)),
        uniformity=float(np.mean([_uniformity(x, t) for x in features.values()])),
        alpha=alpha,
        t=t,
        dim=shapes[0][1],
        images=shapes[0][0],
    )


def _uniformity(features: NDArray[Any], t: float) -> float:
    """Uniformity of features `(images, dim)` of length 1, in chunks of rows."""
    count = len(features)
    squares = np.square(features).sum(axis=1)
    step = max(CHUNK // count, 1)
    total = 0.0
    for start in range(0, count, step):
        part = slice(start, start + step)
        squared = squares[part, None] + squares - 2 * features[part] @ features.T
        total += float(np.exp(-t * np.maximum(squared, 0)).sum(dtype="float64"))
    # The sum holds each image's distance of 0 to itself, and each pair twice.
    return float(np.log((total - count) / (count * (count - 1))))
