"""Batches that are augmented on their way to `fit`, images and labels together."""

import keras
import numpy as np
from keras import ops

from keras_mra import backend


class AugmentedBatches(keras.utils.PyDataset):
    """Batches of another data set, augmented by Keras layers.

    Outside the training step, because layers that mix images mix labels too, and some
    of Keras' cannot be compiled with XLA, as the step is.

    Args:
        dataset: `EpochDataset` of images and integer labels.
        layers: List of Keras layers on dicts of `"images"` and one-hot `"labels"`.
        num_classes: Int.
        value_range: Pair of floats, to which the images are clipped afterwards.
    """

    def __init__(self, dataset, layers, num_classes, value_range):
        super().__init__()
        self.dataset = dataset
        self.num_classes = num_classes
        self.value_range = value_range
        self._augment = None
        if layers:
            # Random state is read through a layer that holds them all.
            self._augment = backend.compiled(
                keras.layers.Pipeline(layers), lambda *batch: _apply(layers, *batch)
            )

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        images, labels = self.dataset[index]
        images = images.astype("float32")
        labels = np.eye(self.num_classes, dtype="float32")[labels]
        if self._augment is None:
            return images, labels
        images, labels = map(ops.convert_to_numpy, self._augment(images, labels))
        return np.clip(images, *self.value_range), labels

    def set_epoch(self, epoch):
        self.dataset.set_epoch(epoch)


def _apply(layers, images, labels):
    batch = {"images": images, "labels": labels}
    for layer in layers:
        batch = layer(batch, training=True)
    return batch["images"], batch["labels"]
