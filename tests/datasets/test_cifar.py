"""CIFAR-10 and CIFAR-100: from the cache of Keras, and without one."""

import hashlib
import pickle
import socket
import tarfile

import keras
import numpy as np
import pytest
from helpers.reading import RNG

from keras_mra import datasets
from keras_mra.datasets import cifar

pytestmark = pytest.mark.once


def batch(path, count, classes, key):
    """Writes a file of the published form; returns its images and labels."""
    images = RNG.integers(0, 256, (count, 32, 32, 3), dtype="uint8")
    labels = (np.arange(count) % classes).tolist()
    flat = images.transpose(0, 3, 1, 2).reshape(count, -1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps({b"data": flat, key: labels}))
    return images, labels


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache of Keras, and a network that is down."""

    def no_network(*_):
        raise OSError("no route to host")

    home = tmp_path / "keras"
    home.mkdir()
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", no_network)
    monkeypatch.setattr(
        "keras.src.utils.file_utils.config.keras_home", lambda: str(home)
    )
    return home / "datasets"


def test_cifar100_from_the_cache(cache, tmp_path, monkeypatch):
    folder = tmp_path / "cifar-100-python"
    images, labels = batch(folder / "train", 200, 100, b"fine_labels")
    batch(folder / "test", 100, 100, b"fine_labels")
    cache.mkdir()
    archive = cache / "cifar-100-python-target_archive"
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, "cifar-100-python")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    real = keras.src.utils.file_utils.get_file
    monkeypatch.setattr(
        "keras.src.datasets.cifar100.get_file",
        lambda **found: real(**{**found, "file_hash": digest}),
    )
    data = datasets.load("cifar100")
    np.testing.assert_array_equal(data.train[0], images)
    np.testing.assert_array_equal(data.train[1], labels)
    assert data.test[0].shape == (100, 32, 32, 3) and data.train[1].dtype == "int32"
    assert len(set(data.class_names)) == 100 and data.class_names[2] == "baby"
    assert list(data.class_names) == sorted(data.class_names)
    assert data.source == "keras.datasets.cifar100"


def arrays(count, classes=10):
    labels = np.arange(count)[:, None] % classes
    return RNG.integers(0, 256, (count, 32, 32, 3), "uint8"), labels.astype("uint8")


def test_cifar10_in_another_shape(monkeypatch):
    train, test = arrays(30), arrays(10)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: (train, test))
    data = datasets.load("cifar10")
    np.testing.assert_array_equal(data.train[0], train[0])
    assert data.test[1].shape == (10,) and data.class_names[9] == "truck"
    small = datasets.load("cifar10", image_shape=(16, 16, 1))
    assert small.train[0].shape == (30, 16, 16, 1)


def test_images_of_a_keras_that_stores_channels_first(monkeypatch):
    images, labels = arrays(10)
    first = images.transpose(0, 3, 1, 2), labels
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: (first, first))
    np.testing.assert_array_equal(datasets.load("cifar10").train[0], images)


@pytest.mark.parametrize("name", cifar.CLASS_NAMES)
def test_without_cache_and_network(cache, name):
    before = socket.getdefaulttimeout()
    with pytest.raises(datasets.DatasetUnavailable) as caught:
        datasets.load(name)
    assert name in str(caught.value) and "no route to host" in str(caught.value)
    assert socket.getdefaulttimeout() == before


@pytest.mark.parametrize(
    "images, labels",
    [((10, 28, 28, 3), 10), ((10, 32, 32, 3), 9), ((0, 32, 32, 3), 0)],
)
def test_damaged_data(monkeypatch, images, labels):
    bad = np.zeros(images, "uint8"), np.zeros((labels, 1), "uint8")
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: (bad, bad))
    with pytest.raises(datasets.DatasetUnavailable, match="32x32 colour images"):
        datasets.load("cifar10")


def test_a_label_beyond_the_classes(monkeypatch):
    bad = arrays(12, 11)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: (bad, bad))
    with pytest.raises(datasets.DatasetUnavailable, match="label from 0 to 9"):
        datasets.load("cifar10")
