"""Everything that must differ between TensorFlow, JAX and PyTorch.

No other module of the package imports a backend.
"""

import functools
import math
import sys
import threading

import keras
from keras import ops


def dot_product_attention(query, key, value):
    """Scaled dot-product attention, softmax in float32.

    Args:
        query, key, value: Tensors of shape `(batch, tokens, heads, head_dim)`.

    Returns:
        Tensor of the same shape.
    """
    if _jax_on_cpu():
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


def gelu(x):
    """The exact GELU: `x` times the normal distribution function of `x`."""
    if not _jax_on_cpu():
        return ops.gelu(x, approximate=False)
    # Keras takes JAX's `erfc`, which is slower there.
    return 0.5 * x * (1 + ops.erf(x * math.sqrt(0.5)))


def computed_once(x):
    """Returns `x` itself, in a form that is not computed again by each of its readers.

    XLA's CPU compiler copies sums into every kernel that reads them. In a residual
    stream, a sum of all blocks before, the copies grow with the square of the depth:
    twelve blocks trained 1.5 times slower and compiled 4 times slower. A product with
    a small identity matrix, which is exact, ends the copying; XLA's own optimization
    barrier is taken out before that pass.

    Args:
        x: Float tensor of shape `(..., width)`; width is static.
    """
    if not _jax_on_cpu():
        return x
    size = math.gcd(x.shape[-1], 32)
    identity = ops.eye(size, dtype=x.dtype)
    return ops.reshape(ops.matmul(ops.reshape(x, (-1, size)), identity), ops.shape(x))


@functools.cache
def _jax_on_cpu():
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() == "cpu"


# `tf.data` and grain call layers from several threads at once.
HOST_LOCK = threading.RLock()


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
    return tf.function(function, autograph=False)


def _without_gradients(model, function):
    import torch

    return torch.no_grad()(function)


def call_on_host(function, images):
    """Calls a function of a NumPy array from inside a TensorFlow graph.

    Args:
        function: Function of one array that keeps its shape and dtype.
        images: Symbolic TensorFlow tensor, whatever the Keras backend.

    Returns:
        Symbolic TensorFlow tensor of the same shape and dtype.
    """
    import tensorflow as tf

    result = tf.numpy_function(function, [images], images.dtype)
    result.set_shape(images.shape)
    return result


def is_foreign_graph(x):
    """Whether `x` is in a TensorFlow graph while another backend computes."""
    return keras.backend.backend() != "tensorflow" and is_tensorflow_symbolic(x)


def has_unknown_size(x):
    """Whether `x` is in a TensorFlow graph that does not know the images' size."""
    return is_tensorflow_symbolic(x) and (x.shape.rank is None or None in x.shape[-3:])


def with_static_shape(images, image_shape):
    """Returns images whose static shape says what `image_shape` says.

    Only TensorFlow traces tensors of unknown size; it checks the size when it runs.
    """
    if None not in images.shape[1:] or not is_tensorflow_symbolic(images):
        return images
    import tensorflow as tf

    return tf.ensure_shape(images, (None, *image_shape))


def is_concrete(x):
    """Whether `x` holds values now: no symbolic, traced or shape-only tensor."""
    if isinstance(x, keras.KerasTensor) or is_tensorflow_symbolic(x):
        return False
    name = keras.backend.backend()
    if name == "jax":
        import jax

        return not isinstance(x, jax.core.Tracer)
    if name == "torch":
        import torch

        return not (isinstance(x, torch.Tensor) and x.device.type == "meta")
    return True


def is_tensorflow_symbolic(x):
    """Whether `x` is a tensor of a TensorFlow graph, whatever the Keras backend."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not tensorflow.is_tensor(x):
        return False
    return not hasattr(x, "numpy")


def fastest_jit_compile():
    """The `jit_compile` of `keras.Model.compile` that trains a transformer fastest.

    PyTorch stays eager: `torch.compile` through Keras took minutes for the first step
    and ran slower.
    """
    return keras.backend.backend() in ("tensorflow", "jax")
