"""TrivialAugment: the operations that it draws, their strength, and what it refuses."""

import numpy as np
import pytest
from keras import ops

from keras_mra.layers import TrivialAugment
from keras_mra.views.image_operations import OPERATIONS
from keras_mra.views.image_operations import WIDE
from keras_mra.views.image_operations import apply_operations


def same_images(count):
    image = np.random.default_rng(0).integers(40, 200, (1, 24, 24, 3))
    return image.repeat(count, axis=0).astype("float32")


def test_each_image_has_one_operation_of_all():
    images = same_images(700)
    found = ops.convert_to_numpy(TrivialAugment(seed=0)(images))
    # An unchanged image: no operation, a shear or a shift of nearly 0, and so on.
    share = (np.abs(found - images).max(axis=(1, 2, 3)) < 1e-3).mean()
    assert 0.04 < share < 0.2
    # Operations without a strength give the same image wherever they are drawn.
    for name in ("autocontrast", "equalize"):
        expected = apply_operations(
            ops.convert_to_tensor(images[:1]),
            ops.convert_to_tensor([OPERATIONS.index(name)], "int32"),
            ops.ones((1,)),
            ops.ones((1,)),
            WIDE,
        )
        same = np.abs(found - ops.convert_to_numpy(expected)).max(axis=(1, 2, 3)) < 0.1
        assert same.sum() / 700 == pytest.approx(1 / len(OPERATIONS), abs=0.03)


def test_shifts_reach_32_pixels_at_any_size():
    images = np.full((600, 96, 64, 1), 200, "uint8")
    found = ops.convert_to_numpy(TrivialAugment(seed=0)(images))
    gray = (found == 128).all(axis=-1)
    # The rows and the columns that a shift has filled.
    rows, columns = gray.all(axis=2).sum(axis=1), gray.all(axis=1).sum(axis=1)
    assert 28 <= rows[rows < 96].max() <= 32
    assert 28 <= columns[columns < 64].max() <= 32


def test_pixels_outside_of_the_range():
    with pytest.raises(ValueError, match="`inputs` must lie in the .*value_range"):
        TrivialAugment(value_range=(0, 1))(same_images(2))
    with pytest.warns(UserWarning, match="multiply them by 255"):
        TrivialAugment()(same_images(2) / 255)


def test_other_numbers_of_channels():
    with pytest.raises(ValueError, match="`inputs` must be images with 1 or 3 chann"):
        TrivialAugment()(np.zeros((2, 8, 8, 4), "uint8"))
