"""RandAugment, TrivialAugment and AugMix: draws for each image, in any graph."""

import keras
import numpy as np
import pytest
from helpers.models import traced
from keras import ops

from keras_mra.layers import AugMix
from keras_mra.layers import RandAugment
from keras_mra.layers import TrivialAugment

LAYERS = [TrivialAugment, RandAugment, AugMix]


def same_images(count=64):
    image = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3))
    return image.astype("float32").repeat(count, axis=0)


def augmented(layer, images):
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(images)))


@pytest.mark.parametrize("make", LAYERS)
def test_images_of_a_batch_are_augmented_differently(make):
    images = same_images()
    layer = make(seed=0)
    found = augmented(layer, images)
    assert found.shape == images.shape and found.dtype == "float32"
    assert found.min() >= 0 and found.max() <= 255
    assert len(np.unique(found.reshape(64, -1), axis=0)) > 20
    assert (augmented(layer, images) != found).any()
    np.testing.assert_array_equal(augmented(make(seed=0), images), found)
    np.testing.assert_array_equal(layer(images, training=False), images)


@pytest.mark.parametrize("make", LAYERS)
def test_pixels_in_another_range_and_integers(make):
    images = same_images(8)
    found = augmented(make(seed=0), images)
    other = augmented(make(value_range=(-1, 1), seed=0), images / 127.5 - 1)
    # Rounding may put a value on the other side of a threshold.
    assert (np.abs((other + 1) * 127.5 - found) > 1).mean() < 0.02
    integers = augmented(make(seed=0), images.astype("uint8"))
    assert integers.dtype == "uint8"
    np.testing.assert_allclose(integers, found, atol=0.51)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="JAX and PyTorch trace no batches of unknown size.",
)
@pytest.mark.parametrize("make", LAYERS)
def test_traced_draws_are_new_and_the_batch_may_be_unknown(make):
    layer = make(seed=0)
    function = traced(layer, ((None, 16, 16, 3), "float32"))
    first, second = (
        ops.convert_to_numpy(function(ops.convert_to_tensor(same_images(8))))
        for _ in range(2)
    )
    assert first.shape == (8, 16, 16, 3) and (first != second).any()


def test_strengths():
    images = same_images()

    def change(layer):
        return np.abs(augmented(layer, images) - images).mean()

    assert change(RandAugment(strength=0.9, seed=0)) > change(
        RandAugment(strength=0.1, seed=0)
    )
    assert change(RandAugment(num_ops=4, seed=0)) > change(
        RandAugment(num_ops=1, seed=0)
    )
    assert change(AugMix(strength=0.9, seed=0)) > change(AugMix(strength=0.1, seed=0))


def test_augmix_blends_three_chains_of_up_to_three_operations(monkeypatch):
    def brighter(self, images, levels, *ranges):
        return images + 10

    monkeypatch.setattr(AugMix, "operated", brighter)
    black = np.zeros((4096, 2, 2, 3), "float32")
    found = augmented(AugMix(seed=0), black)
    np.testing.assert_allclose(found, found[:, :1, :1, :1] + black, atol=1e-4)
    change = found[:, 0, 0, 0]
    # Two operations a chain and half of the blend, in the mean.
    assert 0 <= change.min() and change.max() <= 30
    np.testing.assert_allclose(change.mean(), 10, atol=0.3)
    # With 1 - share and depths uniform on (0, 1) and {1, 2, 3}, and the shares of the
    # chains as of Dirichlet(1): E[(1 - share)^2] = 1/3, and E[(sum w d)^2] is
    # 4 + 2/3 * sum E[w^2] = 4 + 2/3 * 1/2.
    np.testing.assert_allclose((change**2).mean(), 100 / 3 * (4 + 1 / 3), rtol=0.05)


def test_bad_arguments():
    with pytest.raises(ValueError, match="`num_ops` must be a positive integer"):
        RandAugment(num_ops=0)
    with pytest.raises(ValueError, match=r"`strength` must be in \[0, 1\]"):
        RandAugment(strength=2)
    with pytest.raises(ValueError, match=r"`strength` must be in \[0, 1\]"):
        AugMix(strength=2)
    with pytest.raises(ValueError, match="`value_range` must be a pair"):
        RandAugment(value_range=(1, 0))


@pytest.mark.parametrize("make", LAYERS)
def test_layers_can_be_saved(make):
    layer = make(seed=3, value_range=(0, 1))
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    images = same_images(4) / 255
    np.testing.assert_array_equal(augmented(again, images), augmented(layer, images))


@pytest.mark.parametrize("value_range", [(0, 1), (-1, 1), (-2, 2)])
def test_whole_values_stay_whole_in_other_ranges(value_range):
    seen = []

    class Watching(TrivialAugment):
        def augment(self, images):
            seen.append(ops.convert_to_numpy(images))
            return images

    low, high = value_range
    values = np.arange(256, dtype="float32").reshape(1, 16, 16, 1)
    layer = Watching(value_range=value_range, seed=0)
    layer.call(ops.convert_to_tensor(values / 255 * (high - low) + low))
    np.testing.assert_array_equal(seen[0], values)
