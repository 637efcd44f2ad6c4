"""SSIM against the sum over the window, and in closed form."""

import numpy as np
import pytest

from keras_mra.evaluation.ssim import ssim

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


def reference(first, second):
    """SSIM of images `(H, W)`, window by window."""
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    weights /= weights.sum()
    found = np.empty(first.shape)
    padded = [np.pad(image, 5, mode="symmetric") for image in (first, second)]
    for row, column in np.ndindex(*first.shape):
        x, y = (image[row : row + 11, column : column + 11] for image in padded)
        mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
        var_x = (weights * (x - mean_x) ** 2).sum()
        var_y = (weights * (y - mean_y) ** 2).sum()
        covariance = (weights * (x - mean_x) * (y - mean_y)).sum()
        found[row, column] = (
            (2 * mean_x * mean_y + 1e-4)
            * (2 * covariance + 9e-4)
            / ((mean_x**2 + mean_y**2 + 1e-4) * (var_x + var_y + 9e-4))
        )
    return found


def test_it_is_the_sum_over_each_window(rng):
    first = rng.random((14, 17, 2))
    second = np.clip(first + 0.2 * rng.normal(size=first.shape), 0, 1)
    found = ssim(first, second)
    channels = [reference(first[..., c], second[..., c]) for c in range(2)]
    np.testing.assert_allclose(found, np.mean(channels, axis=0), atol=1e-10)
    assert found.shape == (14, 17) and 0.2 < found.mean() < 0.95


def test_closed_forms(rng):
    image = rng.random((12, 12, 3))
    np.testing.assert_allclose(ssim(image, image), 1)
    # Two constants differ in luminance only.
    a, b = np.full((8, 8, 1), 0.25), np.full((8, 8, 1), 0.5)
    expected = (2 * 0.25 * 0.5 + 1e-4) / (0.25**2 + 0.5**2 + 1e-4)
    np.testing.assert_allclose(ssim(a, b), expected, rtol=1e-6)
    # A pattern around a constant mean, against its negative.
    pattern = 0.5 + 0.3 * (np.indices((16, 16)).sum(axis=0) % 2 * 2 - 1)[..., None]
    assert ssim(pattern, 1 - pattern)[8, 8] == pytest.approx(-0.99, abs=0.01)
