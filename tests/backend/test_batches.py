"""Batches for `fit`: the same ones, in the same order, and not tuned by `tf.data`."""

import keras
import numpy as np
import pytest

from keras_mra import backend
from keras_mra.datasets import ArrayDataset
from keras_mra.datasets import SetEpoch

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (22, 4, 4, 1)).astype("float32")
LABELS = RNG.integers(0, 3, 22).astype("int32")


def dataset(**workers):
    return ArrayDataset(
        IMAGES, LABELS, batch_size=8, seed=0, drop_last=False, **workers
    )


def test_fit_sees_the_same_batches():
    seen = []
    for prepare in (lambda batches: batches, backend.batches_for_fit):
        keras.utils.set_random_seed(0)
        batches = dataset()
        model = keras.Sequential(
            [
                keras.layers.Flatten(),
                keras.layers.Rescaling(1 / 255),
                keras.layers.Dense(3, activation="softmax"),
            ]
        )
        model.compile("sgd", "sparse_categorical_crossentropy")
        history = model.fit(
            prepare(batches),
            epochs=3,
            shuffle=False,
            verbose=0,
            callbacks=[SetEpoch(batches)],
        )
        seen.append((history.history["loss"], model.get_weights()))
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    for one, other in zip(seen[0][1], seen[1][1]):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="Other backends get the batches as they are.",
)
def test_images_alone_have_the_structure_that_keras_gives_them():
    traces = []

    class Model(keras.Sequential):
        def train_step(self, data):
            traces.append(data)  # Only while it is traced.
            return {"loss": keras.ops.mean(data[0])}

    model = Model([keras.layers.Flatten()])
    model.compile(run_eagerly=False)
    batches = ArrayDataset(IMAGES, batch_size=8, seed=0)
    for x in (batches, backend.batches_for_fit(batches)):
        model.fit(x, epochs=1, shuffle=False, verbose=0)
    assert len(traces) == 1


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="Only `tf.data` is tuned."
)
def test_the_dataset_is_not_tuned_and_its_length_is_known():
    found = backend.batches_for_fit(dataset())
    assert found.options().autotune.enabled is False
    assert len(found) == 3
    batches = list(found.as_numpy_iterator())
    assert [len(labels) for _, labels in batches] == [8, 8, 6]
    np.testing.assert_array_equal(batches[0][0], dataset()[0][0])


@pytest.mark.parametrize("workers", [1, 2])
def test_what_keras_does_not_tune_stays(workers):
    batches = dataset(workers=workers)
    stays = keras.backend.backend() != "tensorflow" or workers > 1
    assert (backend.batches_for_fit(batches) is batches) == stays
