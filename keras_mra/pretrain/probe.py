"""A nearest-neighbour probe during training, so that learning is seen early."""

import keras

from keras_mra import checks
from keras_mra import evaluation
from keras_mra.evaluation.labelled import check_classes
from keras_mra.evaluation.labelled import labelled


class KNNProbe(keras.callbacks.Callback):
    """Reports a k-nearest-neighbour probe of the student as `knn_accuracy`.

    Args:
        train: Pair of images and integer labels.
        test: Likewise.
        every: Int, epochs between probes; the last epoch is always probed.
        pool: As in `keras_mra.vit.tokens.pool_tokens`.
        k: Int, neighbours that vote.
    """

    def __init__(self, train, test, every=1, pool="cls+mean", k=20):
        super().__init__()
        self.train = labelled("probe", train)
        self.test = labelled("probe", test)
        check_classes(self.train[1], self.test[1])
        self.every = checks.positive_int("probe_every", every)
        self.pool = pool
        self.k = min(k, len(train[0]))
        self.encoder = None

    def check_images(self, mae):
        """Refuses images that the model cannot take, before it is trained."""
        for images, _ in (self.train, self.test):
            checks.image_batch(images, mae.image_shape, "probe")
            checks.pixel_values(images, mae.value_range, "probe")

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and epoch + 1 != self.params["epochs"]:
            return
        if self.encoder is None:  # compiled once for all epochs
            self.encoder = evaluation.FeatureExtractor(self.model.mae, self.pool)
        result = evaluation.knn(self.encoder, self.train, self.test, k=self.k)
        logs["knn_accuracy"] = result.accuracy[self.k]
