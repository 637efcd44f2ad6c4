"""The small classifier: weights by its seed, and pixels from -1 to 1."""

import keras
import numpy as np

from keras_mra.classifiers.networks.small_cnn import small_cnn


def test_the_seed_decides_the_weights():
    plain = small_cnn((8, 8, 1), 3, (0, 255), seed=1)
    again = small_cnn((8, 8, 1), 3, (0, 255), seed=1)
    other = small_cnn((8, 8, 1), 3, (0, 255), seed=2)
    for a, b in zip(plain.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert (plain.get_weights()[0] != other.get_weights()[0]).any()
    # The classifier sees -1 to 1.
    rescale = plain.layers[0]
    ends = keras.ops.convert_to_numpy(rescale(np.array([[0.0, 255.0]], "float32")))
    np.testing.assert_allclose(ends, [[-1, 1]], atol=1e-6)
