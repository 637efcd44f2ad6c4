"""Scaled dot-product attention in the fastest form for each backend."""

from keras import ops

from keras_mra.backend.jax_cpu import is_jax_on_cpu
from keras_mra.backend.portable import is_portable


def dot_product_attention(query, key, value):
    """Scaled dot-product attention, softmax in float32.

    Args:
        query, key, value: Tensors of shape `(batch, tokens, heads, head_dim)`.

    Returns:
        Tensor of the same shape.
    """
    if is_jax_on_cpu() or is_portable():
        return _normalize_after_values(query, key, value)
    return ops.dot_product_attention(query, key, value, scale=query.shape[-1] ** -0.5)


def _normalize_after_values(query, key, value):
    """The same attention, divided by the softmax's sum after the value product.

    Heads go first, so that each product reads contiguous matrices. Alone, on 197
    tokens, XLA's CPU backend ran this form about 2 times faster than the same sums in
    the layout of the arguments; inside a whole model the difference was a few percent.
    """
    query, key, value = (
        ops.transpose(x, (0, 2, 1, 3)) for x in (query, key, value)
    )  # (B, heads, T, d)
    logits = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
    logits = ops.cast(logits, "float32") * query.shape[-1] ** -0.5
    peak = ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
    weights = ops.exp(logits - peak)  # (B, heads, Q, K)
    total = ops.sum(weights, axis=-1, keepdims=True)  # (B, heads, Q, 1)
    mixed = ops.matmul(ops.cast(weights, value.dtype), value)  # (B, heads, Q, d)
    mixed = ops.cast(ops.cast(mixed, "float32") / total, query.dtype)
    return ops.transpose(mixed, (0, 2, 1, 3))
