import keras
import numpy as np
import pytest
from helpers.models import compute
from helpers.models import randomize
from helpers.reference_mae import ReferenceMAE
from helpers.reference_mae import block_weights
from keras import ops

from keras_mra.backend import attention as attention_ops
from keras_mra.layers import TransformerBlock


def make_block(**kwargs):
    block = TransformerBlock(4, mlp_ratio=2.5, seed=1, name="block", **kwargs)
    block.build((None, None, 16))
    return randomize(block, seed=4)


@pytest.fixture(scope="module")
def block():
    return make_block()


@pytest.fixture
def tokens(rng):
    return rng.normal(size=(3, 7, 16)).astype("float32")


class Numerics(ReferenceMAE):
    """The reference's block, without a model around it."""

    def __init__(self, epsilon):
        self.epsilon = epsilon


def test_against_numpy(block, tokens):
    reference = Numerics(block.layer_norm_epsilon)
    expected = [reference.transform(x, block_weights(block), 4) for x in tokens]
    np.testing.assert_allclose(compute(block, tokens), expected, atol=1e-4)


def test_attention_against_numpy(block, tokens):
    reference = Numerics(block.layer_norm_epsilon)
    expected = [reference.attention_weights(x, block_weights(block), 4) for x in tokens]
    found = compute(block.attention, tokens)
    assert found.shape == (3, 4, 7, 7)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_class_attention_against_numpy(block, tokens):
    reference = Numerics(block.layer_norm_epsilon)
    expected = [
        np.mean(
            [h[0] for h in reference.attention_weights(x, block_weights(block), 4)], 0
        )
        for x in tokens
    ]
    found = compute(block.class_attention, tokens)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_softmax_is_in_float32_under_mixed_precision(tokens, dtype):
    half = make_block(dtype=dtype)
    for attention in (half.class_attention, half.attention):
        found = attention(ops.cast(tokens, half.compute_dtype))
        assert ops.dtype(found) == "float32"
        sums = ops.convert_to_numpy(ops.sum(found, axis=-1))
        # A softmax in half precision misses 1 by a thousandth or more.
        np.testing.assert_allclose(sums, 1, atol=1e-5)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_close(block, tokens, dtype):
    half = make_block(dtype=dtype)
    found = half(tokens)
    assert ops.dtype(found) == half.compute_dtype
    assert {w.dtype for w in half.weights} == {"float32"}
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(found, "float32")),
        compute(block, tokens),
        atol=0.25,
    )


def test_both_forms_of_attention_agree(rng):
    """The form for JAX on CPUs is Keras' own, and so are its gradients."""
    query, key, value = rng.normal(0, 3, (3, 2, 5, 4, 8)).astype("float32")

    def both(query, key, value):
        return (
            attention_ops._normalize_after_values(query, key, value),
            ops.dot_product_attention(query, key, value, scale=8**-0.5),
        )

    found, expected = compute(both, query, key, value)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_large_logits_do_not_overflow(rng):
    query = 1e3 * np.ones((1, 3, 1, 4), "float32")
    key = 1e3 * rng.normal(size=(1, 3, 1, 4)).astype("float32")
    value = rng.normal(size=(1, 3, 1, 4)).astype("float32")
    for form in (
        attention_ops.dot_product_attention,
        attention_ops._normalize_after_values,
    ):
        assert np.isfinite(compute(form, query, key, value)).all()


def test_is_serializable(block):
    config = keras.saving.serialize_keras_object(block)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == block.get_config()


def test_the_same_seed_gives_the_same_weights_and_no_two_alike():
    def weights(seed):
        block = TransformerBlock(2, seed=seed)
        block.build((None, 3, 8))
        return [ops.convert_to_numpy(w) for w in block.weights if w.name == "kernel"]

    for one, same, other in zip(weights(0), weights(0), weights(1)):
        np.testing.assert_array_equal(one, same)
        assert np.abs(one - other).max() > 0.01
    query, key, value, output = weights(0)[:4]
    assert np.abs(query - key).max() > 0.01 and np.abs(value - output).max() > 0.01


def test_output_spec(block):
    assert block(keras.KerasTensor((None, None, 16))).shape == (None, None, 16)
