"""Patches and rows of sequences, against NumPy."""

import numpy as np
import pytest
from helpers.models import random_visible
from keras import ops

from keras_mra import patches


@pytest.mark.parametrize(
    "image_shape, patch_size",
    [
        ((4, 4, 3), (2, 2)),
        ((6, 8, 1), (3, 2)),
        ((4, 6, 4), (4, 1)),
        ((2, 2, 2), (1, 1)),
    ],
)
def test_patchify_is_in_raster_order_and_inverted(rng, image_shape, patch_size):
    images = rng.normal(size=(3, *image_shape)).astype("float32")
    (height, width, _), (ph, pw) = image_shape, patch_size
    expected = np.stack(
        [
            images[:, top : top + ph, left : left + pw].reshape(3, -1)
            for top in range(0, height, ph)
            for left in range(0, width, pw)
        ],
        axis=1,
    )
    found = patches.patchify(ops.convert_to_tensor(images), patch_size)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), expected)
    back = patches.unpatchify(found, patch_size, image_shape)
    np.testing.assert_array_equal(ops.convert_to_numpy(back), images)


def test_patchify_keeps_the_dtype():
    images = ops.ones((1, 4, 4, 1), "uint8")
    assert ops.dtype(patches.patchify(images, (2, 2))) == "uint8"


def test_gather_rows(rng):
    sequence = rng.normal(size=(4, 6, 5)).astype("float32")
    indices = random_visible(rng, 4, 6, 3)
    found = patches.gather_rows(ops.convert_to_tensor(sequence), indices)
    expected = np.take_along_axis(sequence, indices[..., None], axis=1)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), expected)


def test_gather_rows_takes_int64_indices(rng):
    sequence = rng.normal(size=(2, 6, 5)).astype("float32")
    indices = random_visible(rng, 2, 6, 3).astype("int64")
    found = patches.gather_rows(ops.convert_to_tensor(sequence), indices)
    expected = np.take_along_axis(sequence, indices[..., None], axis=1)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), expected)


def test_visible_mask():
    mask = patches.visible_mask(np.array([[2, 0], [3, 4]], "int32"), 5)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(mask), [[1, 0, 1, 0, 0], [0, 0, 0, 1, 1]]
    )


@pytest.mark.parametrize("size", [(2, 3), (4, 9), (5, 7), (20, 31)])
def test_visible_pixels_follow_their_centres(size):
    """At any resolution, a pixel belongs to the patch under its centre."""
    grid, visible = (2, 3), np.array([[0, 5], [1, 3]], "int32")
    found = ops.convert_to_numpy(patches.visible_pixels(visible, grid, size))
    assert found.shape == (2, *size, 1)
    for row in range(size[0]):
        for column in range(size[1]):
            patch_row = int((row + 0.5) / size[0] * grid[0])
            patch_column = int((column + 0.5) / size[1] * grid[1])
            patch = patch_row * grid[1] + patch_column
            for image in range(2):
                assert found[image, row, column, 0] == (patch in visible[image])


def test_restore_rows(rng):
    rows = rng.normal(size=(3, 2, 4)).astype("float32")
    visible = random_visible(rng, 3, 5, 2)
    fill = np.arange(4, dtype="float32")
    found = patches.restore_rows(ops.convert_to_tensor(rows), visible, 5, fill)
    expected = np.tile(fill, (3, 5, 1))
    np.put_along_axis(expected, visible[..., None], rows, axis=1)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), expected)


def test_rows_that_are_picked_return_to_their_places(rng):
    sequence = rng.normal(size=(3, 6, 4)).astype("float32")
    everything = random_visible(rng, 3, 6, 6)
    picked = patches.gather_rows(ops.convert_to_tensor(sequence), everything)
    back = patches.restore_rows(picked, everything, 6, np.zeros(4, "float32"))
    np.testing.assert_array_equal(ops.convert_to_numpy(back), sequence)
