"""RandomBlur against a weighted mean by the definition."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mra.layers import RandomBlur

pytestmark = pytest.mark.usefixtures("quick_compilation")


def array(x):
    return ops.convert_to_numpy(x)


def reference_blur(image, sigma):
    """Weighted mean of all pixels of the image, by the definition, in float64."""
    rows, columns, _ = image.shape
    y, x = np.mgrid[:rows, :columns]
    result = np.empty(image.shape)
    for i in range(rows):
        for j in range(columns):
            weights = np.exp(-((y - i) ** 2 + (x - j) ** 2) / (2 * sigma**2))
            weights /= weights.sum()
            result[i, j] = (weights[..., None] * image).sum(axis=(0, 1))
    return result


@pytest.mark.parametrize("sigma", [0.1, 0.7, 2.0])
def test_against_numpy(rng, sigma):
    images = rng.uniform(size=(2, 7, 9, 3)).astype("float32")
    found = array(RandomBlur((sigma, sigma), seed=0)(images))
    expected = [reference_blur(image, sigma) for image in images]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_each_image_has_its_own_width():
    """Neighbours of a bright pixel get `exp(-1 / (2 sigma^2))` of what it keeps."""
    images = np.zeros((64, 15, 15, 1), "float32")
    images[:, 7, 7] = 1
    found = array(RandomBlur((0.5, 2.0), seed=0)(images))[..., 0]
    for neighbour in (found[:, 7, 8], found[:, 8, 7]):
        sigma = np.sqrt(-0.5 / np.log(neighbour / found[:, 7, 7]))
        assert 0.5 - 0.02 < sigma.min() < 0.65 and 1.85 < sigma.max() < 2.02
        assert len(np.unique(sigma.round(4))) > 60


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32"])
def test_dtype_shape_and_range_are_kept(dtype):
    """Borders are not darkened."""
    images = np.full((3, 6, 8, 2), 200, dtype)
    found = RandomBlur((1, 2), seed=0)(images)
    assert ops.dtype(found) == dtype
    np.testing.assert_allclose(array(found), images, rtol=1e-3)


def test_without_training_images_pass(rng):
    images = rng.integers(0, 256, (3, 6, 8, 2), dtype="uint8")
    found = RandomBlur(seed=0)(images, training=False)
    np.testing.assert_array_equal(array(found), images)


def test_seeds(rng):
    images = rng.uniform(size=(2, 6, 6, 1)).astype("float32")

    def calls(seed):
        layer = RandomBlur(seed=seed)
        return [array(layer(images)) for _ in range(2)]

    np.testing.assert_array_equal(calls(0), calls(0))
    assert np.abs(calls(0)[0] - calls(0)[1]).max() > 1e-3
    assert np.abs(calls(0)[0] - calls(1)[0]).max() > 1e-3


def test_is_serializable():
    layer = RandomBlur((0.3, 0.9), seed=4)
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == layer.get_config()


def test_bad_arguments():
    with pytest.raises(ValueError, match="`sigma`.*lower first.*sigma="):
        RandomBlur((2, 1))
