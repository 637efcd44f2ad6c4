"""A quick pretraining, callbacks that watch or end it, and data in every form."""

import keras
import numpy as np
import pytest

import keras_mra
from helpers.models import TINY

SMALL = {**TINY, "encoder_depth": 1}
LABELS = np.arange(12, dtype="int32")


class NoTraining(Exception):
    """Raised where training would start."""


class Killed(Exception):
    """Ends a run as if its process had been killed."""


def make_images():
    return np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), dtype="uint8")


def pretrain(ds, **arguments):
    """`pretrain_mae` with a model of a few thousand weights."""
    defaults = dict(preset="mae_nano", patch_size=2, epochs=1, verbose=0, **SMALL)
    return keras_mra.pretrain_mae(ds, **{**defaults, **arguments})


EPOCHS = 4


def pretrain_at_random(ds, **arguments):
    """`pretrain_mae` for four epochs; order, crops, flips and masks are random."""
    defaults = dict(
        image_shape=(8, 8, 1), epochs=EPOCHS, learning_rate=0.05, seed=3,
        batch_size=None if isinstance(ds, keras.utils.PyDataset) else 4,
    )  # fmt: skip
    return pretrain(ds, **{**defaults, **arguments})


def assert_same_run(one, other):
    assert one.history.history == other.history.history
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class Epochs(keras.callbacks.Callback):
    """Records which epochs ran."""

    def __init__(self):
        super().__init__()
        self.begun = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(epoch)


class Steps(keras.callbacks.Callback):
    """Counts the training steps."""

    count = 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1


class Kill(keras.callbacks.Callback):
    """Ends the run in an epoch, at its beginning or after its first step."""

    def __init__(self, epoch, middle):
        super().__init__()
        self.epoch, self.middle = epoch, middle
        self.now = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch
        if epoch == self.epoch and not self.middle:
            raise Killed

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and self.middle:
            raise Killed


class Batches(keras.utils.PyDataset):
    """A `PyDataset` that is not of this package: three batches of four."""

    def __init__(self, images, labels=None):
        super().__init__()
        self.images, self.labels = images, labels

    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        if self.labels is None:
            return self.images[rows]
        return self.images[rows], self.labels[rows]


def tf_data(*arrays):
    tf = pytest.importorskip("tensorflow")
    arrays = arrays if len(arrays) > 1 else arrays[0]
    return tf.data.Dataset.from_tensor_slices(arrays).batch(4)


def tf_data_of_unknown_length(*arrays):
    return tf_data(*arrays).filter(lambda *_: True)


def grain_source(arrays):
    class Source:
        def __len__(self):
            return 12

        def __getitem__(self, index):
            rows = tuple(a[index] for a in arrays)
            return rows if len(rows) > 1 else rows[0]

    return Source()


def grain_map(*arrays):
    grain = pytest.importorskip("grain")
    return grain.MapDataset.source(grain_source(arrays)).batch(4)


def grain_iter(*arrays):
    return grain_map(*arrays).to_iter_dataset()


def grain_loader(*arrays):
    grain = pytest.importorskip("grain")
    return grain.DataLoader(
        data_source=grain_source(arrays),
        sampler=grain.samplers.IndexSampler(12, num_epochs=1, shuffle=False, seed=0),
        operations=[grain.transforms.Batch(4)],
    )


def torch_loader(*arrays):
    torch = pytest.importorskip("torch")
    tensors = torch.utils.data.TensorDataset(*map(torch.from_numpy, arrays))
    return torch.utils.data.DataLoader(tensors, batch_size=4)


STREAMS = [
    Batches, tf_data, tf_data_of_unknown_length, grain_map, grain_iter, grain_loader,
    torch_loader,
]  # fmt: skip
