"""Painters without training, pixel by pixel."""

import sys

import numpy as np
import pytest

from keras_mra.evaluation.reference_painters import mean_color
from keras_mra.evaluation.reference_painters import nearest_patch
from keras_mra.evaluation.reference_painters import pixel_mask
from keras_mra.evaluation.reference_painters import telea

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once

PATCH = (2, 3)


@pytest.fixture
def hidden():
    return np.array(
        [
            [False, True, True, False],
            [False, True, True, True],
            [True, False, True, False],
        ]
    )


def test_pixels_of_hidden_patches(hidden):
    mask = pixel_mask(hidden, PATCH)
    assert mask.shape == (6, 12)
    for row, column in np.ndindex(6, 12):
        assert mask[row, column] == hidden[row // 2, column // 3]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("painter", [telea, mean_color, nearest_patch])
def test_visible_pixels_stay_and_flat_images_are_restored(
    rng, hidden, painter, channels
):
    mask = pixel_mask(hidden, PATCH)
    image = rng.random((6, 12, channels))
    painted = painter(image, hidden, PATCH)
    np.testing.assert_array_equal(painted[~mask], image[~mask])
    assert painted.shape == image.shape and painted.dtype == "float64"
    # OpenCV rounds upwards, and reads a trace of what is hidden. The others do not.
    trace = 0.05 if painter is telea else 1e-12
    other = np.where(mask[..., None], rng.random(image.shape), image)
    np.testing.assert_allclose(painter(other, hidden, PATCH), painted, atol=trace)
    flat = np.broadcast_to(np.arange(channels) / 5, image.shape)
    np.testing.assert_allclose(painter(flat, hidden, PATCH), flat, atol=trace)


def test_mean_color_is_that_of_the_visible_pixels(rng, hidden):
    image = rng.random((6, 12, 3))
    mask = pixel_mask(hidden, PATCH)
    painted = mean_color(image, hidden, PATCH)
    expected = np.broadcast_to(image[~mask].mean(axis=0), (mask.sum(), 3))
    np.testing.assert_allclose(painted[mask], expected)


def test_the_nearest_patch_is_copied(hidden):
    image = np.arange(12.0).reshape(3, 4).repeat(2, axis=0).repeat(3, axis=1)[..., None]
    painted = nearest_patch(image, hidden, PATCH)
    # Neighbours above and below are 2 pixels away, those at the sides 3.
    np.testing.assert_array_equal(
        painted[::2, ::3, 0], [[0, 0, 3, 3], [4, 9, 3, 3], [4, 9, 9, 11]]
    )
    np.testing.assert_array_equal(painted, painted[::2, ::3].repeat(2, 0).repeat(3, 1))


def test_telea_is_opencvs(rng, hidden):
    cv2 = pytest.importorskip("cv2")
    pixels = rng.integers(0, 256, (6, 12, 3), dtype="uint8")
    mask = pixel_mask(hidden, PATCH)
    expected = cv2.inpaint(pixels, mask.astype("uint8"), 3, cv2.INPAINT_TELEA)
    found = telea(pixels / 255, hidden, PATCH)
    np.testing.assert_allclose(found * 255, expected, atol=1e-9)


def test_missing_opencv_is_named(hidden, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"OpenCV: pip install 'keras-mra\[images\]'"):
        telea(np.zeros((6, 12, 3)), hidden, PATCH)
