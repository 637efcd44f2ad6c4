"""Data by name: where it is looked for, what a bad file does, and repeatable order."""

import gzip
import importlib
import os
import pickle
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

from keras_mra import datasets
from keras_mra.datasets import crops
from keras_mra.datasets import fashion_mnist
from keras_mra.datasets.folder import find_images

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


class AnyModel(keras.Model):
    """Gives `fit` something to do, with labels or without."""

    def __init__(self):
        super().__init__()
        self.scale = keras.layers.Dense(1)

    def call(self, x):
        return self.scale(keras.ops.cast(x, "float32") / 255)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **kwargs):
        return keras.ops.mean(keras.ops.square(y_pred))


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


# --- folders ------------------------------------------------------------------------


def test_find_images_sorts_and_leaves_out_the_hidden(tmp_path):
    for name in ("b.PNG", "a.jpeg", "sub/c.WebP", ".hidden.png", ".git/d.png", "e.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert names == ["a.jpeg", "b.PNG", "sub/c.WebP"]


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        datasets.load(f"folder:{tmp_path / 'nowhere'}")
    with pytest.raises(ValueError, match="holds no image"):
        datasets.load(f"folder:{tmp_path}")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError, match="must be a folder"):
        datasets.load(f"folder:{tmp_path / 'file'}")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_and_size_becomes_one_shape(tmp_path, channels):
    for mode, name in [
        ("1", "bits.png"),
        ("L", "gray.png"),
        ("LA", "gray_alpha.png"),
        ("P", "palette.gif"),
        ("RGB", "color.jpg"),
        ("RGBA", "alpha.webp"),
        ("CMYK", "print.jpg"),
        ("I;16", "deep.png"),
        ("F", "float.tif"),
    ]:
        if mode in ("I;16", "F"):
            pixels = RNG.random((7, 9)) * (65535 if mode == "I;16" else 255)
            dtype = "uint16" if mode == "I;16" else "float32"
            Image.fromarray(pixels.astype(dtype)).save(tmp_path / name)
        else:
            save(tmp_path / name, (9, 7), mode)
    data = datasets.FolderDataset(tmp_path, (8, 6, channels), 9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batch = data[0]
    assert batch.shape == (9, 8, 6, channels) and batch.dtype == np.uint8
    assert not data.unreadable


def one_image(tmp_path, image, shape, **kwargs):
    image.save(tmp_path / "x.png", **kwargs)
    data = datasets.FolderDataset(tmp_path, shape, 1, crop="center")
    return data[0][0]


def test_sixteen_bits_are_scaled_and_alpha_dropped(tmp_path):
    deep = (np.arange(16).reshape(4, 4) * 257 * 16).astype("uint16")
    seen = one_image(tmp_path, Image.fromarray(deep), (4, 4, 1))
    np.testing.assert_array_equal(seen[..., 0], np.arange(16).reshape(4, 4) * 16)
    pixels = RNG.integers(0, 256, (4, 4, 4), dtype="uint8")
    seen = one_image(tmp_path, Image.fromarray(pixels), (4, 4, 3))
    np.testing.assert_array_equal(seen, pixels[..., :3])


def test_exif_orientation_is_applied(tmp_path):
    pixels = RNG.integers(0, 256, (4, 6, 3), dtype="uint8")
    exif = Image.Exif()
    exif[0x0112] = 6  # To be shown after a quarter turn clockwise.
    seen = one_image(tmp_path, Image.fromarray(pixels), (6, 4, 3), exif=exif)
    np.testing.assert_array_equal(seen, np.rot90(pixels, -1))


def test_center_crop_is_the_centre(tmp_path):
    pixels = RNG.integers(0, 256, (8, 20, 3), dtype="uint8")
    seen = one_image(tmp_path, Image.fromarray(pixels), (8, 8, 3))
    np.testing.assert_array_equal(seen, pixels[:, 6:14])


@pytest.mark.parametrize("size", [(40, 30), (1, 1), (300, 5), (5, 300)])
def test_random_boxes_lie_inside_and_keep_scale_and_ratio(size):
    for _ in range(200):
        left, upper, right, lower = crops.random_box(size, (0.2, 0.9), RNG)
        assert 0 <= left < right <= size[0] and 0 <= upper < lower <= size[1]
        if size == (40, 30):
            area = (right - left) * (lower - upper) / 1200
            assert 0.19 < area < 0.91
            assert 0.74 < (right - left) / (lower - upper) < 1.34


def test_crops_are_functions_of_seed_epoch_and_index(tmp_path):
    for i in range(4):
        save(tmp_path / f"{i}.jpg")

    def make(seed=0, **kwargs):
        kwargs = {"crops_per_image": 2, "seed": seed, **kwargs}
        return datasets.FolderDataset(tmp_path, (8, 8, 3), 2, **kwargs)

    run = make()
    epochs = [np.stack(all_batches(run)) for _ in range(3)]
    assert epochs[0].shape == (4, 2, 8, 8, 3)
    assert len({image.tobytes() for e in epochs for b in e for image in b}) == 24
    resumed = make()
    resumed.set_epoch(1)
    assert (resumed[3] == epochs[1][3]).all()  # In any order of access.
    assert (resumed[0] == epochs[1][0]).all()
    resumed = pickle.loads(pickle.dumps(resumed))
    assert (resumed[1] == epochs[1][1]).all()
    assert (make(seed=1)[0] != epochs[0][0]).any()
    cached = make(cache_side=16)
    twice = [np.stack([cached[i] for i in range(4)]) for _ in range(2)]
    np.testing.assert_array_equal(*twice)


def test_cache_reads_each_file_once_and_shrinks_it(tmp_path, monkeypatch):
    for i in range(2):
        save(tmp_path / f"{i}.png", (200, 100))
    data = datasets.FolderDataset(
        tmp_path, (8, 8, 3), 10, crops_per_image=50, cache_side=32
    )
    opened, original = [], Image.open
    monkeypatch.setattr(Image, "open", lambda p: opened.append(p) or original(p))
    all_batches(data), all_batches(data)
    assert sorted(opened) == data.paths
    assert [image.size for image, _ in data._cache.values()] == [(64, 32)] * 2


def test_large_jpeg_is_decoded_small_enough_but_not_too_small(tmp_path):
    save(tmp_path / "big.jpg", (1600, 800))
    data = datasets.FolderDataset(tmp_path, (32, 32, 3), 1, crop="center")
    image, _ = data.open_image(0, 32)
    assert 32 <= min(image.size) <= 200


def test_broken_files_are_replaced_and_named_once(tmp_path):
    good = [save(tmp_path / f"{i}.png") for i in range(3)]
    (tmp_path / "1b.jpg").write_bytes(b"no image")
    truncated = save(tmp_path / "2b.png", (64, 64))
    truncated.write_bytes(truncated.read_bytes()[:3000])
    data = datasets.FolderDataset(tmp_path, (8, 8, 3), 5)
    with pytest.warns(UserWarning, match=r"2 of 5 images could not be read") as caught:
        first = all_batches(data)
    assert "1b.jpg" in str(caught[0].message) and "2b.png" in str(caught[0].message)
    assert len(caught) == 1 and len(data.unreadable) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        all_batches(data)
    again = datasets.FolderDataset(tmp_path, (8, 8, 3), 5)
    np.testing.assert_array_equal(again[0], first[0])
    for path in good:
        path.write_bytes(b"")
    hopeless = datasets.FolderDataset(tmp_path, (8, 8, 3), 5)
    with pytest.raises(ValueError, match="None of the 5 images can be read"):
        hopeless[0]


def test_replacement_brings_its_own_label(tmp_path):
    save(tmp_path / "cat" / "a.png")
    (tmp_path / "ape").mkdir()
    (tmp_path / "ape" / "b.png").write_bytes(b"broken")
    data = datasets.FolderDataset(tmp_path, (8, 8, 3), 2, labels=True)
    images, labels = data[0]
    assert data.class_names == ["ape", "cat"] and list(labels) == [1, 1]


def test_labels_need_sub_folders(tmp_path):
    paths = [save(tmp_path / "cat" / "deep" / "a.png"), save(tmp_path / "b.png")]
    with pytest.raises(ValueError, match="sub-folder of its class"):
        datasets.FolderDataset(tmp_path, (8, 8, 3), 1, labels=True)
    assert datasets.FolderDataset(paths, (8, 8, 3), 2)[0].shape == (2, 8, 8, 3)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"crop": "corner"}, "crop='corner'"),
        ({"crop_scale": (0.5, 0.2)}, "crop_scale="),
        ({"crop_scale": 1.0}, "crop_scale="),
        ({"batch_size": 64}, "batch_size=64, but the data set has 2 samples"),
        ({"crops_per_image": 0}, "crops_per_image"),
        ({"cache_side": 0.5}, "cache_side"),
        ({"image_shape": (8, 8, 2)}, "1, 3 or 4 channels"),
        ({"image_shape": (8, 8)}, "image_shape"),
    ],
)
def test_folder_refuses_bad_arguments(tmp_path, kwargs, message):
    for name in ("a.png", "b.png"):
        save(tmp_path / name)
    kwargs = {"image_shape": (8, 8, 3), "batch_size": 1, **kwargs}
    with pytest.raises(ValueError, match=message):
        datasets.FolderDataset(tmp_path, **kwargs)


