"""Streams of batches, of every library."""

import pickle

import numpy as np
import pytest

from keras_mra import backend
from keras_mra.datasets import ArrayDataset


def tf_data():
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(np.zeros((4, 2))).batch(2)


def grain():
    return pytest.importorskip("grain").MapDataset.source(range(4)).batch(2)


def torch_loader():
    torch = pytest.importorskip("torch")
    return torch.utils.data.DataLoader(torch.arange(4), batch_size=2)


def py_dataset():
    return ArrayDataset(np.zeros((4, 2)), batch_size=2)


@pytest.mark.parametrize("make", [tf_data, grain, torch_loader, py_dataset])
def test_streams_are_recognised(make):
    assert backend.is_stream(make())


@pytest.mark.parametrize("other", [np.zeros((4, 2)), [1, 2], "digits", None, iter([])])
def test_other_data_is_no_stream(other):
    assert not backend.is_stream(other)


def test_loaders_of_torch_give_tuples():
    loader = torch_loader()
    changed = backend.with_tuples(loader)
    assert [tuple(map(list, batch)) for batch in changed] == [([0, 1],), ([2, 3],)]
    assert not isinstance(next(iter(loader)), tuple)  # The user's own is unchanged.
    pickle.dumps(changed.collate_fn)


def test_other_streams_stay():
    ds = py_dataset()
    assert backend.with_tuples(ds) is ds
