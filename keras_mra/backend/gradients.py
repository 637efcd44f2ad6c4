"""Gradients with respect to inputs."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_mra.typing import Array


def value_and_gradient(function: Callable[[Any], Any], x: Array) -> tuple[Array, Array]:
    """Returns a scalar function of a tensor, and its gradient.

    It works eagerly and inside `compiled`.

    Args:
        function: Differentiable function from a tensor to a scalar that depends on it.
        x: Float tensor or array.

    Returns:
        A pair `(value, gradient)`: a scalar, and a tensor of the shape and dtype of
        `x`.

    Example:

    >>> x = np.array([1.0, 3.0], "float32")
    >>> keras_mra.backend.value_and_gradient(lambda x: ops.sum(x**2), x)
    (10.0, [2.0, 6.0])
    """
    x = ops.convert_to_tensor(x)
    name = keras.backend.backend()
    if name == "jax":
        import jax

        return jax.value_and_grad(function)(x)
    if name == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            value = function(x)
        return value, tape.gradient(value, x)
    import torch

    with torch.enable_grad():  # `compiled` switches gradients off.
        tensor = torch.as_tensor(x).detach().requires_grad_()
        value = function(tensor)
        (gradient,) = torch.autograd.grad(value, tensor)
    return value.detach(), gradient
