"""`value_and_gradient`, alone and inside a compiled function."""

import keras
import numpy as np
from keras import layers
from keras import ops

from keras_mra import backend


def test_value_and_gradient():
    x = np.array([[1.0, -2.0], [0.5, 3.0]], "float32")
    value, gradient = backend.value_and_gradient(lambda t: ops.sum(t**3), x)
    np.testing.assert_allclose(ops.convert_to_numpy(value), (x**3).sum(), rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), 3 * x**2, rtol=1e-6)


def test_value_and_gradient_inside_compiled():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, use_bias=False)])
    kernel = np.array([[2.0], [-3.0]], "float32")
    model.set_weights([kernel])
    run = backend.compiled(
        model, lambda x: backend.value_and_gradient(lambda t: ops.sum(model(t) ** 2), x)
    )
    x = np.array([[1.0, 1.0], [4.0, 1.0]], "float32")
    value, gradient = (ops.convert_to_numpy(y) for y in run(x))
    np.testing.assert_allclose(value, 26.0, rtol=1e-6)
    np.testing.assert_allclose(gradient, 2 * (x @ kernel) @ kernel.T, rtol=1e-6)
