"""What `keras_mra.backend` recognises: tensors and streams of every library."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mra import backend

BACKEND = keras.backend.backend()


def in_graph(function, shape):
    """What a function returns for a symbolic TensorFlow tensor."""
    tf = pytest.importorskip("tensorflow")
    found = []

    def call(x):
        found.append(function(x))
        return x

    tf.function(call, autograph=False).get_concrete_function(
        tf.TensorSpec(shape, "float32")
    )
    return found[0]


def test_values_are_concrete():
    assert backend.is_concrete(ops.zeros((2, 3)))
    assert backend.is_concrete(np.zeros(3))
    assert not backend.is_concrete(keras.Input((3,)))


def test_traced_tensors_are_not_concrete():
    assert not in_graph(backend.is_concrete, (2, 3))
    if BACKEND == "jax":
        import jax

        jax.eval_shape(lambda x: _not_concrete(x), np.zeros(3))
    if BACKEND == "torch":
        import torch

        assert not backend.is_concrete(torch.zeros(3, device="meta"))


def _not_concrete(x):
    assert not backend.is_concrete(x)
    return x


def test_a_graph_of_tensorflow_is_foreign_to_other_backends():
    assert in_graph(backend.is_foreign_graph, (2, 3)) == (BACKEND != "tensorflow")
    assert in_graph(backend.is_tensorflow_symbolic, (2, 3))
    assert not backend.is_tensorflow_symbolic(ops.zeros((2, 3)))
    assert not backend.is_foreign_graph(np.zeros(3))


@pytest.mark.parametrize(
    "shape, unknown",
    [
        (None, True),
        ((None, None, 8, 3), True),
        ((None, 8, 8, 3), False),
        ((8, 8, 3), False),
    ],
)
def test_unknown_sizes(shape, unknown):
    assert in_graph(backend.has_unknown_size, shape) == unknown


def test_static_shape():
    def shape_of(x):
        return tuple(backend.with_static_shape(x, (8, 8, 3)).shape)

    assert in_graph(shape_of, (None, None, None, 3)) == (None, 8, 8, 3)
    images = np.zeros((2, 4, 4, 3))
    assert backend.with_static_shape(images, (8, 8, 3)) is images


def test_call_on_host_has_a_static_shape_and_dtype():
    tf = pytest.importorskip("tensorflow")
    rows = np.arange(6, dtype="uint8").reshape(3, 2)

    def halve(x):
        (half,) = backend.call_on_host(
            lambda a: [(a / 2).astype("float32")], [x], [(x.shape, "float32")]
        )
        return half

    ds = tf.data.Dataset.from_tensor_slices(rows).map(halve)
    assert ds.element_spec == tf.TensorSpec((2,), "float32")
    np.testing.assert_array_equal(list(ds.as_numpy_iterator()), rows / 2)


def test_call_on_host_takes_and_returns_several_arrays():
    tf = pytest.importorskip("tensorflow")
    rows = np.arange(6, dtype="uint8").reshape(3, 2)

    def sum_and_first(x, y):
        return backend.call_on_host(
            lambda a, b: [a + b, a[:1]],
            [x, y],
            [(x.shape, "uint8"), (None, "uint8")],
        )

    ds = tf.data.Dataset.from_tensor_slices((rows, rows[::-1])).map(sum_and_first)
    total, first = ds.element_spec
    assert total == tf.TensorSpec((2,), "uint8") and first.shape.rank is None
    totals, firsts = zip(*ds.as_numpy_iterator())
    np.testing.assert_array_equal(totals, rows + rows[::-1])
    np.testing.assert_array_equal(firsts, rows[:, :1])
