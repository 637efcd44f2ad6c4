"""Training of a classifier, alike for every augmentation that it is compared with."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_mra import backend
from keras_mra import datasets
from keras_mra.classifiers.augmented_batches import AugmentedBatches
from keras_mra.classifiers.augmented_batches import Base
from keras_mra.classifiers.learning_curve import LearningCurve
from keras_mra.classifiers.make_optimizer import make_optimizer


def train_classifier(
    network: keras.Model,
    train: datasets.EpochDataset,
    watched: datasets.EpochDataset,
    *,
    base: Base | None = None,
    layers: Sequence[keras.layers.Layer] = (),
    value_range: tuple[float, float],
    epochs: int,
    learning_rate: float,
    optimizer: str = "adam",
    warmup_epochs: int = 0,
    weight_decay: float = 0.0,
    label_smoothing: float = 0.0,
) -> dict[str, list[Any]]:
    """Trains a classifier on augmented batches by cross-entropy.

    Args:
        network: `keras.Model` from images to probabilities. It is trained in place.
        train: `EpochDataset` of images and integer labels.
        watched: `EpochDataset` of the images that the learning curve is drawn from.
            The training does not depend on them.
        base: As in `AugmentedBatches`.
        layers: As in `AugmentedBatches`.
        value_range: Pair of floats.
        epochs: Int.
        learning_rate: As in `make_optimizer`.
        optimizer: As in `make_optimizer`.
        warmup_epochs: Int, how many of the epochs belong to the warm-up.
        weight_decay: As in `make_optimizer`.
        label_smoothing: Float in [0, 1), as in `keras.losses.CategoricalCrossentropy`.

    Returns:
        The points of a `LearningCurve`.
    """
    classes = network.output_shape[-1]
    batches = AugmentedBatches(train, layers, classes, value_range, base)
    made = make_optimizer(
        optimizer,
        learning_rate,
        epochs * len(batches),
        warmup_epochs * len(batches),
        weight_decay,
    )
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
    return fit(network, network, batches, watched, epochs, made, loss)


def fit(
    model: keras.Model,
    network: keras.Model,
    batches: Any,
    watched: datasets.EpochDataset,
    epochs: int,
    optimizer: keras.optimizers.Optimizer,
    loss: keras.losses.Loss | None = None,
) -> dict[str, list[Any]]:
    """Trains a model, and draws a learning curve.

    Args:
        model: `keras.Model` to train.
        network: `keras.Model` to probabilities, the model itself or a part of it.
        batches: `PyDataset` with `set_epoch`.
        watched: As in `train_classifier`.
        epochs: As in `train_classifier`.
        optimizer: Keras optimizer.
        loss: As in `keras.Model.compile`.

    Returns:
        The points of a `LearningCurve`.
    """
    model.compile(optimizer, loss)
    # TensorFlow traces a step twice if the first trace creates variables.
    model.optimizer.build(model.trainable_variables)
    curve = LearningCurve(network, watched, epochs)
    model.fit(
        backend.batches_for_fit(batches),
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[datasets.SetEpoch(batches), curve],
    )
    return curve.points
