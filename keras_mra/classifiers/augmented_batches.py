"""Batches that are augmented before `fit`, images and labels together."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import TypeAlias

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import backend
from keras_mra.datasets import EpochDataset

# From a batch of images and a random generator to a batch of images.
Base: TypeAlias = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]


class AugmentedBatches(keras.utils.PyDataset):
    """Batches of another data set, augmented by a function and then by Keras layers.

    The layers run outside the training step: those that mix images mix labels too,
    and XLA, which compiles the step, cannot compile some of Keras' layers.

    Args:
        dataset: `EpochDataset` of images and integer labels.
        layers: Keras layers on dicts of `"images"` and one-hot `"labels"`.
        num_classes: Int.
        value_range: Pair of floats. Augmented images are clipped to it.
        base: Function from a batch of images, an array, and a
            `numpy.random.Generator` to a batch of images; or `None`. The generator
            depends only on the seed of the data set, the epoch and the batch, so that
            every arm gets the same flips and crops.
    """

    def __init__(
        self,
        dataset: EpochDataset,
        layers: Sequence[keras.layers.Layer],
        num_classes: int,
        value_range: tuple[float, float],
        base: Base | None = None,
    ) -> None:
        super().__init__()
        self.dataset = dataset
        self.base = base
        self.num_classes = num_classes
        self.value_range = value_range
        self._augment: Any = None
        if layers:
            # `compiled` finds the random state of all layers in one that holds them.
            self._augment = backend.compiled(
                keras.layers.Pipeline(list(layers)),
                lambda *batch: _apply(layers, *batch),
            )

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        images, labels = self.dataset[index]
        if self.base is not None:
            # The last number separates this random stream from those of the data set.
            seed = [self.dataset.seed, self.dataset.epoch, index, 1]
            images = self.base(images, np.random.default_rng(seed))
        images = images.astype("float32")
        labels = np.eye(self.num_classes, dtype="float32")[labels]
        if self._augment is None:
            return images, labels
        images, labels = map(ops.convert_to_numpy, self._augment(images, labels))
        return np.clip(images, *self.value_range), labels

    def set_epoch(self, epoch: int) -> None:
        self.dataset.set_epoch(epoch)


def _apply(
    layers: Sequence[keras.layers.Layer], images: Any, labels: Any
) -> tuple[Any, Any]:
    batch = {"images": images, "labels": labels}
    for layer in layers:
        batch = layer(batch, training=True)
    return batch["images"], batch["labels"]
