"""The images of a comparison: held out by class, drawn by seed, refused by name."""

import numpy as np
import pytest
from helpers.small_study import folder_of_classes

from keras_mra import datasets
from keras_mra.comparison import comparison_data as module
from keras_mra.comparison.comparison_data import comparison_data
from keras_mra.comparison.comparison_data import draw
from keras_mra.datasets import crops

pytestmark = pytest.mark.once


def images(count):
    return np.arange(count * 27, dtype="uint8").reshape(count, 3, 3, 3)


def test_a_fifth_of_each_class_is_held_out():
    labels = np.repeat([0, 1, 2], [10, 20, 5])
    found = comparison_data((images(35), labels), None)
    assert found.held_out and found.image_shape == (3, 3, 3)
    assert np.bincount(found.test[1]).tolist() == [2, 4, 1]
    assert np.bincount(found.train[1]).tolist() == [8, 16, 4]
    everything = np.concatenate([found.train[0], found.test[0]])
    np.testing.assert_array_equal(
        np.unique(everything, axis=0), np.unique(images(35), axis=0)
    )
    again = comparison_data((images(35), labels), None)
    np.testing.assert_array_equal(found.test[0], again.test[0])


def test_a_folder_has_its_classes(tmp_path):
    found = comparison_data(folder_of_classes(tmp_path), 8)
    assert found.class_names == ("blue", "green", "red")
    assert found.image_shape == (8, 8, 3) and found.held_out
    # The class adds 100 to its channel, and the broken files are not there.
    order = {"red": 0, "green": 1, "blue": 2}
    for pictures, labels in (found.train, found.test):
        means = pictures.mean(axis=(1, 2))
        expected = [2 - order[found.class_names[label]] for label in labels]
        np.testing.assert_array_equal(means.argmax(axis=1), expected)


def test_draws_are_balanced_and_follow_the_seed():
    labels = np.repeat([0, 1, 2], [10, 20, 2])
    chosen = draw(labels, 4, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [4, 4, 2]
    assert len(set(chosen.tolist())) == 10
    np.testing.assert_array_equal(chosen, draw(labels, 4, seed=0))
    assert set(chosen.tolist()) != set(draw(labels, 4, seed=1).tolist())
    assert len(draw(labels, None, seed=0)) == 32


@pytest.mark.parametrize(
    "data, message",
    [
        (5, "`data` must be one of"),
        ((images(4).astype("float32"), np.zeros(4, int)), "uint8 images"),
        ((images(4), np.zeros(3, int)), "an integer label for each image"),
        ((images(4), np.array([0, 0, -1, -1])), "labels from 0"),
        ((images(4), np.zeros(4, int)), "two classes at least"),
        ((images(4), np.array([0, 0, 0, 1])), "1 images of '1'"),
        ((images(4), np.array([0, 0, 9, 10**5])), "to 99,999. Received: a label 1000"),
        ((images(4), np.array([0, 0, 9, 2**63 + 1], "uint64")), "a label 92233720368"),
        ((images(4)[..., :2], np.zeros(4, int)), r"1 or 3 channels.*\(3, 3, 2\)"),
        ((images(4)[:, :2], np.zeros(4, int)), r"sides from 3 to 1,024.*\(2, 3, 3\)"),
        ((images(4)[:, :0], np.zeros(4, int)), r"`data` must have uint8 images"),
        (([[1], [2, 3]], np.zeros(2, int)), "`data` must be an array"),
    ],
)
def test_bad_data(data, message):
    with pytest.raises(ValueError, match=message):
        comparison_data(data, None)


def test_a_label_that_does_not_occur_is_a_class():
    data = images(4), np.array([0, 0, 2, 2], "uint64")
    found = comparison_data(data, None)
    assert found.class_names == ("0", "1", "2")
    assert found.train[1].tolist() == [0, 2]


def test_names_of_too_many_classes_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MOST_CLASSES", 2)
    with pytest.raises(ValueError, match="`data` must have at most 2 classes.*: 3"):
        comparison_data(folder_of_classes(tmp_path), 8)


@pytest.mark.parametrize("data", ["digits", (images(4), np.array([0, 0, 1, 1]))])
def test_images_are_not_enlarged_beyond_the_memory(data, monkeypatch):
    monkeypatch.setattr(datasets, "MEMORY", 2**18)
    monkeypatch.setattr(crops, "resized", lambda *_: pytest.fail("enlarged"))
    with pytest.raises(ValueError, match="`data` must fit into memory"):
        comparison_data(data, 1024)


@pytest.mark.parametrize("tested", [1, 4])
def test_test_images_of_one_class_are_too_few(tmp_path, tested):
    image = pytest.importorskip("PIL.Image")
    for part, count in (("train", 4), ("test", tested)):
        for name in ("a", "b")[: None if part == "train" else 1]:
            (tmp_path / part / name).mkdir(parents=True)
            for number in range(count):
                place = tmp_path / part / name / f"{number}.png"
                image.new("RGB", (8, 8)).save(place)
    with pytest.raises(ValueError, match="`data` must have test images of two"):
        comparison_data(f"folder:{tmp_path}", None)


def test_a_folder_without_classes_is_refused(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="must have labels"):
        comparison_data(f"folder:{tmp_path}", None)
