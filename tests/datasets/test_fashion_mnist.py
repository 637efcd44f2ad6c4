"""Fashion-MNIST: the order of its sources, and damaged files."""

import gzip

import keras
import numpy as np
import pytest
from helpers.reading import RNG

from keras_mra import datasets
from keras_mra.datasets import fashion_mnist

pytestmark = pytest.mark.once


def write_idx(folder, prefix, samples):
    folder.mkdir(parents=True, exist_ok=True)
    images = RNG.integers(0, 256, (samples, 28, 28), dtype="uint8")
    labels = (np.arange(samples) % 10).astype("uint8")
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        with gzip.open(folder / f"{prefix}-{kind}-ubyte.gz", "wb") as file:
            file.write(header + array.tobytes())
    return images


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An empty Keras cache and Debian folder, and a network that is down."""

    def no_network():
        raise OSError("no route to host")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", no_network)
    return tmp_path / "keras" / "datasets" / "fashion-mnist", tmp_path / "debian"


def fill(folder):
    write_idx(folder, "t10k", 10)
    return write_idx(folder, "train", 20)


def test_fashion_mnist_prefers_the_cache(places):
    expected = fill(places[0])
    fill(places[1])
    data = datasets.load("fashion_mnist")
    np.testing.assert_array_equal(data.train[0], expected[..., None])
    assert data.test[0].shape == (10, 28, 28, 1) and data.source == str(places[0])


def test_fashion_mnist_then_debians_folder(places):
    expected = fill(places[1])
    data = datasets.load("fashion_mnist")
    np.testing.assert_array_equal(data.train[0], expected[..., None])
    assert data.source == str(places[1])


def test_fashion_mnist_then_the_network(places, monkeypatch):
    arrays = np.ones((6, 28, 28), "uint8"), np.arange(6, dtype="uint8")
    monkeypatch.setattr(
        keras.datasets.fashion_mnist, "load_data", lambda: (arrays, arrays)
    )
    data = datasets.load("fashion_mnist")
    assert data.train[0].shape == (6, 28, 28, 1)
    assert data.source == "keras.datasets.fashion_mnist"


def test_fashion_mnist_nowhere_names_the_three_places(places):
    with pytest.raises(datasets.DatasetUnavailable) as caught:
        datasets.load("fashion_mnist")
    message = str(caught.value)
    assert str(places[0]) in message and str(places[1]) in message
    assert "no route to host" in message and isinstance(caught.value, OSError)


@pytest.mark.parametrize("damage", ["truncate", "garbage", "wrong_magic", "short_data"])
def test_damaged_cache_falls_through_with_a_warning(places, damage):
    fill(places[0])
    expected = fill(places[1])
    bad = places[0] / "train-images-idx3-ubyte.gz"
    content = gzip.decompress(bad.read_bytes())
    bad.write_bytes(
        {
            "truncate": bad.read_bytes()[:200],
            "garbage": b"not a gzip file",
            "wrong_magic": gzip.compress(b"\0\0\x0d\x03" + content[4:]),
            "short_data": gzip.compress(content[:-5]),
        }[damage]
    )
    with pytest.warns(UserWarning, match="train-images-idx3-ubyte.gz"):
        data = datasets.load("fashion_mnist")
    np.testing.assert_array_equal(data.train[0], expected[..., None])
