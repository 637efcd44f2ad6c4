"""`LearningCurve`: the loss and the error of a classifier while it trains."""

from typing import Any

import keras
import numpy as np

from keras_mra import datasets
from keras_mra.classifiers.predictions import classification_error

# The images and the points of a curve.
WATCHED, POINTS = 2000, 10


class LearningCurve(keras.callbacks.Callback):
    """Records the training loss and the error on watched images at some epochs.

    Args:
        network: `keras.Model` to probabilities.
        watched: `EpochDataset`. At most 2,000 of its images are watched, spread evenly.
        epochs: Int, the epochs of the training. At most 10 of them are recorded.

    Attributes:
        points: Dict of the lists `epoch`, `loss` and `error`.
    """

    def __init__(
        self, network: keras.Model, watched: datasets.EpochDataset, epochs: int
    ) -> None:
        super().__init__()
        self.network = network
        count = min(WATCHED, watched.num_samples)
        chosen = np.linspace(0, watched.num_samples - 1, count).astype(int)
        part = datasets.Subset(watched, chosen, batch_size=count, shuffle=False)
        images, labels = datasets.in_memory(part)
        self.images = datasets.ArrayDataset(
            images,
            labels,
            # As in `predictions` of all images: each size of a batch is compiled.
            batch_size=min(watched.batch_size, count),
            shuffle=False,
            drop_last=False,
        )
        self.watched = {round(e) for e in np.linspace(1, epochs, min(POINTS, epochs))}
        self.points: dict[str, list[Any]] = {"epoch": [], "loss": [], "error": []}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch + 1 not in self.watched:
            return
        self.points["epoch"].append(epoch + 1)
        self.points["loss"].append(float((logs or {})["loss"]))
        self.points["error"].append(classification_error(self.network, self.images))
