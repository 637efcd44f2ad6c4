import contextlib

import numpy as np
import pytest
from helpers.models import compute

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
