"""What is compiled: functions outside `fit`, and the training step of `fit`."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_mra.backend.host import HOST_CALL
from keras_mra.backend.host import HOST_LOCK
from keras_mra.backend.random_states import random_states

# XLA saves TensorFlow about a seventh of each step. From this number of steps on, that
# is more than the time it takes to compile.
XLA_STEPS = 200


def compiled(model: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function that uses a model's variables, for calls outside `fit`.

    Each call advances the random state inside the model and changes no other variable.
    Calls from several threads run one after another.

    Args:
        model: Keras layer or model that `function` uses.
        function: Function of tensors.

    Returns:
        A function of arrays that returns what `function` returns, as tensors of the
        backend.

    Example:

    >>> attend = keras_mra.backend.compiled(mae, mae.attention)
    >>> attend(images[:16]).shape
    (16, 49)
    """
    name = keras.backend.backend()
    make = {"jax": _jitted, "tensorflow": _graph, "torch": _without_gradients}
    run = make[name](model, function)

    def call(*args: Any) -> Any:
        with HOST_LOCK:
            return run(*(ops.convert_to_tensor(arg) for arg in args))

    return call


def _jitted(model: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    import jax

    variables, states = model.variables, random_states(model)

    # The weights are arguments; otherwise XLA would compile them in as constants.
    @jax.jit
    def stateless(values: list[Any], *args: Any) -> Any:
        mapping = list(zip(variables, values))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            outputs = function(*args)
        return outputs, [scope.get_current_value(v) for v in states]

    def run(*args: Any) -> Any:
        outputs, values = stateless([v.value for v in variables], *args)
        for variable, value in zip(states, values):
            variable.assign(value)
        return outputs

    return run


def _graph(model: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    import tensorflow as tf

    # Each image size is traced anew: resampling needs static sizes.
    graph = tf.function(function, autograph=False)

    def run(*args: Any) -> Any:
        # A graph inside a host call waits for a thread of TensorFlow's pool. On one
        # core the outer graph holds the only one, so the function runs eagerly.
        return (function if HOST_CALL.running else graph)(*args)

    return run


def _without_gradients(model: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    return torch.no_grad()(function)


def fastest_jit_compile(steps: int | None = None) -> bool:
    """Returns the `jit_compile` of `keras.Model.compile` that trains transformers fast.

    PyTorch stays eager: `torch.compile` through Keras took minutes for the first step
    and ran slower. TensorFlow uses XLA if the training is long enough to earn back the
    5 to 20 seconds of compilation.

    Args:
        steps: Int, the number of training steps, or `None` for many.

    Example:

    ```python
    mae.compile("adamw", jit_compile=keras_mra.backend.fastest_jit_compile())
    ```
    """
    if keras.backend.backend() == "tensorflow":
        return steps is None or steps >= XLA_STEPS
    return keras.backend.backend() == "jax"
