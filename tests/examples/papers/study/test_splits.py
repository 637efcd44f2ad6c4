"""The images that an experiment trains on, and those that it is judged on."""

import warnings

import numpy as np
import pytest
from helpers.small_study import folder_of_classes
from study import splits

from keras_mra import datasets

pytestmark = pytest.mark.once


def numbered(count=12, classes=3):
    """Images that hold their own number, labelled in turn."""
    images = np.arange(count, dtype="uint8")[:, None, None, None]
    labels = np.arange(count, dtype="int32") % classes
    return datasets.ArrayDataset(
        np.broadcast_to(images, (count, 4, 4, 1)).copy(), labels, batch_size=1
    )


def held(dataset):
    images, labels = datasets.in_memory(dataset)
    return images[:, 0, 0, 0].tolist(), labels.tolist()


def test_draw_is_balanced_and_by_seed():
    drawn = splits.draw(numbered(), per_class=2, seed=0, batch_size=50)
    assert np.bincount(drawn.all_labels()).tolist() == [2, 2, 2]
    assert drawn.batch_size == 6
    assert held(drawn) == held(splits.draw(numbered(), per_class=2, seed=0))
    assert held(drawn) != held(splits.draw(numbered(), per_class=2, seed=1))
    assert sorted(held(splits.draw(numbered(), None))[0]) == list(range(12))


def test_only_numbers_the_classes_anew():
    data = splits.Splits(
        numbered(), numbered(), ("a", "b", "c"), (4, 4, 1), "x", "the test images (12)"
    )
    two = splits.only(data, ["c", "a"])
    images, labels = held(two.test)
    assert images == [0, 2, 3, 5, 6, 8, 9, 11] and labels == [1, 0] * 4
    np.testing.assert_array_equal(two.train.all_labels(), labels)
    assert two.num_classes == 2 and "of c, a (8)" in two.judged_on
    with pytest.raises(ValueError, match="`class_names` must be.*a, b, c.*d"):
        splits.only(data, ["a", "d"])


@pytest.fixture
def folder(tmp_path):
    return folder_of_classes(tmp_path)


def test_a_folder_without_splits_is_split_and_what_is_broken_left_out(folder):
    with pytest.warns(UserWarning, match="3 images cannot be read"):
        data = splits.load_splits(folder, image_size=8)
    assert data.class_names == ("blue", "green", "red")
    assert data.image_shape == (8, 8, 3)
    assert (data.train.num_samples, data.test.num_samples) == (24, 6)
    assert "a fifth" in data.judged_on
    for part in (data.train, data.test):
        images, labels = datasets.in_memory(part)
        assert (images.mean(axis=(1, 2)).argmax(axis=1) == labels).all()
    seen = {tuple(image.ravel()) for image in datasets.in_memory(data.train)[0]}
    assert not seen & {tuple(i.ravel()) for i in datasets.in_memory(data.test)[0]}


def test_what_does_not_fit_into_memory_is_decoded_as_needed(folder, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = splits.load_splits(folder, image_size=8)
        monkeypatch.setattr(datasets, "MEMORY", 0)
        streamed = splits.load_splits(folder, image_size=8)
    for a, b in zip(datasets.in_memory(whole.test), datasets.in_memory(streamed.test)):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="images take .* GiB in memory"):
        datasets.in_memory(streamed.train, limit=10)


def test_validation_never_looks_at_the_test_images():
    data = splits.load_splits("digits", validation=True)
    train, test = datasets.load("digits").train[0], datasets.load("digits").test[0]
    assert data.train.num_samples + data.test.num_samples == len(train)
    assert "left out of training" in data.judged_on
    pool = {image.tobytes() for image in train}
    assert all(image.tobytes() in pool for image in datasets.in_memory(data.test)[0])
    assert len(test) != data.test.num_samples


@pytest.mark.filterwarnings("ignore:.*cannot be read")
def test_validation_images_of_a_folder_without_splits_are_training_images(folder):
    def pixels(part):
        return {image.tobytes() for image in datasets.in_memory(part)[0]}

    data = splits.load_splits(folder, image_size=8)
    trial = splits.load_splits(folder, image_size=8, validation=True)
    assert (trial.train.num_samples, trial.test.num_samples) == (21, 3)
    assert pixels(trial.train) | pixels(trial.test) == pixels(data.train)
    assert not pixels(trial.test) & pixels(data.test)


@pytest.mark.filterwarnings("ignore:.*cannot be read")
def test_a_class_of_too_few_images_is_refused(tmp_path):
    folder = folder_of_classes(tmp_path)
    for extra in sorted((tmp_path / "red").iterdir())[2:]:
        extra.unlink()
    splits.check_classes(splits.load_splits(folder, image_size=8))
    twice = splits.load_splits(folder, image_size=8, validation=True)
    with pytest.raises(ValueError, match="no images to train on of red"):
        splits.check_classes(twice)
    splits.check_classes(splits.only(twice, ["blue", "green"]))
