"""Backgrounds that are swapped and removed, for classifiers that look at one thing."""

import keras
import numpy as np
import pytest

import keras_mra
from keras_mra.evaluation import attended_masks
from keras_mra.evaluation import background_reliance
from keras_mra.evaluation.background_reliance import on_other_backgrounds


def scenes(count=60):
    """A square in the colour of the class, on a background in the colour of the class.

    Class k has objects of value 10 * (k + 1) and backgrounds of 100 * (k + 1), with a
    little noise in each image.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    masks = np.zeros((count, 8, 8), bool)
    for mask, row, column in zip(masks, *rng.integers(0, 5, (2, count))):
        mask[row : row + 4, column : column + 4] = True
    value = np.where(masks, 10, 100) * (labels + 1)[:, None, None]
    noise = rng.integers(0, 3, (count, 1, 1))
    return (value + noise)[..., None].astype("uint8"), labels, masks


def nearest(values, expected):
    return -np.abs(values[:, None] - np.asarray(expected, "float64"))


def by_object(images):
    """The darkest pixel is the object's."""
    return nearest(images.min(axis=(1, 2, 3)).astype("float64"), [11, 21])


def by_background(images):
    return nearest(images.max(axis=(1, 2, 3)).astype("float64"), [101, 201])


@pytest.mark.once
def test_a_classifier_of_objects_does_not_rely_on_the_background():
    images, labels, masks = scenes()
    found = background_reliance(by_object, (images, labels), masks)
    for name in ("original", "same_class", "other_class", "removed"):
        assert found.error[name] == 0
    assert found.reliance == 0 and (found.images, found.left_out) == (60, 0)
    # Without objects, the darkest pixel is at least 100: always "class 1".
    assert found.error["object_removed"] == 0.5


@pytest.mark.once
def test_a_classifier_of_backgrounds_follows_the_background():
    images, labels, masks = scenes()
    found = background_reliance(by_background, (images, labels), masks)
    assert found.error["original"] == found.error["same_class"] == 0
    assert found.error["other_class"] == 1 and found.reliance == 1
    # The mean colour of the background still tells it.
    assert found.error["removed"] == found.error["object_removed"] == 0
    assert ("reliance on the background", "100.00") in found.rows()


@pytest.mark.once
def test_the_object_stays_and_no_image_keeps_its_background():
    images, labels, masks = scenes()
    seen = []

    def watch(batch):
        seen.append(np.array(batch))
        return np.zeros((len(batch), 2))

    background_reliance(watch, (images, labels), masks)
    original, same, other, removed, without = (batch[..., 0] for batch in seen)
    np.testing.assert_array_equal(original, images[..., 0])
    for changed in (same, other, removed):
        np.testing.assert_array_equal(changed[masks], original[masks])
    for k in range(60):
        background = original[k][~masks[k]]
        assert len(np.unique(removed[k][~masks[k]])) == 1
        assert removed[k][~masks[k]][0] == round(background.mean())
        np.testing.assert_array_equal(without[k][~masks[k]], background)
        # A background of the class, or of the other one, and no object in it.
        assert (same[k][~masks[k]] // 100 == labels[k] + 1).all()
        assert (other[k][~masks[k]] // 100 == 2 - labels[k]).all()


@pytest.mark.once
def test_every_background_is_that_of_another_class():
    _, _, masks = scenes()
    labels = np.arange(60) % 3
    colors = 4 * np.arange(60)  # A background tells its image.
    images = np.where(masks, 250, colors[:, None, None])[..., None].astype("uint8")
    found = on_other_backgrounds(images, labels, masks, seed=1)[..., 0]
    assert found.dtype == "uint8" and (found[masks] == 250).all()
    partners = np.array([np.unique(x[~m]) for x, m in zip(found, masks)])[:, 0] // 4
    assert (labels[partners] != labels).all() and len(set(partners)) > 25
    for seed, same in ((1, True), (2, False)):
        again = on_other_backgrounds(images, labels, masks, seed)[..., 0]
        assert (again == found).all() == same


@pytest.mark.once
def test_an_image_of_object_alone_lends_a_black_background():
    images = np.full((2, 4, 4, 3), 200, "uint8")
    masks = np.stack([np.ones((4, 4), bool), np.zeros((4, 4), bool)])
    found = on_other_backgrounds(images, np.array([0, 1]), masks)
    np.testing.assert_array_equal(found[0], images[0])
    assert (found[1] == 0).all()


@pytest.mark.once
def test_no_image_is_its_own_partner():
    from keras_mra.evaluation.background_reliance import _partners

    labels = np.repeat([0, 1, 2], [2, 5, 9])
    for seed in range(20):
        rng = np.random.default_rng(seed)
        same = _partners(labels, rng, same=True)
        assert (same != np.arange(16)).all() and (labels[same] == labels).all()
        assert (labels[_partners(labels, rng, same=False)] != labels).all()


@pytest.mark.once
def test_images_of_one_part_are_left_out_and_counted():
    images, labels, masks = scenes()
    masks[:3] = False
    masks[3:5] = True
    found = background_reliance(by_object, (images, labels), masks.astype("float32"))
    assert (found.images, found.left_out) == (55, 5)


@pytest.mark.once
@pytest.mark.parametrize(
    "change, message",
    [
        (lambda x, y, m: (x, y, m[:5]), "`masks` must be as many"),
        (lambda x, y, m: (x, y * 0, m), "two classes at least.*1 classes"),
        (lambda x, y, m: (x, y, m * 0), "two classes at least.*0 classes"),
        (lambda x, y, m: (x, y + 1, m), "labels that are indices"),
    ],
)
def test_bad_data(change, message):
    images, labels, masks = change(*scenes())
    with pytest.raises(ValueError, match=message):
        background_reliance(by_object, (images, labels), masks)


def test_attended_masks_are_the_patches_that_stay():
    mae = keras_mra.MAE.from_preset("mae_nano_fashion_mnist")
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1)).astype("uint8")
    layer = keras_mra.layers.MaskReconstruct(mae, mask_ratio=0.6, return_visible=True)
    _, visible = layer(images)
    masks = attended_masks(mae, images, mask_ratio=0.6)
    assert masks.shape == (4, 28, 28) and masks.dtype == bool
    height, width = mae.patch_size
    for mask, kept in zip(masks, keras.ops.convert_to_numpy(visible)):
        grid = mask[::height, ::width].ravel()
        assert set(np.flatnonzero(grid)) == set(kept.tolist())
        np.testing.assert_array_equal(
            mask, mask[::height, ::width].repeat(height, 0).repeat(width, 1)
        )
