"""`KNNProbe`: a nearest-neighbour probe of the encoder, during pretraining."""

import reprlib
from typing import Any

import keras

from keras_mra import checks
from keras_mra import datasets
from keras_mra import evaluation
from keras_mra.evaluation.labelled import LabelledData
from keras_mra.evaluation.labelled import check_classes
from keras_mra.evaluation.labelled import labelled
from keras_mra.models import MAE

NEIGHBOURS = 20  # They vote.


class KNNProbe(keras.callbacks.Callback):
    """Reports the accuracy of a k-nearest-neighbour probe as `knn_accuracy`.

    The model in training must have its autoencoder as the attribute `mae`.

    Args:
        train: Pair of images and integer labels, the possible neighbours.
        test: Pair of images and integer labels, the images to classify.
        every: Int, epochs between probes. The last epoch is always probed.
        pool: As in `keras_mra.vit.tokens.pool_tokens`.

    Raises:
        ValueError: If the data or a number is bad.
    """

    def __init__(
        self,
        train: LabelledData,
        test: LabelledData,
        every: int,
        pool: str,
    ):
        super().__init__()
        self.train = labelled("probe", train)
        self.test = labelled("probe", test)
        check_classes(self.train[1], self.test[1])
        self.every = checks.positive_int("probe_every", every)
        self.pool = pool
        self.k = min(NEIGHBOURS, len(self.train[0]))
        self.encoder: evaluation.FeatureExtractor | None = None

    def check_images(self, mae: MAE) -> None:
        """Refuses images that do not fit the model."""
        for images, _ in (self.train, self.test):
            checks.image_batch(images, mae.image_shape, "probe")
            checks.pixel_values(images, mae.value_range, "probe")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if (epoch + 1) % self.every and epoch + 1 != self.params["epochs"]:
            return
        if self.encoder is None:  # compiled once for all epochs
            self.encoder = evaluation.FeatureExtractor(self.model.mae, self.pool)
        result = evaluation.knn(self.encoder, self.train, self.test, k=self.k)
        if logs is not None:
            logs["knn_accuracy"] = result.accuracy[self.k]


def knn_probe(probe: Any, every: int, mae: MAE, pool: str = "cls+mean") -> KNNProbe:
    """Makes the callback for the argument `probe` of a `pretrain_*` function.

    Args:
        probe: Pair of pairs, `((images, labels), (images, labels))`, train and test,
            or the name of a data set with labels and a test split.
        every: Int, epochs between probes.
        mae: The `MAE` in training. Named data are read at its image size.
        pool: As in `keras_mra.vit.tokens.pool_tokens`.

    Raises:
        ValueError: If `probe` is neither, or its images do not fit the model.
    """
    if isinstance(probe, str):
        probe = _load_splits(probe, mae)
    if not isinstance(probe, (tuple, list)) or len(probe) != 2:
        raise ValueError(
            "`probe` must be a pair, ((images, labels), (images, labels)), train and "
            f"test, or the name of a data set. Received: probe={reprlib.repr(probe)} "
            f"(of type {type(probe).__name__})"
        )
    train, test = probe
    callback = KNNProbe(train, test, every, pool)
    callback.check_images(mae)
    return callback


def _load_splits(name: str, mae: MAE) -> tuple[Any, Any]:
    """Both splits of a named data set, as arrays."""
    data = datasets.load(name, image_shape=mae.image_shape, crop="center")
    if data.test is None or data.class_names is None:
        raise ValueError(
            "`probe` must name data with labels and a test split. Received: "
            f"probe={name!r}"
        )
    train, test = (
        split if isinstance(split, tuple) else datasets.in_memory(split)
        for split in (data.train, data.test)
    )
    return train, test
