"""One harness for every layer, after KerasHub's `run_layer_test`."""

import json

import keras
import numpy as np
from keras import ops

from helpers.models import compute
from helpers.models import traced

MIXED = ("mixed_float16", "mixed_bfloat16")


def check_layer(
    make,
    inputs,
    output_shape,
    output_dtypes=None,
    trainable_weights=0,
    tf_data=False,
    is_random=False,
):
    """Checks what Keras expects of a layer.

    Shapes and dtypes, concrete, symbolic and traced with an unknown batch; dtype
    policies; the configuration as JSON; a `.keras` file; trainability; `tf.data`.

    Args:
        make: Function of `**kwargs`, arguments of `keras.layers.Layer`, to a new layer.
        inputs: Tuple of NumPy arrays, the arguments of a call.
        output_shape: Tuple, the shape of the output.
        output_dtypes: Dict from policies, `"float32"` and those of `MIXED`, to dtypes;
            `None` for the compute dtype of each.
        trainable_weights: Int, how many weights are trained.
        tf_data: Bool, whether the layer works in `tf.data.Dataset.map` on every
            backend.
        is_random: Bool, whether two calls differ.
    """
    dtypes = output_dtypes or {
        "float32": "float32",
        "mixed_float16": "float16",
        "mixed_bfloat16": "bfloat16",
    }
    layer = make()
    layer(*map(ops.convert_to_tensor, inputs))  # Builds it, which `compute` may trace.
    output = compute(layer, *inputs)
    assert output.shape == output_shape and np.isfinite(output).all()
    assert output.dtype.name == dtypes["float32"]
    assert len(layer.trainable_weights) == trainable_weights
    _check_symbolic(make(), inputs, output_shape, dtypes["float32"])
    _check_traced(layer, inputs, output_shape)
    for policy in MIXED:
        mixed = make(dtype=policy)
        found = mixed(*map(ops.convert_to_tensor, inputs))
        assert keras.backend.standardize_dtype(found.dtype) == dtypes[policy], policy
        assert all(w.dtype == "float32" for w in mixed.trainable_weights)
    _check_serialisation(layer, inputs, None if is_random else output)
    if trainable_weights:
        layer.trainable = False
        assert not layer.trainable_weights
    if tf_data:
        _check_tf_data(make(), inputs, output_shape, dtypes["float32"])


def _check_symbolic(layer, inputs, output_shape, dtype):
    symbolic = [
        keras.KerasTensor((None, *x.shape[1:]), dtype=x.dtype.name) for x in inputs
    ]
    spec = layer(*symbolic)
    assert spec.shape == (None, *output_shape[1:])
    assert keras.backend.standardize_dtype(spec.dtype) == dtype


def _check_traced(layer, inputs, output_shape):
    if keras.backend.backend() == "torch":
        return  # PyTorch runs eagerly; tests/models/test_mae.py compiles all layers.
    function = traced(layer, *(((None, *x.shape[1:]), x.dtype.name) for x in inputs))
    found = function(*map(ops.convert_to_tensor, inputs))
    assert tuple(found.shape) == output_shape


def _check_serialisation(layer, inputs, expected):
    """The configuration, through JSON, makes the same layer again."""
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
    assert type(again) is type(layer)
    assert json.dumps(keras.saving.serialize_keras_object(again)) == json.dumps(config)
    again(*map(ops.convert_to_tensor, inputs))
    assert len(again.weights) == len(layer.weights)
    again.set_weights(layer.get_weights())
    if expected is not None:
        found = compute(again, *inputs)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def _check_tf_data(layer, inputs, output_shape, dtype):
    import tensorflow as tf

    (images,) = inputs
    single = tf.data.Dataset.from_tensor_slices(images)
    for dataset, shape in (
        (single.batch(len(images)), output_shape),
        (single, output_shape[1:]),
    ):
        mapped = dataset.map(layer)
        assert mapped.element_spec.dtype.name == dtype
        found = next(iter(mapped)).numpy()
        assert found.shape == shape and np.isfinite(found).all()
