"""The photographs that come with the package."""

import numpy as np
import pytest

from keras_mra.datasets import sample_photographs


def test_four_photographs_in_colour():
    images = sample_photographs()
    assert images.shape == (4, 128, 128, 3)
    assert images.dtype == "uint8"
    spread = np.std(images, axis=(1, 2))  # (4, 3)
    assert (spread > 20).all()
    assert not np.allclose(images[..., 0], images[..., 2])


def test_another_size_shows_the_same_pictures():
    large, small = sample_photographs(), sample_photographs(64)
    assert small.shape == (4, 64, 64, 3)
    means = large.reshape(4, 64, 2, 64, 2, 3).mean((2, 4))
    assert np.abs(means - small).mean() < 6


@pytest.mark.parametrize("side", [0, 1.5, "64", None])
def test_bad_side(side):
    with pytest.raises(ValueError, match="`side` must be"):
        sample_photographs(side)