def test_load_folder_splits_classes_and_shape(tmp_path):
    for split, count in (("train", 3), ("test", 1)):
        for name in ("cat", "dog"):
            for i in range(count):
                save(tmp_path / split / name / f"{i}.png", (20, 12), "L")
    data = datasets.load(f"folder:{tmp_path}")
    assert data.image_shape == (12, 20, 1) and data.class_names == ("cat", "dog")
    images, labels = data.train[0]
    assert images.shape == (6, 12, 20, 1) and sorted(labels) == [0, 0, 0, 1, 1, 1]
    pixels = np.asarray(Image.open(tmp_path / "test" / "dog" / "0.png"))
    np.testing.assert_array_equal(data.test[0][0][1, ..., 0], pixels)


def test_load_folder_of_many_sizes(tmp_path):
    save(tmp_path / "a.png", (20, 12)), save(tmp_path / "b.png", (30, 12))
    (tmp_path / "c.png").write_bytes(b"broken")
    data = datasets.load(f"folder:{tmp_path}")
    assert data.image_shape == (224, 224, 3) and data.class_names is None
    assert data.test is None and not data.in_memory
    small = datasets.load(f"folder:{tmp_path}", image_shape=(8, 8, 1), batch_size=2)
    assert small.train[0].shape == (2, 8, 8, 1)


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
