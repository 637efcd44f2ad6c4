"""An autoencoder whose weights are NaN is refused by the layers that use it."""

import keras
import numpy as np
import pytest
from helpers.models import TINY

import keras_mra
from keras_mra.layers import AttentiveCutMix
from keras_mra.layers import AttentiveCutout
from keras_mra.layers import MaskReconstruct


@pytest.mark.parametrize("layer", [MaskReconstruct, AttentiveCutMix, AttentiveCutout])
@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_weights_that_are_not_finite(layer, bad):
    mae = keras_mra.MAE((8, 8, 1), 4, **TINY)
    weight = mae.encoder.weights[1]
    value = np.array(keras.ops.convert_to_numpy(weight))
    value.flat[-1] = bad
    weight.assign(value)
    expected = f"must have finite weights. Received: .* in '{weight.path}'"
    with pytest.raises(ValueError, match=expected):
        layer(mae)


@pytest.mark.parametrize("layer", [MaskReconstruct, AttentiveCutMix])
@pytest.mark.parametrize("strategy", ["attention", "random"])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_sums_that_overflow(layer, strategy, as_tensor):
    """Finite weights, whose products are not: integer pixels would be black."""
    mae = keras_mra.MAE((8, 8, 1), 4, **TINY)
    for weight in mae.encoder.get_layer("patch_embedding").weights:
        weight.assign(np.full(weight.shape, 1e38))
    options = {"strategy": strategy} if layer is MaskReconstruct else {}
    augment = layer(mae, 0.5, **options)
    images = np.full((2, 8, 8, 1), 255, "uint8")
    images = keras.ops.convert_to_tensor(images) if as_tensor else images
    labels = np.eye(2, dtype="float32")
    for _ in range(2):  # A second try does not pass.
        with pytest.raises(ValueError, match="`mae` must attend and paint with finite"):
            augment({"images": images, "labels": labels})


def test_weights_that_the_products_do_not_hold():
    mae = keras_mra.MAE((8, 8, 1), 4, dtype="mixed_float16", **TINY)
    mae.encoder.weights[0].assign(np.full(mae.encoder.weights[0].shape, 7e4))
    with pytest.raises(ValueError, match="`mae` must have finite weights"):
        MaskReconstruct(mae)


def test_the_check_of_the_first_images_draws_nothing():
    mae = keras_mra.MAE((8, 8, 1), 4, **TINY)
    images = np.full((2, 8, 8, 1), 255, "uint8")
    layers = [MaskReconstruct(mae, 0.5, temperature=1.0, seed=3) for _ in range(2)]
    layers[1]._checked = frozenset({"first"})
    first, other = (keras.ops.convert_to_numpy(layer(images)) for layer in layers)
    np.testing.assert_array_equal(first, other)
