import contextlib

import keras
import numpy as np
import pytest
from helpers.models import compute
from keras import ops

from keras_mra import backend


def reference(query, key, value):
    """Attention in float64, head by head."""
    out = np.zeros(query.shape)
    for image in range(query.shape[0]):
        for head in range(query.shape[2]):
            q, k, v = (x[image, :, head].astype("float64") for x in (query, key, value))
            weights = np.exp(q @ k.T / np.sqrt(q.shape[-1]))
            out[image, :, head] = weights / weights.sum(axis=1, keepdims=True) @ v
    return out


@pytest.mark.parametrize("form", [contextlib.nullcontext, backend.portable])
def test_attention_is_that_of_numpy(rng, form):
    query = rng.normal(size=(2, 3, 4, 8)).astype("float32")
    key, value = rng.normal(size=(2, 2, 5, 4, 8)).astype("float32")
    with form():
        found = compute(backend.dot_product_attention, query, key, value)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, reference(query, key, value), atol=1e-5)


@pytest.mark.parametrize("form", [contextlib.nullcontext, backend.portable])
def test_large_float16_values_do_not_overflow(form):
    """The values' sum is above float16's largest number, and their mean is not.

    All partial sums of the mean are float16 numbers. The order in which a processor
    adds them therefore does not matter.
    """
    query = key = np.zeros((1, 4, 1, 8), "float16")
    value = np.full((1, 4, 1, 8), 2**15, "float16")
    with form():
        found = compute(backend.dot_product_attention, query[:, :2], key, value)
    assert found.dtype == "float16"
    np.testing.assert_array_equal(found, np.full((1, 2, 1, 8), 2**15, "float16"))


@pytest.mark.parametrize("queries, keys", [(4, 4), (5, 5), (4, 5), (5, 4)])
def test_flash_attention_is_not_tried_where_jax_cannot_differentiate_it(
    queries, keys, rng, monkeypatch
):
    chosen = []

    def record(*inputs, flash_attention=None, **_):
        chosen.append(flash_attention)
        return inputs[0]

    monkeypatch.setattr(ops, "dot_product_attention", record)
    monkeypatch.setattr(backend.attention, "is_jax_on_cpu", lambda: False)
    query = rng.normal(size=(2, queries, 4, 8)).astype("float32")
    key = rng.normal(size=(2, keys, 4, 8)).astype("float32")
    backend.dot_product_attention(query, key, key)
    refused = keras.backend.backend() == "jax" and 5 in (queries, keys)
    assert chosen == [False if refused else None]
