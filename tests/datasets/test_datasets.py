"""Data by name: where it is looked for, what a bad file does, and repeatable order."""

import gzip
import importlib
import os

import keras
import numpy as np
import pytest
from helpers.reading import RNG
from helpers.reading import AnyModel
from helpers.reading import all_batches
from helpers.reading import save

from keras_mra import datasets
from keras_mra.datasets import fashion_mnist

# --- names ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cifar", "folder:", "folder", "tfds:", "", 3, None])
def test_unknown_name_lists_the_grammar(name):
    with pytest.raises(
        ValueError, match="fashion_mnist, digits, folder:PATH, tfds:NAME"
    ):
        datasets.load(name)


def test_digits():
    data = datasets.load("digits")
    images, labels = data.train
    assert data.image_shape == (8, 8, 1) and images.shape[1:] == (8, 8, 1)
    assert images.dtype == np.uint8 and images.max() == 255 and images.min() == 0
    assert len(images) + len(data.test[0]) == 1797
    for split in (data.train, data.test):
        assert np.bincount(split[1], minlength=10).min() > 30
    assert len(data.class_names) == 10
    np.testing.assert_array_equal(images, datasets.load("digits", seed=5).train[0])


def test_arrays_take_another_shape():
    data = datasets.load("digits", image_shape=(12, 16, 3))
    assert data.train[0].shape[1:] == data.image_shape == (12, 16, 3)
    assert (data.train[0][..., 0] == data.train[0][..., 2]).all()


# --- Fashion-MNIST ----------------------------------------------------------------


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


# --- arrays -------------------------------------------------------------------------


