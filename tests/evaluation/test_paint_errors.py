"""Errors on dropped patches, in closed form."""

import numpy as np
import pytest

from keras_mra.evaluation.paint_errors import HALF_LEVEL
from keras_mra.evaluation.paint_errors import PaintErrors
from keras_mra.evaluation.paint_errors import border_pairs
from keras_mra.evaluation.paint_errors import jumps
from keras_mra.evaluation.paint_errors import mse_ratio
from keras_mra.evaluation.ssim import ssim

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


@pytest.fixture
def mask():
    mask = np.zeros((4, 6), bool)
    mask[:2, 2:4] = True
    return mask


def test_jumps_across_the_borders_of_a_mask(rng, mask):
    image = rng.random((4, 6, 2))
    expected = 0
    for row in (0, 1):
        expected += abs(image[row, 1] - image[row, 2]).mean()
        expected += abs(image[row, 3] - image[row, 4]).mean()
    for column in (2, 3):
        expected += abs(image[1, column] - image[2, column]).mean()
    assert jumps(image, mask) == pytest.approx(expected)
    assert jumps(image, ~mask) == pytest.approx(expected)
    assert border_pairs(mask) == border_pairs(~mask) == 6


def test_only_dropped_pixels_count(rng, mask):
    errors = PaintErrors()
    originals = rng.random((2, 4, 6, 3))
    painted = originals.copy()
    painted[0, mask] += 0.1
    painted[1, mask] -= 0.3
    for image, other in zip(originals, painted):
        errors.add(image, other, mask)
    found = errors.to_dict()
    assert found["mse"] == pytest.approx((0.1**2 + 0.3**2) / 2)
    assert found["psnr"] == pytest.approx(-10 * np.log10(0.05))
    expected = np.mean([ssim(a, b)[mask] for a, b in zip(originals, painted)])
    assert found["ssim"] == pytest.approx(expected)
    totals = [sum(jumps(x, mask) for x in images) for images in (painted, originals)]
    assert found["seams"] == pytest.approx(totals[0] / totals[1])


def test_seams_of_a_ramp(mask):
    """Neighbours differ by 0.1: along 4 of the 6 pairs, painted as 0.4 at all."""
    ramp = np.broadcast_to(0.1 * np.arange(6.0), (4, 6))[..., None]
    errors = PaintErrors()
    errors.add(ramp, ramp, mask)
    assert errors.to_dict()["seams"] == pytest.approx(1)
    painted = np.where(mask[..., None], 0.9, ramp)
    errors = PaintErrors()
    errors.add(ramp, painted, mask)
    # Left 0.8, right 0.5, in two rows each; below 0.7 and 0.6.
    assert errors.to_dict()["seams"] == pytest.approx((1.6 + 1.0 + 1.3) / 0.4)


def test_perfect_paint_has_finite_numbers(mask):
    errors = PaintErrors()
    flat = np.full((4, 6, 1), 0.5)
    errors.add(flat, flat, mask)
    assert errors.to_dict() == {
        "mse": 0.0,
        "psnr": pytest.approx(100),
        "ssim": pytest.approx(1),
        "seams": 1.0,
    }


@pytest.mark.parametrize("noise", [0.0, 1e-12, 1e-6])
def test_ratios_of_a_flat_image_are_finite(rng, mask, noise):
    flat = 0.5 + noise * rng.random((4, 6, 1))
    errors = PaintErrors()
    errors.add(flat, np.where(mask[..., None], 0.6, flat), mask)
    # Jumps of 0.1 over half a level of 8 bits, whatever rounding leaves in the image.
    assert errors.to_dict()["seams"] == pytest.approx(0.1 * 510, rel=1e-3)
    rounded = PaintErrors()
    rounded.add(flat, np.where(mask[..., None], 0.501, flat), mask)
    assert rounded.to_dict()["seams"] == 1
    assert mse_ratio(errors.mse(), noise**2) == pytest.approx(
        (0.1 * 510) ** 2, rel=1e-3
    )
    assert mse_ratio(rounded.mse(), noise**2) == 1
    assert mse_ratio(0.3, 0.2) == pytest.approx(1.5) and HALF_LEVEL == 1 / 510
