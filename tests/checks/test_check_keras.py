"""What is passed on to Keras is refused by name, in the words of this package."""

import keras
import numpy as np
import pytest
from helpers.models import TINY

import keras_mra
from keras_mra import checks
from keras_mra import views

pytestmark = pytest.mark.once


def mae(**arguments):
    return keras_mra.MAE((8, 8, 3), 4, **{**TINY, **arguments})


MAKE = {
    "MAE": mae,
    "MSA": lambda **a: keras_mra.MSA(mae(), hidden_dim=8, projection_dim=4, **a),
    "MaskReconstruct": lambda **a: keras_mra.layers.MaskReconstruct(mae(), **a),
    "AttentiveCutMix": lambda **a: keras_mra.layers.AttentiveCutMix(mae(), 0.3, **a),
    "AttentiveCutout": lambda **a: keras_mra.layers.AttentiveCutout(mae(), **a),
    "RandomResizedCrop": keras_mra.layers.RandomResizedCrop,
    "RandomBlur": keras_mra.layers.RandomBlur,
    "AugMix": keras_mra.layers.AugMix,
    "RandAugment": keras_mra.layers.RandAugment,
    "TrivialAugment": keras_mra.layers.TrivialAugment,
    "RandomApply": lambda **a: keras_mra.layers.RandomApply(
        keras.layers.RandomFlip(), **a
    ),
}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(dtype="float31"), "`dtype` must be a float dtype.*dtype='float31'"),
        (dict(dtype="int8"), "`dtype` must be a float dtype.*dtype='int8'"),
        (dict(dtype=3), "`dtype` must be a float dtype.*dtype=3"),
        (dict(name=3), "`name` must be a string.*name=3"),
        (dict(name="a/b"), "`name` must be a string without '/'.*name='a/b'"),
        (dict(trainable="no"), "`trainable` must be True or False.*trainable='no'"),
    ],
)
def test_bad_arguments_of_layers(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)


def test_good_arguments_of_layers():
    policy = keras.DTypePolicy("mixed_bfloat16")
    for dtype in ("float32", "mixed_float16", policy, None):
        assert checks.layer_arguments({"dtype": dtype, "name": "a"})["dtype"] is dtype


@pytest.mark.parametrize("layers", ["x", 3, [3], [lambda x: x]])
def test_layers_of_a_view(layers):
    with pytest.raises(ValueError, match="`layers` must be a .*Received: layers="):
        views.View(layers, (8, 8, 3))


@pytest.mark.parametrize("value", ["x", ["x"], 3, [lambda: None]])
def test_no_callbacks(value):
    with pytest.raises(ValueError, match="`callbacks` must be a list of Keras callbac"):
        checks.callbacks(value)


def test_callbacks():
    callback = keras.callbacks.Callback()
    assert checks.callbacks((callback,)) == [callback]
    assert checks.callbacks(None) == []


@pytest.mark.parametrize("value", [True, False, 3, "loud", None, 1.5, np.array([1, 2])])
def test_no_verbose(value):
    with pytest.raises(ValueError, match="`verbose` must be one of .*verbose="):
        checks.verbose(value)
