"""Occlusions, pixel by pixel."""

import numpy as np
import pytest

from keras_mra.evaluation.occlusion import boundary_occlusion
from keras_mra.evaluation.occlusion import center_occlusion
from keras_mra.evaluation.occlusion import patch_occlusion

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


def test_boundary_occlusion():
    images = np.full((2, 6, 8, 1), 9, "uint8")
    out = boundary_occlusion(images, 2, value=1)
    assert (out[:, 2:4, 2:6] == 9).all() and out.sum() == 2 * (8 * 9 + 40 * 1)
    assert (images == 9).all() and out.dtype == images.dtype
    np.testing.assert_array_equal(boundary_occlusion(images, 0), images)
    with pytest.raises(ValueError, match="`width` must be.*half of 6.*width=3"):
        boundary_occlusion(images, 3)


@pytest.mark.parametrize("width", [0, 1, 2, 5])
def test_center_occlusion(rng, width):
    images = rng.integers(1, 256, (3, 6, 9, 2), dtype="uint8")
    out = center_occlusion(images, width, value=7)
    rows = range((6 - width) // 2, (6 - width) // 2 + width)
    columns = range((9 - width) // 2, (9 - width) // 2 + width)
    for row in range(6):
        for column in range(9):
            hidden = row in rows and column in columns
            expected = 7 if hidden else images[:, row, column]
            assert (out[:, row, column] == expected).all()
    assert out.dtype == images.dtype and images.min() > 0 and out is not images
    with pytest.raises(ValueError, match="`width` must be.*less than 6.*width=6"):
        center_occlusion(images, 6)


@pytest.mark.parametrize("ratio", [0.0, 0.4, 1.0])
def test_patch_occlusion(rng, ratio):
    images = rng.integers(1, 256, (200, 4, 9, 2), dtype="uint8")
    out = patch_occlusion(images, ratio, (2, 3), seed=1)
    count = round(ratio * 6)
    seen = np.zeros((2, 3))
    for image, changed in zip(images, out):
        hidden = 0
        for row in range(2):
            for column in range(3):
                where = np.s_[2 * row : 2 * row + 2, 3 * column : 3 * column + 3]
                if (changed[where] == 0).all():
                    hidden += 1
                    seen[row, column] += 1
                else:
                    np.testing.assert_array_equal(changed[where], image[where])
        assert hidden == count
    # Each patch as often as any other.
    assert abs(seen / 200 - count / 6).max() < 0.12
    np.testing.assert_array_equal(out, patch_occlusion(images, ratio, (2, 3), seed=1))
    if ratio == 0.4:
        assert (out != patch_occlusion(images, ratio, (2, 3), seed=2)).any()
        more = patch_occlusion(images, 0.7, (2, 3), seed=1)
        assert (more[out == 0] == 0).all() and (more == 0).sum() > (out == 0).sum()


@pytest.mark.parametrize("value", [-1, 300])
def test_values_outside_of_the_dtype(value):
    images = np.zeros((1, 6, 6, 1), "uint8")
    message = f"`value` must be from 0 to 255.*uint8.*value={value}"
    for occlude in (boundary_occlusion, center_occlusion):
        with pytest.raises(ValueError, match=message):
            occlude(images, 2, value=value)
    with pytest.raises(ValueError, match=message):
        patch_occlusion(images, 0.5, 2, value=value)
