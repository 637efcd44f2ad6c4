"""Normalised pixels, casts and standardised patches against NumPy; sizes, Pillow."""

import numpy as np
import pytest
from keras import ops

from keras_mra import pixels

MEAN, STD = (0.1, 0.4, 0.7), (0.2, 0.5, 1.5)


@pytest.mark.parametrize("value_range", [(0, 255), (0, 1), (-1, 1), (-0.5, 3)])
@pytest.mark.parametrize(
    "mean, std", [(None, None), (MEAN, None), (None, STD), (MEAN, STD)]
)
def test_normalize_and_back(rng, value_range, mean, std):
    low, high = value_range
    images = rng.uniform(low, high, (2, 3, 4, 3)).astype("float32")
    expected = (images.astype("float64") - low) / (high - low)
    expected = (expected - (0 if mean is None else np.array(mean))) / (
        1 if std is None else np.array(std)
    )
    found = pixels.normalize(images, value_range, mean, std)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)
    back = pixels.denormalize(found, value_range, mean, std)
    np.testing.assert_allclose(
        ops.convert_to_numpy(back), images, atol=1e-6 * (high - low) * 3
    )


@pytest.mark.parametrize("dtype", ["uint8", "float16", "bfloat16", "int32"])
def test_normalize_computes_in_float32(dtype):
    images = ops.cast(np.arange(256).reshape(1, 16, 16, 1), dtype)
    found = pixels.normalize(images, (0, 255), None, None)
    assert ops.dtype(found) == "float32"
    exact = ops.convert_to_numpy(ops.cast(images, "float32")) / 255
    np.testing.assert_allclose(ops.convert_to_numpy(found), exact, atol=1e-6)


def test_denormalize_clips():
    found = pixels.denormalize(np.array([[-3.0, 0.5, 7.0]]), (0, 255), None, None)
    np.testing.assert_allclose(ops.convert_to_numpy(found), [[0, 127.5, 255]])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32"])
def test_cast_rounds_to_integers(dtype):
    found = pixels.cast_pixels(np.array([0.4, 0.6, 254.6], "float32"), dtype)
    assert ops.dtype(found) == dtype
    np.testing.assert_array_equal(ops.convert_to_numpy(found), [0, 1, 255])


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_cast_does_not_round_floats(dtype):
    found = pixels.cast_pixels(np.array([0.4, 0.6], "float32"), dtype)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(found), np.array([0.4, 0.6], dtype)
    )


def test_standardized_patches(rng):
    patches = rng.normal(3, 5, (2, 4, 12)).astype("float32")
    mean = patches.mean(-1, keepdims=True)
    variance = patches.var(-1, keepdims=True, ddof=1)
    expected = (patches - mean) / np.sqrt(variance + 1e-6)
    found = ops.convert_to_numpy(
        pixels.standardize_patches(ops.convert_to_tensor(patches))
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)
    found_mean, found_std = pixels.patch_statistics(ops.convert_to_tensor(patches))
    np.testing.assert_allclose(ops.convert_to_numpy(found_mean), mean, atol=1e-5)
    np.testing.assert_allclose(
        ops.convert_to_numpy(found_std), np.sqrt(variance + 1e-6), atol=1e-5
    )


def test_a_flat_patch_standardizes_to_zero():
    flat = np.full((1, 2, 9), 0.3, "float32")
    found = ops.convert_to_numpy(
        pixels.standardize_patches(ops.convert_to_tensor(flat))
    )
    np.testing.assert_allclose(found, 0, atol=1e-3)


@pytest.mark.parametrize("size", [(12, 20), (5, 7), (31, 9), (1, 1), (13, 17)])
def test_resize_agrees_with_pillow(rng, size):
    image = pytest.importorskip("PIL.Image")
    original = rng.uniform(0, 255, (13, 17)).astype("float32")
    want = image.fromarray(original).resize(size[::-1], image.Resampling.BILINEAR)
    found = pixels.resize(ops.convert_to_tensor(original[None, :, :, None]), size)
    found = ops.convert_to_numpy(found)[0, :, :, 0]
    np.testing.assert_allclose(found, np.asarray(want), atol=1e-2)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32"])
def test_resize_returns_float32_and_keeps_images_of_the_size(rng, dtype):
    images = ops.convert_to_tensor(rng.integers(0, 256, (2, 5, 6, 3)).astype(dtype))
    for size in [(5, 6), (5, 7)]:
        found = pixels.resize(images, size)
        assert ops.dtype(found) == "float32" and found.shape == (2, *size, 3)
    same = ops.convert_to_numpy(pixels.resize(images, (5, 6)))
    np.testing.assert_array_equal(same, ops.convert_to_numpy(images))


def test_weights_sum_to_one_and_keep_the_size():
    found = pixels.resampling_matrix(7, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(pixels.resampling_matrix(5, 5), np.eye(5))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_weighed_axes_against_numpy(rng, dtype):
    images = rng.integers(0, 256, (2, 3, 4, 2)).astype(dtype)
    rows, columns = rng.dirichlet(np.ones(3), (2, 5)), rng.dirichlet(np.ones(4), (2, 6))
    found = pixels.weigh_axes(
        ops.convert_to_tensor(images),
        *(ops.cast(x, "float32") for x in (rows, columns)),
    )
    assert ops.dtype(found) == dtype
    expected = np.einsum("bij,bkl,bjlc->bikc", rows, columns, images)
    tolerance = 0.501 if dtype == "uint8" else 1e-3
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=tolerance)
