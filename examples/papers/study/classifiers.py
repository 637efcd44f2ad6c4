"""The classifiers of the experiments, and their training: the same for every arm."""

import keras
import numpy as np
from keras import ops

from keras_mra import datasets
from keras_mra.evaluation.results import accuracy
from study.batches import AugmentedBatches
from study.small_cnn import small_cnn

# Images by which a learning curve is drawn, and its points.
WATCHED, POINTS = 2000, 10


def build_network(name, image_shape, num_classes, value_range, seed):
    """A classifier that is not trained, from images in `value_range`.

    Args:
        name: `"small_cnn"`, or the name of a function of `keras.applications`.
        image_shape: `(height, width, channels)`.
        num_classes: Int.
        value_range: Pair of floats.
        seed: Int, for the initial weights.

    Returns:
        A `keras.Model` to the classes' probabilities.
    """
    keras.utils.set_random_seed(seed)
    if name == "small_cnn":
        return small_cnn(image_shape, num_classes, value_range, seed=seed)
    make = getattr(keras.applications, name, None)
    if make is None:
        raise ValueError(
            "`network` must be 'small_cnn' or a function of keras.applications, such "
            f"as 'ResNet50'. Received: network={name!r}"
        )
    low, high = value_range
    images = keras.Input(image_shape)
    x = keras.layers.Rescaling(2 / (high - low), -1 - 2 * low / (high - low))(images)
    body = make(weights=None, include_top=False, pooling="avg", input_shape=image_shape)
    head = keras.layers.Dense(num_classes, activation="softmax", dtype="float32")
    return keras.Model(images, head(body(x)))


def train_classifier(
    network, train, watched, *, layers=(), value_range, epochs, learning_rate
):
    """Trains a classifier on augmented batches: Adam, cosine decay, cross-entropy.

    Args:
        network: `keras.Model` from images to probabilities; it is trained.
        train: `EpochDataset` of images and integer labels.
        watched: `EpochDataset` by whose first images the learning curve is drawn;
            nothing is chosen by it.
        layers: As in `AugmentedBatches`.
        value_range: Pair of floats.
        epochs: Int.
        learning_rate: Float, the peak.

    Returns:
        Dict: `epoch`, `loss` and `error`, lists, of the epochs that were watched.
    """
    batches = AugmentedBatches(train, layers, network.output_shape[-1], value_range)
    return fit(
        network, network, batches, watched, epochs, learning_rate,
        loss="categorical_crossentropy",
    )  # fmt: skip


def fit(model, network, batches, watched, epochs, learning_rate, loss=None):
    """Trains a model by Adam with cosine decay, and watches its network.

    Args:
        model: `keras.Model` that is trained.
        network: `keras.Model` to probabilities, the model itself or a part of it.
        batches: `PyDataset` with `set_epoch`.
        watched, epochs, learning_rate: As in `train_classifier`.
        loss: As in `compile`.

    Returns:
        The learning curve, as `train_classifier` does.
    """
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * len(batches))
    model.compile(keras.optimizers.Adam(rate), loss)
    # TensorFlow traces a step again if the first trace has made variables.
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
    """Loss of training and error on other images, at some epochs."""

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
        self.points["epoch"].append(epoch + 1)
        self.points["loss"].append(float(logs["loss"]))
        self.points["error"].append(error(self.network, self.images, self.labels))


def error(network, images, labels):
    """The share of wrong answers."""
    predicted = network.predict(images, batch_size=500, verbose=0).argmax(axis=-1)
    return 1 - accuracy(predicted, labels)


def predictions(network, dataset, change=None):
    """Labels that a network gives to the images of a data set, in order.

    Args:
        network: `keras.Model` to probabilities.
        dataset: `EpochDataset` that is not shuffled.
        change: Function of a batch of images, or `None`.

    Returns:
        Integers of shape `(samples,)`, predicted, and the true ones.
    """
    predicted, labels = [], []
    for index in range(len(dataset)):
        images, true = dataset[index]
        images = images if change is None else ops.convert_to_numpy(change(images))
        predicted.append(network.predict_on_batch(images).argmax(axis=-1))
        labels.append(true)
    return np.concatenate(predicted), np.concatenate(labels)
