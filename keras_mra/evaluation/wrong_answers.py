"""`WrongAnswers`: the share of images that a classifier of any kind gets wrong."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_mra.evaluation.features import FeatureExtractor
from keras_mra.evaluation.features import mae_of
from keras_mra.typing import Array


class WrongAnswers:
    """Measures the error of a classifier on changed versions of labelled images.

    Args:
        classifier: Keras model, or function of a NumPy batch, that returns a score for
            each class, `(batch, classes)`.
        labels: Integer array of shape `(images,)`, indices of the scores.
        batch_size: Int.

    Call arguments:
        images: Array of shape `(images, height, width, channels)`.

    Returns:
        Float, the share of the images whose largest score is not their label's.

    Raises:
        ValueError: If the classifier gives no scores, or the labels do not fit them.
    """

    def __init__(
        self,
        classifier: keras.Model | Callable[[NDArray[Any]], Array],
        labels: NDArray[Any],
        batch_size: int,
    ) -> None:
        if not callable(classifier) or mae_of(classifier) is not None:
            raise ValueError(
                "`classifier` must be a Keras model, or a function of images, that "
                f"gives a score for each class. Received: classifier={classifier!r} "
                f"(of type {type(classifier).__name__})"
            )
        self.labels = labels
        self._scores = FeatureExtractor(classifier, batch_size=batch_size)

    def __call__(self, images: NDArray[Any]) -> float:
        scores = self._scores(images, "data")
        if self.labels.min() < 0 or self.labels.max() >= scores.shape[1]:
            raise ValueError(
                "`data` must have labels that are indices of the classifier's scores, "
                f"from 0 to {scores.shape[1] - 1}. Received: labels from "
                f"{self.labels.min()} to {self.labels.max()}"
            )
        return float(np.mean(scores.argmax(axis=1) != self.labels))
