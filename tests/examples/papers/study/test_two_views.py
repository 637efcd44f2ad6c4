"""Two views of each image: the same crops, and shares that follow a schedule."""

import keras
import numpy as np
import pytest
from study.two_views import SCHEDULES
from study.two_views import ScheduledViews
from study.two_views import TwoViews

from keras_mra import datasets
from keras_mra.classifiers.flip_crop import flip_crop

IMAGES = np.random.default_rng(0).integers(1, 200, (24, 8, 8, 3), "uint8")
LABELS = np.arange(24) % 3


@keras.saving.register_keras_serializable("keras_mra_tests")
class Inverse(keras.layers.Layer):
    """The negative of images in (0, 255)."""

    def call(self, inputs, training=True):
        return {**inputs, "images": 255.0 - inputs["images"]}


def batches(kind, *first, base=flip_crop):
    data = datasets.ArrayDataset(IMAGES, LABELS, batch_size=8, seed=3)
    return kind(*first, data, [Inverse()], 3, (0, 255), base)


def test_both_views_have_the_same_crops():
    found = batches(TwoViews)
    images, labels = found[1]
    assert images.shape == (8, 8, 8, 6) and labels.shape == (8, 3)
    np.testing.assert_array_equal(images[..., :3], 255 - images[..., 3:])
    found.set_epoch(1)
    assert not np.array_equal(images, found[1][0])


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ("first half", [8, 8, 8, 0, 0, 0]),
        ("second half", [0, 0, 0, 8, 8, 8]),
        # 8 images times 1/12, 3/12, ..., rounded.
        ("rising", [1, 2, 3, 5, 6, 7]),
        ("falling", [7, 6, 5, 3, 2, 1]),
    ],
)
def test_a_schedule_sets_the_share(schedule, expected):
    found = batches(ScheduledViews, schedule, 2)
    plain = batches(TwoViews)
    counts = []
    for epoch in range(2):
        found.set_epoch(epoch)
        plain.set_epoch(epoch)
        for index in range(3):
            images, labels = found[index]
            views, its_labels = plain[index]
            np.testing.assert_array_equal(labels, its_labels)
            augmented = (images == views[..., 3:]).all(axis=(1, 2, 3))
            kept = (images == views[..., :3]).all(axis=(1, 2, 3))
            assert np.all(augmented ^ kept)
            counts.append(augmented.sum())
    assert counts == expected


def test_each_schedule_augments_half_of_all_images():
    progress = (np.arange(1000) + 0.5) / 1000
    for share in SCHEDULES.values():
        assert np.mean([share(p) for p in progress]) == pytest.approx(0.5)


def test_the_augmented_images_are_drawn_anew_and_reproducibly():
    data = datasets.ArrayDataset(IMAGES, LABELS, batch_size=24, shuffle=False, seed=3)

    def chosen(epoch):
        # Half of the images, in the middle of the training.
        found = ScheduledViews("rising", 2 * epoch + 1, data, [Inverse()], 3, (0, 255))
        found.set_epoch(epoch)
        images, _ = found[0]
        return (images == 255 - IMAGES.astype("float32")).all(axis=(1, 2, 3))

    np.testing.assert_array_equal(chosen(1), chosen(1))
    assert chosen(0).sum() == chosen(1).sum() == 12
    assert (chosen(0) != chosen(1)).any()
