"""The classifiers of the experiments: trained and tested alike for every arm."""

import keras
import numpy as np
from keras import ops

from keras_mra import datasets
from study.augmented_batches import AugmentedBatches
from study.optimizers import make_optimizer

# The images and the points of a learning curve.
WATCHED, POINTS = 2000, 10


def train_classifier(
    network,
    train,
    watched,
    *,
    base=None,
    layers=(),
    value_range,
    epochs,
    learning_rate,
    optimizer="adam",
    warmup_epochs=0,
    weight_decay=0.0,
    label_smoothing=0.0,
):
    """Trains a classifier on augmented batches by cross-entropy.

    Args:
        network: `keras.Model` from images to probabilities. It is trained in place.
        train: `EpochDataset` of images and integer labels.
        watched: `EpochDataset` of the images that the learning curve is drawn from.
            The training does not depend on them.
        base, layers: As in `AugmentedBatches`.
        value_range: Pair of floats.
        epochs: Int.
        learning_rate, optimizer, weight_decay: As in `make_optimizer`.
        warmup_epochs: Int, how many of the epochs belong to the warm-up.
        label_smoothing: Float in [0, 1), as in `keras.losses.CategoricalCrossentropy`.

    Returns:
        The learning curve: a dict of the lists `epoch`, `loss` and `error`, which
        have an entry for each of at most `POINTS` epochs.
    """
    classes = network.output_shape[-1]
    batches = AugmentedBatches(train, layers, classes, value_range, base)
    optimizer = make_optimizer(
        optimizer,
        learning_rate,
        epochs * len(batches),
        warmup_epochs * len(batches),
        weight_decay,
    )
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
    return fit(network, network, batches, watched, epochs, optimizer, loss)


def fit(model, network, batches, watched, epochs, optimizer, loss=None):
    """Trains a model, and draws a learning curve.

    Args:
        model: `keras.Model` to train.
        network: `keras.Model` to probabilities, the model itself or a part of it.
        batches: `PyDataset` with `set_epoch`.
        watched, epochs: As in `train_classifier`.
        optimizer: Keras optimizer.
        loss: As in `keras.Model.compile`.

    Returns:
        The learning curve, as in `train_classifier`.
    """
    model.compile(optimizer, loss)
    # TensorFlow traces a step twice if the first trace creates variables.
    model.optimizer.build(model.trainable_variables)
    curve = _LearningCurve(network, watched, epochs)
    model.fit(
        batches,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[datasets.SetEpoch(batches), curve],
    )
    return curve.points


class _LearningCurve(keras.callbacks.Callback):
    """Records the training loss and the error on watched images at some epochs."""

    def __init__(self, network, watched, epochs):
        super().__init__()
        self.network = network
        count = min(WATCHED, watched.num_samples)
        chosen = np.linspace(0, watched.num_samples - 1, count).astype(int)
        part = datasets.Subset(watched, chosen, batch_size=count, shuffle=False)
        self.images, self.labels = datasets.in_memory(part)
        self.watched = {round(e) for e in np.linspace(1, epochs, min(POINTS, epochs))}
        self.points: dict[str, list] = {"epoch": [], "loss": [], "error": []}

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 not in self.watched:
            return
        found = self.network.predict(self.images, batch_size=500, verbose=0)
        self.points["epoch"].append(epoch + 1)
        self.points["loss"].append(float(logs["loss"]))
        self.points["error"].append(error_rate(found.argmax(axis=-1), self.labels))


def predictions(network, dataset, change=None):
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
    for index in range(len(dataset)):
        images, true = dataset[index]
        images = images if change is None else ops.convert_to_numpy(change(images))
        predicted.append(network.predict_on_batch(images).argmax(axis=-1))
        labels.append(true)
    return np.concatenate(predicted), np.concatenate(labels)


def classification_error(network, dataset, change=None):
    """The share of the images of a data set that a network misclassifies.

    Args:
        network, dataset, change: As in `predictions`.
    """
    return error_rate(*predictions(network, dataset, change))


def error_rate(predicted, labels):
    """The share of predictions that differ from the labels, as a float."""
    return float((predicted != labels).mean())
