"""What a classifier predicts for a data set, and how often it is wrong."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import backend
from keras_mra.datasets import EpochDataset


def predictions(
    network: keras.Model,
    dataset: EpochDataset,
    change: Callable[[Any], Any] | None = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The labels that a network gives to the images of a data set, in their order.

    Args:
        network: `keras.Model` to probabilities.
        dataset: `EpochDataset` of images and labels that is not shuffled.
        change: Function from a batch of images to a batch of images, or `None`.

    Returns:
        `(predicted, labels)`: integer arrays of shape `(samples,)`, what the network
        predicts and the true labels.
    """
    predicted, labels = [], []
    size = min(dataset.batch_size, dataset.num_samples)
    for index in range(len(dataset)):
        images, true = dataset[index]
        images = images if change is None else ops.convert_to_numpy(change(images))
        if len(true) < size:
            images = np.stack(backend.padded(list(images), size))
        found = network.predict_on_batch(images)[: len(true)]
        predicted.append(found.argmax(axis=-1))
        labels.append(true)
    return np.concatenate(predicted), np.concatenate(labels)


def classification_error(
    network: keras.Model,
    dataset: EpochDataset,
    change: Callable[[Any], Any] | None = None,
) -> float:
    """The share of the images of a data set that a network misclassifies.

    Args:
        network: As in `predictions`.
        dataset: As in `predictions`.
        change: As in `predictions`.
    """
    return error_rate(*predictions(network, dataset, change))


def error_rate(predicted: NDArray[Any], labels: NDArray[Any]) -> float:
    """The share of predictions that differ from the labels."""
    return float((predicted != labels).mean())
