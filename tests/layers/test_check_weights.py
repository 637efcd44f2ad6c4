"""An autoencoder whose weights are NaN is refused by the layers that use it."""

import keras
import numpy as np
import pytest
from helpers.models import TINY

import keras_mra
from keras_mra.layers import AttentiveCutMix
from keras_mra.layers import MaskReconstruct


@pytest.mark.parametrize("layer", [MaskReconstruct, AttentiveCutMix])
@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_weights_that_are_not_finite(layer, bad):
    mae = keras_mra.MAE((8, 8, 1), 4, **TINY)
    weight = mae.encoder.weights[1]
    value = np.array(keras.ops.convert_to_numpy(weight))
    value.flat[-1] = bad
    weight.assign(value)
    expected = f"`mae` must have finite weights. Received: .* in '{weight.path}'"
    with pytest.raises(ValueError, match=expected):
        layer(mae)
