"""`fit` on data sets, on every backend: epochs, resumption, folders and workers."""

import numpy as np
import pytest
from helpers.reading import RNG
from helpers.reading import AnyModel
from helpers.reading import save

from keras_mra import backend
from keras_mra import datasets


def recorded(dataset):
    """Makes `dataset` note (epoch, indices) of each batch that it serves."""
    seen, batch = set(), dataset.batch

    def note(indices):
        seen.add((dataset.epoch, tuple(int(i) for i in indices)))
        return batch(indices)

    dataset.batch = note
    return seen


@pytest.mark.parametrize("prepare", [lambda data: data, backend.batches_for_fit])
def test_fit_walks_through_the_epochs_one_by_one(prepare):
    images = RNG.random((8, 4, 4, 1), "float32")
    data = datasets.ArrayDataset(images, batch_size=4, seed=1)
    seen = recorded(data)
    model = AnyModel()
    model.compile("sgd")
    kwargs = {"epochs": 3, "shuffle": False, "verbose": 0}
    model.fit(prepare(data), callbacks=[datasets.SetEpoch(data)], **kwargs)
    assert data.epoch == 3 and sorted({epoch for epoch, _ in seen}) == [0, 1, 2]
    for epoch in range(3):  # Each sample once; peeks serve nothing else.
        served = [i for e, indices in seen if e == epoch for i in indices]
        assert sorted(served) == list(range(8))
    other = datasets.ArrayDataset(images, batch_size=4, seed=1)
    seen_again = recorded(other)
    callbacks = [datasets.SetEpoch(other)]
    model.fit(prepare(other), initial_epoch=2, callbacks=callbacks, **kwargs)
    last = {entry for entry in seen if entry[0] == 2}
    assert {entry for entry in seen_again if entry[0] == 2} == last


@pytest.mark.parametrize("workers", [1, 2])
def test_fit_on_a_folder(tmp_path, workers):
    for i in range(4):
        save(tmp_path / f"k{i % 2}" / f"{i}.jpg")
    data = datasets.FolderDataset(
        tmp_path, (8, 8, 3), 2, labels=True, crops_per_image=2, workers=workers
    )
    model = AnyModel()
    model.compile("sgd")
    history = model.fit(data, epochs=2, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all() and data.epoch >= 2


def test_fit_on_tfds():
    tfds = pytest.importorskip("tensorflow_datasets")
    policy = tfds.testing.MockPolicy.USE_CODE
    with tfds.testing.mock_data(num_examples=6, policy=policy):
        data = datasets.load("tfds:mnist", image_shape=(8, 8, 1), batch_size=3)
        model = AnyModel()
        model.compile("sgd")
        history = model.fit(data.train, epochs=2, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all() and data.train.epoch >= 2