def test_array_dataset_gives_each_sample_once_in_a_new_order():
    data = datasets.ArrayDataset(np.arange(10), np.arange(10) * 2, batch_size=5)
    first, second = all_batches(data), all_batches(data)
    orders = [np.concatenate([x for x, _ in batches]) for batches in (first, second)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert (orders[0] != orders[1]).any()
    assert all((y == 2 * x).all() for x, y in first)


def test_set_epoch_repeats_an_uninterrupted_run():
    make = lambda: datasets.ArrayDataset(np.arange(12), batch_size=4, seed=3)  # noqa: E731
    run = make()
    epochs = [all_batches(run) for _ in range(3)]
    resumed = make()
    resumed.set_epoch(2)
    np.testing.assert_array_equal(all_batches(resumed), epochs[2])


def test_a_limited_epoch_ends_early_and_the_next_has_a_new_order():
    whole, limited = (
        datasets.ArrayDataset(np.arange(12), batch_size=3, seed=1) for _ in range(2)
    )
    limited.limit(2)
    assert len(limited) == 2
    for _ in range(2):
        np.testing.assert_array_equal(list(limited), list(whole)[:2])
        for dataset in (whole, limited):
            dataset.on_epoch_end()
    with pytest.raises(ValueError, match="4 batches cannot be limited to 5"):
        whole.limit(5)


def test_last_partial_batch():
    assert len(datasets.ArrayDataset(np.arange(10), batch_size=4)) == 2
    kept = datasets.ArrayDataset(
        np.arange(10), batch_size=4, drop_last=False, shuffle=False
    )
    assert [list(batch) for batch in kept][-1] == [8, 9]


@pytest.mark.parametrize("classes", [[2, 0], [3, 1, 2]])
def test_relabelled_keeps_classes_and_counts_them_anew(classes):
    labels = np.arange(40) % 4
    whole = datasets.ArrayDataset(np.arange(40), labels, batch_size=8)
    some = datasets.Relabelled(whole, classes, batch_size=3, drop_last=False)
    images, places = map(np.concatenate, zip(*some))
    assert sorted(images) == [i for i in range(40) if labels[i] in classes]
    np.testing.assert_array_equal(np.take(classes, places), labels[images])
    np.testing.assert_array_equal(
        np.take(classes, some.all_labels()), labels[some.indices]
    )


def test_relabelled_refuses_what_takes_the_place_of_a_broken_file(tmp_path):
    for name in ("a/0.png", "b/0.png"):
        save(tmp_path / name)
    (tmp_path / "a" / "1.png").write_bytes(b"no image")
    folder = datasets.FolderDataset(tmp_path, (8, 8, 1), 1, labels=True)
    first = datasets.Relabelled(folder, [0], shuffle=False)
    np.testing.assert_array_equal(first.all_labels(), [0, 0])
    assert first.batch(np.array([0]))[1] == 0
    with pytest.raises(ValueError, match=r"`classes`, \[0\].*images of \[1\]"):
        first.batch(np.array([1]))


def test_array_dataset_refuses_bad_arguments():
    with pytest.raises(ValueError, match="batch_size=32.* 10 samples"):
        datasets.ArrayDataset(np.arange(10))
    with pytest.raises(ValueError, match="3 labels, 10 images"):
        datasets.ArrayDataset(np.arange(10), np.arange(3), batch_size=2)
    with pytest.raises(ValueError, match="0 samples"):
        datasets.ArrayDataset(np.zeros((0, 8, 8, 1)))
    with pytest.raises(ValueError, match="seed=-1"):
        datasets.ArrayDataset(np.arange(10), batch_size=2, seed=-1)


def recorded(dataset):
    """Makes `dataset` note (epoch, indices) of each batch that it serves."""
    seen, batch = set(), dataset.batch

    def note(indices):
        seen.add((dataset.epoch, tuple(int(i) for i in indices)))
        return batch(indices)

    dataset.batch = note
    return seen


def test_fit_walks_through_the_epochs_one_by_one():
    images = RNG.random((8, 4, 4, 1), "float32")
    data = datasets.ArrayDataset(images, batch_size=4, seed=1)
    seen = recorded(data)
    model = AnyModel()
    model.compile("sgd")
    kwargs = {"epochs": 3, "shuffle": False, "verbose": 0}
    model.fit(data, callbacks=[datasets.SetEpoch(data)], **kwargs)
    assert data.epoch == 3 and sorted({epoch for epoch, _ in seen}) == [0, 1, 2]
    for epoch in range(3):  # Each sample once; peeks serve nothing else.
        served = [i for e, indices in seen if e == epoch for i in indices]
        assert sorted(served) == list(range(8))
    other = datasets.ArrayDataset(images, batch_size=4, seed=1)
    seen_again = recorded(other)
    callbacks = [datasets.SetEpoch(other)]
    model.fit(other, initial_epoch=2, callbacks=callbacks, **kwargs)
    last = {entry for entry in seen if entry[0] == 2}
    assert {entry for entry in seen_again if entry[0] == 2} == last


# --- TensorFlow Datasets --------------------------------------------------------------


def test_tfds_streams_images_of_many_sizes():
    tfds = pytest.importorskip("tensorflow_datasets")
    policy = tfds.testing.MockPolicy.USE_CODE
    with tfds.testing.mock_data(num_examples=6, policy=policy):
        data = datasets.load(
            "tfds:caltech_birds2011", image_shape=(16, 24, 3), batch_size=3
        )
        images, labels = data.train[0]
        assert images.shape == (3, 16, 24, 3) and images.dtype == np.uint8
        assert labels.shape == (3,) and len(data.class_names) == 200
        assert (data.train[0][0] == images).all()
        model = AnyModel()
        model.compile("sgd")
        model.fit(data.train, epochs=2, shuffle=False, verbose=0)
        assert datasets.load("tfds:mnist").image_shape == (28, 28, 1)
        assert datasets.load("tfds:mnist").train[0][0].shape == (6, 28, 28, 1)
        assert datasets.load("tfds:caltech_birds2011").image_shape == (224, 224, 3)


def test_tfds_builder_of_ones_own(tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    # Its environment variable counts only before it is imported.
    constants = importlib.import_module("tensorflow_datasets.core.constants")
    monkeypatch.setattr(constants, "DATA_DIR", str(tmp_path))

    class TwoGrays(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(None, None, 3)),
                "label": tfds.features.ClassLabel(names=["dark", "light"]),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, downloads):
            return {"train": self._generate_examples(6)}

        def _generate_examples(self, count):
            for i in range(count):
                image = np.full((8 + i, 10, 3), 40 * i, "uint8")
                yield i, {"image": image, "label": int(i >= 3)}

    data = datasets.load("tfds:two_grays", image_shape=(8, 8, 3), crop="center")
    assert data.class_names == ("dark", "light") and data.test is None
    images, labels = datasets.in_memory(data.train)
    grays = images[:, 0, 0, 0]
    assert sorted(grays) == [0, 40, 80, 120, 160, 200]
    np.testing.assert_array_equal(labels, grays >= 120)
    assert data.source.startswith("two_grays") and list(tmp_path.iterdir())
    # The labels alone, whose images are not decoded for that.
    monkeypatch.setattr(data.train, "source", None)
    np.testing.assert_array_equal(data.train.all_labels(), labels)


def test_tfds_name_that_is_not_there(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets")
    monkeypatch.setitem(os.environ, "TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(datasets.DatasetUnavailable, match="no_such_set"):
        datasets.load("tfds:no_such_set")


@pytest.mark.parametrize(
    "name, module, extra",
    [
        ("digits", "sklearn", r"keras-mra\[cli\]"),
        ("tfds:mnist", "tensorflow_datasets", r"keras-mra\[tfds\]"),
    ],
)
def test_missing_library_names_the_extra(monkeypatch, name, module, extra):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(datasets.DatasetUnavailable, match=extra):
        datasets.load(name)
