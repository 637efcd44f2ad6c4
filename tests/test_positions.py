"""Sine-cosine codes, number by number."""

import math

import numpy as np
import pytest

from keras_mra.positions import sincos_2d

# NumPy alone: no backend computes anything here.
pytestmark = pytest.mark.once


def published(dim, row, column):
    """The code of one patch, number by number."""
    code = []
    for place in (column, row):
        angles = [place / 10000 ** (i / (dim / 4)) for i in range(dim // 4)]
        code += [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
    return code


@pytest.mark.parametrize("dim, grid", [(16, (3, 3)), (8, (2, 5)), (192, (14, 14))])
def test_codes_are_the_published_ones(dim, grid):
    expected = [
        published(dim, row, column)
        for row in range(grid[0])
        for column in range(grid[1])
    ]
    found = sincos_2d(dim, grid)
    assert found.dtype == "float32" and found.shape == (grid[0] * grid[1], dim)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_every_patch_has_its_own_code():
    table = sincos_2d(96, (7, 7))
    distances = np.linalg.norm(table[:, None] - table[None], axis=-1)
    assert distances[~np.eye(49, dtype=bool)].min() > 0.1


def test_a_coarser_grid_lies_at_its_patches_centres():
    """Two of the trained patches make one: its centre lies between theirs."""
    found = sincos_2d(16, (2, 3), trained_grid=(4, 6))
    expected = [
        published(16, row, column) for row in (0.5, 2.5) for column in (0.5, 2.5, 4.5)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_trained_grid_is_itself():
    np.testing.assert_array_equal(
        sincos_2d(16, (4, 6), trained_grid=(4, 6)), sincos_2d(16, (4, 6))
    )
