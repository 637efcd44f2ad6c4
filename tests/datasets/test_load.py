"""Data sets by name: the names, the digits, and libraries that are missing."""

import importlib
import sys

import numpy as np
import pytest

from keras_mra import datasets

pytestmark = pytest.mark.once
# The package's attribute of this name is the function.
load_module = importlib.import_module("keras_mra.datasets.load")


@pytest.mark.parametrize(
    "name", ["cifar", "folder:", "folder", "tfds:", "", 3, None, np.zeros(2)]
)
def test_unknown_name_lists_the_grammar(name):
    with pytest.raises(
        ValueError,
        match="fashion_mnist, digits, cifar10, cifar100, folder:PATH, tfds:NAME",
    ):
        datasets.load(name)


def test_a_folder_is_one_of_this_machine(tmp_path):
    with pytest.raises(ValueError, match="not a URL.*'folder:s3://bucket/x'"):
        datasets.load("folder:s3://bucket/x")
    with pytest.raises(FileNotFoundError, match=f"'{tmp_path}/none' does not exist"):
        datasets.load(f"folder:file://{tmp_path}/none")


@pytest.mark.parametrize("side", ["", 0, None])
def test_a_bad_side(side, tmp_path):
    with pytest.raises(ValueError, match="`default_side` must be a positive integer"):
        datasets.load(f"folder:{tmp_path}", default_side=side)


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


@pytest.mark.parametrize(
    "name, module, extra",
    [
        ("digits", "sklearn", r"keras-mra\[cli\]"),
        ("tfds:mnist", "tensorflow_datasets", r"keras-mra\[tfds\]"),
    ],
)
def test_missing_library_names_the_extra(monkeypatch, name, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(datasets.DatasetUnavailable, match=extra):
        datasets.load(name)


def write_images(folder, count, mode, size):
    image = pytest.importorskip("PIL.Image")
    folder.mkdir(parents=True)
    for number in range(count):
        image.new(mode, size).save(folder / f"{number:03}.png")


def test_files_of_all_folders_decide_the_shape(tmp_path, monkeypatch):
    write_images(tmp_path / "a", 20, "L", (8, 8))
    write_images(tmp_path / "b", 5, "RGB", (8, 8))
    monkeypatch.setattr(load_module, "_HEADERS_READ", 10)
    assert datasets.load(f"folder:{tmp_path}").image_shape == (8, 8, 3)
    write_images(tmp_path / "c", 5, "L", (9, 8))
    assert datasets.load(f"folder:{tmp_path}", default_side=6).image_shape == (6, 6, 3)


@pytest.mark.parametrize("test", ["test", "val", "valid", "validation"])
def test_folders_of_splits(tmp_path, test):
    for split in ("train", test):
        for name in ("cat", "dog"):
            write_images(tmp_path / split / name, 2, "L", (8, 8))
    data = datasets.load(f"folder:{tmp_path}")
    assert data.class_names == ("cat", "dog")
    assert data.train.num_samples == data.test.num_samples == 4
