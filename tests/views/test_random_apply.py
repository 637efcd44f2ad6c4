"""RandomApply changes whole images at its rate."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mra.layers import RandomApply
from keras_mra.layers import RandomBlur

pytestmark = pytest.mark.usefixtures("quick_compilation")


def negative(**kwargs):
    return keras.layers.Rescaling(-1.0, 1.0, **kwargs)


def array(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_whole_images_are_changed_at_the_asked_rate(rng, rate):
    images = rng.uniform(size=(500, 2, 3, 1)).astype("float32")
    found = array(RandomApply(negative(), rate, seed=0)(images))
    changed = found == 1 - images
    assert (changed.all(axis=(1, 2, 3)) | (found == images).all(axis=(1, 2, 3))).all()
    assert abs(changed.mean() - rate) < (0.07 if 0 < rate < 1 else 1e-6)


def test_each_call_chooses_anew_and_seeds_repeat_it(rng):
    images = rng.uniform(size=(20, 2, 2, 1)).astype("float32")

    def calls(seed):
        layer = RandomApply(negative(), 0.5, seed=seed)
        return [array(layer(images)) for _ in range(2)]

    np.testing.assert_array_equal(calls(0), calls(0))
    assert (calls(0)[0] != calls(0)[1]).any() and (calls(0)[0] != calls(1)[0]).any()


def test_without_training_images_pass(rng):
    images = rng.integers(0, 256, (4, 2, 2, 1), dtype="uint8")
    found = RandomApply(negative(), 1.0)(images, training=False)
    np.testing.assert_array_equal(array(found), images)
    assert ops.dtype(found) == "uint8"


def test_images_stay_what_they_are(rng):
    """Keras' brightness writes into the tensor that it gets, on PyTorch."""
    images = rng.uniform(0.4, 0.6, size=(40, 2, 2, 1)).astype("float32")
    tensor = ops.convert_to_tensor(images.copy())
    brighter = keras.layers.RandomBrightness((0.1, 0.2), (0, 1))
    found = array(RandomApply(brighter, 0.5, seed=0)(tensor))
    np.testing.assert_array_equal(array(tensor), images)
    assert 5 < (found == images).all(axis=(1, 2, 3)).sum() < 35


def test_a_mixed_policy_does_not_round_pixels(rng):
    images = rng.uniform(size=(4, 2, 2, 1)).astype("float32")
    layer = RandomApply(negative(dtype="float32"), 0.5, dtype="mixed_bfloat16")
    found = array(layer(images))
    off = np.minimum(np.abs(found - images), np.abs(found - (1 - images)))
    assert off.max() < 1e-6


def test_is_serializable(rng):
    images = rng.uniform(size=(8, 4, 4, 1)).astype("float32")
    layer = RandomApply(RandomBlur((0.5, 1), seed=1), 0.4, seed=2)
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert keras.saving.serialize_keras_object(again) == config
    np.testing.assert_array_equal(array(again(images)), array(layer(images)))


def test_bad_arguments():
    with pytest.raises(ValueError, match="`layer` must be a Keras layer.*'function'"):
        RandomApply("function")
    with pytest.raises(ValueError, match=r"`rate` must be in \[0, 1\].*rate=2"):
        RandomApply(negative(), 2)
