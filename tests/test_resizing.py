"""Resizing by matrix products, against Pillow."""

import numpy as np
import pytest
from keras import ops

from keras_mra.pixels import resampling_matrix
from keras_mra.pixels import resize


@pytest.mark.parametrize("size", [(12, 20), (5, 7), (31, 9), (1, 1), (13, 17)])
def test_agrees_with_pillow(size):
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).uniform(0, 255, (13, 17)).astype("float32")
    want = image.fromarray(pixels).resize(size[::-1], image.Resampling.BILINEAR)
    got = ops.convert_to_numpy(
        resize(ops.convert_to_tensor(pixels[None, :, :, None]), size)
    )
    np.testing.assert_allclose(got[0, :, :, 0], np.asarray(want), atol=1e-2)


def test_weights_sum_to_one_and_keep_the_size():
    np.testing.assert_allclose(resampling_matrix(7, 3).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(resampling_matrix(5, 5), np.eye(5))
