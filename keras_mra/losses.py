"""Losses that draw two views of an image together: one float32 value per image."""

import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra.typing import Array


def info_nce(
    queries: Array,
    keys: Array,
    temperature: float = 0.1,
    positives: Array | None = None,
) -> Array:
    """InfoNCE: the cross-entropy of finding each query's key among all keys.

    The logits are cosine similarities divided by `temperature`. In distributed
    training the keys are those of the global batch, and the queries are those of one
    device.

    Args:
        queries: Float tensor of shape `(batch, dim)`, vectors of any length.
        keys: Float tensor of shape `(keys, dim)`, at least one key per query.
        temperature: Positive float.
        positives: Integers of shape `(batch,)`, the index of each query's own key, or
            `None` if key `i` belongs to query `i`. The values of tensors are not
            checked.

    Returns:
        Float32 tensor of shape `(batch,)`.

    Raises:
        ValueError: If an argument is out of its range, or the shapes do not fit.

    Example:

    ```python
    loss = ops.mean(info_nce(predictor(student), ops.stop_gradient(teacher)))
    ```
    """
    temperature = checks.positive_float("temperature", temperature)
    queries, keys = _features(queries, keys)
    if positives is None:
        sizes = keys.shape[0], queries.shape[0]
        if None not in sizes and sizes[0] < sizes[1]:
            raise ValueError(
                "`keys` must hold a key for each query. "
                f"Received: {sizes[0]} keys for {sizes[1]} queries"
            )
        positives = ops.arange(ops.shape(queries)[0])
    else:
        positives = _checked_positives(positives, queries, keys)
    logits = ops.matmul(_unit(queries) / temperature, ops.transpose(_unit(keys)))
    # (B, keys); the cross-entropy subtracts the largest logit before it exponentiates.
    return ops.sparse_categorical_crossentropy(positives, logits, from_logits=True)


def cosine_distance(queries: Array, keys: Array) -> Array:
    """`2 - 2 cos` of each query and its key: BYOL's loss, from 0 to 4.

    The value is the squared distance of the two vectors, each divided by its length.

    Args:
        queries: Float tensor of shape `(batch, dim)`, vectors of any length.
        keys: Float tensor of shape `(batch, dim)`; key `i` belongs to query `i`.

    Returns:
        Float32 tensor of shape `(batch,)`.

    Raises:
        ValueError: If the arguments are not floats of matching shapes.

    Example:

    ```python
    loss = ops.mean(cosine_distance(predictor(student), ops.stop_gradient(teacher)))
    ```
    """
    queries, keys = _features(queries, keys)
    sizes = queries.shape[0], keys.shape[0]
    if None not in sizes and sizes[0] != sizes[1]:
        raise ValueError(
            "`keys` must hold one key for each query. "
            f"Received: {sizes[1]} keys for {sizes[0]} queries"
        )
    return 2.0 - 2.0 * ops.sum(_unit(queries) * _unit(keys), axis=-1)


def _unit(x: Array) -> Array:
    """Float32 vectors of length 1; vectors shorter than 1e-15 become zero."""
    x = ops.cast(x, "float32")
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)  # (B, 1)
    # NaN fails this comparison, so it stays NaN and stops the training. The inner
    # `where` protects the gradient, which the root of zero would turn into NaN.
    absent = squares < 1e-30
    return ops.where(absent, 0.0, x / ops.sqrt(ops.where(absent, 1.0, squares)))


def _features(queries: Array, keys: Array) -> tuple[Array, Array]:
    """Checks vectors and converts them to tensors."""
    queries = checks.as_array("queries", queries)
    keys = checks.as_array("keys", keys)
    for name, x in (("queries", queries), ("keys", keys)):
        dtype = checks.dtype_name(x)
        if len(x.shape) != 2 or "float" not in dtype:
            raise ValueError(
                f"`{name}` must be floats of shape (batch, dim). "
                f"Received: shape {tuple(x.shape)}, dtype {dtype}"
            )
    widths = queries.shape[1], keys.shape[1]
    if None not in widths and widths[0] != widths[1]:
        raise ValueError(
            "`queries` and `keys` must have the same width. "
            f"Received: {widths[0]} and {widths[1]}"
        )
    return ops.convert_to_tensor(queries), ops.convert_to_tensor(keys)


def _checked_positives(positives: Array, queries: Array, keys: Array) -> Array:
    positives = checks.as_array("positives", positives)
    shape, count = tuple(positives.shape), queries.shape[0]
    fits = len(shape) == 1 and (None in (shape[0], count) or shape[0] == count)
    if not fits or "int" not in checks.dtype_name(positives):
        raise ValueError(
            "`positives` must be one integer for each query. Received: shape "
            f"{shape}, dtype {checks.dtype_name(positives)}, for {count} queries"
        )
    # A look at a tensor would make each step of a training wait for the accelerator.
    is_array = isinstance(positives, np.ndarray) and positives.size > 0
    count = keys.shape[0]
    if is_array and not 0 <= positives.min() <= positives.max() < (count or np.inf):
        raise ValueError(
            f"`positives` must be places among {count} keys, the first 0. "
            f"Received: positives from {positives.min()} to {positives.max()}"
        )
    return positives
