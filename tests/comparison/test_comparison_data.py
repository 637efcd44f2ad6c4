"""The images of a comparison: held out by class, drawn by seed, refused by name."""

import numpy as np
import pytest
from helpers.small_study import folder_of_classes

from keras_mra.comparison.comparison_data import comparison_data
from keras_mra.comparison.comparison_data import draw

pytestmark = pytest.mark.once


def images(count):
    return np.arange(count * 12, dtype="uint8").reshape(count, 2, 2, 3)


def test_a_fifth_of_each_class_is_held_out():
    labels = np.repeat([0, 1, 2], [10, 20, 5])
    found = comparison_data((images(35), labels), None)
    assert found.held_out and found.image_shape == (2, 2, 3)
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
        ((images(4), np.array([0, 0, 2, 2])), None),
    ],
)
def test_bad_data(data, message):
    if message is None:  # A label that does not occur is no class to train.
        assert comparison_data(data, None).class_names == ("0", "1", "2")
        return
    with pytest.raises(ValueError, match=message):
        comparison_data(data, None)


def test_a_folder_without_classes_is_refused(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="must have labels"):
        comparison_data(f"folder:{tmp_path}", None)
