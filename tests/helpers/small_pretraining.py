"""A quick pretraining, and data in every form that it takes."""

import keras
import numpy as np
import pytest

import keras_mra
from helpers.models import TINY

SMALL = {**TINY, "encoder_depth": 1}
LABELS = np.arange(12, dtype="int32")


class NoTraining(Exception):
    pass


def pretrain(ds, **arguments):
    defaults = dict(preset="mae_nano", patch_size=2, epochs=1, verbose=0, **SMALL)
    return keras_mra.pretrain_mae(ds, **{**defaults, **arguments})


class Steps(keras.callbacks.Callback):
    """Counts the training steps."""

    count = 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1


class Batches(keras.utils.PyDataset):
    """Someone else's data set: three batches of four."""

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
