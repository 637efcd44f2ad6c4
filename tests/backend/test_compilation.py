"""Functions compiled outside `fit`, and the choice of XLA."""

import threading

import keras
import numpy as np
import pytest
from keras import ops

from keras_mra import backend


class Noise(keras.layers.Layer):
    """Adds a weight and noise, and counts its calls."""

    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(0)
        self.bias = self.add_weight(shape=(3,), initializer="ones")

    def call(self, x):
        noise = keras.random.normal(ops.shape(x), seed=self.seed_generator)
        return x + self.bias + noise


def test_compiled_advances_the_random_state_and_reads_the_weights():
    layer, x = Noise(), np.zeros((2, 3), "float32")
    call = backend.compiled(layer, layer)
    first, second = (ops.convert_to_numpy(call(x)) for _ in range(2))
    assert not np.array_equal(first, second)
    again = Noise()
    expected = [ops.convert_to_numpy(again(x)) for _ in range(2)]
    np.testing.assert_allclose([first, second], expected, atol=1e-6)
    layer.bias.assign([10.0, 10.0, 10.0])
    assert ops.convert_to_numpy(call(x)).mean() > 5


def test_compiled_serves_threads_one_after_another():
    layer, running, found = Noise(), [], []

    def slow(x):
        running.append(1)
        found.append(len(running))
        y = layer(x)
        running.pop()
        return y

    call = backend.compiled(layer, slow)
    shapes = [(n, 3) for n in range(1, 7)]  # Each is traced anew.
    threads = [
        threading.Thread(target=call, args=(np.zeros(shape, "float32"),))
        for shape in shapes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * len(shapes)


def test_random_states_are_those_of_all_seed_generators():
    layer = Noise()
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dropout(0.5)])
    states = backend.random_states(model)
    assert [v.path for v in states] == [
        v.path for v in model.variables if v.name == "seed_generator_state"
    ]
    assert len(states) == 2
    assert not {id(v) for v in states} & {id(v) for v in model.weights}


@pytest.mark.parametrize("steps, xla", [(None, True), (200, True), (199, False)])
def test_fastest_jit_compile(steps, xla):
    expected = {"jax": True, "tensorflow": xla, "torch": False}
    found = backend.fastest_jit_compile(steps)
    assert found is expected[keras.backend.backend()]
