"""Functions compiled outside `fit`, gradients, and when XLA pays off."""

import keras
from keras import ops

from keras_mra.backend.host import HOST_CALL
from keras_mra.backend.host import HOST_LOCK

# Optimizer steps from which TensorFlow's XLA, which saves a seventh of each, is worth
# compiling.
XLA_STEPS = 200


def compiled(model, function):
    """Compiles a function of arrays that uses a model's variables, outside `fit`.

    Random state inside the model advances from call to call; nothing else of it is
    changed. Calls from several threads take turns.

    Args:
        model: Keras layer or model that the function uses.
        function: Function of tensors.

    Returns:
        Function of arrays, which returns backend tensors.
    """
    name = keras.backend.backend()
    make = {"jax": _jitted, "tensorflow": _graph, "torch": _without_gradients}
    run = make[name](model, function)

    def call(*args):
        with HOST_LOCK:
            return run(*(ops.convert_to_tensor(arg) for arg in args))

    return call


def _jitted(model, function):
    import jax

    # Weights are arguments, so that they are not compiled in as constants.
    variables = model.variables
    weights = {id(v) for v in model.weights}
    random_states = [v for v in variables if id(v) not in weights]

    @jax.jit
    def stateless(values, *args):
        mapping = list(zip(variables, values))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            outputs = function(*args)
        return outputs, [scope.get_current_value(v) for v in random_states]

    def run(*args):
        outputs, states = stateless([v.value for v in variables], *args)
        for variable, state in zip(random_states, states):
            variable.assign(state)
        return outputs

    return run


def _graph(model, function):
    import tensorflow as tf

    # Sizes stay static in each trace; relaxed ones could not be resampled.
    graph = tf.function(function, autograph=False)

    def run(*args):
        # A graph in a host call of another waits for a thread of TensorFlow's pool; on
        # one core the outer graph has the only one.
        return (function if HOST_CALL.running else graph)(*args)

    return run


def _without_gradients(model, function):
    import torch

    return torch.no_grad()(function)


def value_and_gradient(function, x):
    """A scalar function of a tensor and its gradient, inside `compiled` or eagerly.

    Args:
        function: Differentiable function of one tensor, which the result depends on.
        x: Float tensor or array.

    Returns:
        `(value, gradient)`, a scalar and a tensor of the shape and dtype of `x`.

    Example:

    >>> value_and_gradient(lambda x: ops.sum(x**2), np.array([1.0, 3.0], "float32"))
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

    with torch.enable_grad():  # `compiled` has switched them off.
        x = x.detach().requires_grad_()
        value = function(x)
        (gradient,) = torch.autograd.grad(value, x)
    return value.detach(), gradient


def fastest_jit_compile(steps=None):
    """The `jit_compile` of `keras.Model.compile` that trains a transformer fastest.

    PyTorch stays eager: `torch.compile` through Keras took minutes for the first step
    and ran slower. TensorFlow's graphs do without XLA where the steps are too few to
    earn back the 5 to 20 seconds that compiling takes.

    Args:
        steps: Int, of the whole training, or `None` for many.
    """
    if keras.backend.backend() == "tensorflow":
        return steps is None or steps >= XLA_STEPS
    return keras.backend.backend() == "jax"
