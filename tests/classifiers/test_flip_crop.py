"""Flips and crops: every result is one of the possible ones, and all of them occur."""

import numpy as np
import pytest

from keras_mra.classifiers.flip_crop import flip_crop

pytestmark = pytest.mark.once


def possible(image, high, wide):
    """All crops of an image and of its mirror image, as bytes."""
    found = set()
    for one in (image, image[:, ::-1]):
        padded = np.pad(one, ((high, high), (wide, wide), (0, 0)))
        for row in range(2 * high + 1):
            for column in range(2 * wide + 1):
                crop = padded[row:, column:][: image.shape[0], : image.shape[1]]
                found.add(crop.tobytes())
    return found


def test_all_crops_and_mirror_images_occur_and_nothing_else():
    rng = np.random.default_rng(0)
    image = rng.integers(1, 256, (16, 8, 3)).astype("uint8")
    found = flip_crop(np.stack([image] * 2000), rng)
    assert found.shape == (2000, 16, 8, 3) and found.dtype == "uint8"
    expected = possible(image, 2, 1)
    assert len(expected) == 30
    assert {crop.tobytes() for crop in found} == expected


def test_the_border_of_a_cifar_image_is_four_pixels_wide():
    images = np.full((500, 32, 32, 3), 255, "uint8")
    found = flip_crop(images, np.random.default_rng(0))
    black = (found[..., 0] == 0).all(axis=2).sum(axis=1)  # rows that are all black
    assert set(black) == {0, 1, 2, 3, 4}


def test_the_border_has_the_value_of_black():
    images = np.ones((50, 8, 8, 3), "float32")
    found = flip_crop(images, np.random.default_rng(0), black=-1)
    assert set(np.unique(found)) == {-1, 1} and found.dtype == "float32"
