"""Alignment and uniformity: do views of an image meet, do images keep apart?"""

import dataclasses

import numpy as np

from keras_mra import checks
from keras_mra.evaluation.features import feature_extractor
from keras_mra.evaluation.knn import unit_length
from keras_mra.evaluation.results import Result

# Products held at a time: 64 MiB in float32.
CHUNK = 2**24


@dataclasses.dataclass(frozen=True)
class AlignmentResult(Result):
    """What `alignment` measured; of both, less is better.

    Attributes:
        alignment: Float, at least 0: how far the views of an image are apart.
        uniformity: Float, at most 0: how unevenly images fill the sphere.
        alpha, t: Floats.
        dim: Int, width of the features.
        images: Int.
    """

    protocol = "alignment"

    alignment: float
    uniformity: float
    alpha: float
    t: float
    dim: int
    images: int

    def rows(self):
        return [
            ("alignment", "uniformity"),
            (f"{self.alignment:.4f}", f"{self.uniformity:.4f}"),
        ]


def alignment(
    encoder, first, second, pool="cls+mean", *, alpha=2.0, t=2.0, batch_size=256
):
    """Measures alignment and uniformity of the features of two views of images.

    Wang and Isola (2020), on features scaled to length 1: alignment is the mean of
    `distance ** alpha` of the two views of an image; uniformity the logarithm of the
    mean of `exp(-t * distance ** 2)` over all pairs of different images, taken in each
    view and averaged.

    Args:
        encoder: `MAE`, `MSA`, Keras model or layer, function of a NumPy batch, or
            `None` where the views are features.
        first: Array of images, or of features `(images, dim)`: a view of each image.
        second: Likewise another view of the same images, in the same order.
        pool: `"cls"`, `"mean"` or `"cls+mean"`, for an `MAE` or `MSA`.
        alpha: Float.
        t: Float.
        batch_size: Int, for the encoder.

    Returns:
        An `AlignmentResult`.

    Raises:
        ValueError: If an argument or the features are bad, naming which.

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


def _uniformity(features, t):
    """Of features `(images, dim)` of length 1, or 0, some rows at a time."""
    count = len(features)
    squares = np.square(features).sum(axis=1)
    step = max(CHUNK // count, 1)
    total = 0.0
    for start in range(0, count, step):
        part = slice(start, start + step)
        squared = squares[part, None] + squares - 2 * features[part] @ features.T
        total += np.exp(-t * np.maximum(squared, 0)).sum(dtype="float64")
    # Each image is at distance 0 of itself, and each pair came twice.
    return np.log((total - count) / (count * (count - 1)))
