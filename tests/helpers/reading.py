"""What the tests of data sets read, and read with."""

import keras
import numpy as np
from PIL import Image

RNG = np.random.default_rng(0)


def save(path, size=(40, 30), mode="RGB", **kwargs):
    """Writes noise as an image file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, (size[1], size[0], 4), dtype="uint8")
    Image.fromarray(pixels).convert(mode).save(path, **kwargs)
    return path


def all_batches(dataset):
    dataset.on_epoch_begin()
    batches = [dataset[i] for i in range(len(dataset))]
    dataset.on_epoch_end()
    return batches


class AnyModel(keras.Model):
    """Gives `fit` something to do, with labels or without."""

    def __init__(self):
        super().__init__()
        self.scale = keras.layers.Dense(1)

    def call(self, x):
        return self.scale(keras.ops.cast(x, "float32") / 255)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **kwargs):
        return keras.ops.mean(keras.ops.square(y_pred))
