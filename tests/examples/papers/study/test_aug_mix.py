"""AugMix: draws for each image, in a range of its own, of any strength."""

import numpy as np
from keras import ops
from study.aug_mix import AugMix

IMAGE = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3))
IMAGES = IMAGE.repeat(32, axis=0).astype("float32")


def augmented(layer, images=IMAGES):
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(images)))


def test_images_of_a_batch_are_augmented_differently():
    found = augmented(AugMix(seed=0))
    assert found.shape == IMAGES.shape and 0 <= found.min() <= found.max() <= 255
    assert len(np.unique(found.reshape(32, -1), axis=0)) > 20
    np.testing.assert_array_equal(augmented(AugMix(seed=0)), found)
    np.testing.assert_array_equal(AugMix()(IMAGES, training=False), IMAGES)


def test_pixels_in_another_range():
    found = augmented(AugMix(seed=0))
    other = augmented(AugMix(value_range=(-1, 1), seed=0), IMAGES / 127.5 - 1)
    # Rounding may put a value on the other side of a threshold.
    assert (np.abs((other + 1) * 127.5 - found) > 1).mean() < 0.02


def test_strength():
    changes = [
        np.abs(augmented(AugMix(strength=strength, seed=0)) - IMAGES).mean()
        for strength in (0.1, 0.9)
    ]
    assert changes[0] < changes[1]
