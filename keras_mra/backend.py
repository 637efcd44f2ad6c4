"""Everything that must differ between TensorFlow, JAX and PyTorch.

No other module of the package imports a backend.
"""

import contextlib
import contextvars
import functools
import importlib.metadata
import math
import os
import sys
import threading

import keras
from keras import ops

# erf(x) = x P(x^2) / Q(x^2) for |x| <= 4, the highest power first: Eigen's for float32.
ERF_ABOVE = (
    -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06,
    -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03,
    -1.60960333262415e-02,
)  # fmt: skip
ERF_BELOW = (
    -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03,
    -7.37332916720468e-03, -1.42647390514189e-02,
)  # fmt: skip
# Optimizer steps from which TensorFlow's XLA, which saves a seventh of each, is worth
# compiling.
XLA_STEPS = 200
# A masked Siamese autoencoder's step that takes JAX 25 seconds to compile takes it 5.
# XLA ends the process at a name that it does not know: jaxlib 0.6 to 0.10 know these.
XLA_QUICKLY = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    " --xla_cpu_use_fusion_emitters=false"
)
_PORTABLE = contextvars.ContextVar("portable", default=False)


@contextlib.contextmanager
def portable():
    """Keeps to operations that readers of exported files know, while it lasts.

    ONNX has no `erfc`. JAX 0.10 writes `erf` and `erfc` in a form that TensorFlow 2.21
    cannot read, and attention, on GPUs, as a call of cuDNN.
    """
    token = _PORTABLE.set(True)
    try:
        yield
    finally:
        _PORTABLE.reset(token)


def dot_product_attention(query, key, value):
    """Scaled dot-product attention, softmax in float32.

    Args:
        query, key, value: Tensors of shape `(batch, tokens, heads, head_dim)`.

    Returns:
        Tensor of the same shape.
    """
    if _jax_on_cpu() or _PORTABLE.get():
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
    if _PORTABLE.get():
        return 0.5 * x * (1 + _portable_erf(x * math.sqrt(0.5)))
    if not _jax_on_cpu():
        return ops.gelu(x, approximate=False)
    # Keras takes JAX's `erfc`, which is slower there.
    return 0.5 * x * (1 + ops.erf(x * math.sqrt(0.5)))


def _portable_erf(x):
    """The error function; on JAX as a quotient of polynomials, within 5e-7."""
    if keras.backend.backend() != "jax":
        return ops.erf(x)
    dtype = x.dtype
    x = ops.clip(ops.cast(x, "float32"), -4.0, 4.0)
    square = x * x
    erf = x * _polynomial(square, ERF_ABOVE) / _polynomial(square, ERF_BELOW)
    return ops.cast(erf, dtype)


def _polynomial(x, coefficients):
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


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


class _HostCall(threading.local):
    """Whether this thread is in a host call of a TensorFlow graph."""

    running = False


_HOST_CALL = _HostCall()


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
        return (function if _HOST_CALL.running else graph)(*args)

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


def call_on_host(function, images):
    """Calls a function of a NumPy array from inside a TensorFlow graph.

    Args:
        function: Function of one array that keeps its shape and dtype.
        images: Symbolic TensorFlow tensor, whatever the Keras backend.

    Returns:
        Symbolic TensorFlow tensor of the same shape and dtype.
    """
    import tensorflow as tf

    def call(array):
        _HOST_CALL.running = True
        try:
            return function(array)
        finally:
            _HOST_CALL.running = False

    result = tf.numpy_function(call, [images], images.dtype)
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


def compile_quickly():
    """Lets JAX on a CPU compile in a fifth of the time, at the price of slower steps.

    To be called before the first computation of a process that takes few steps. If the
    user has set `XLA_FLAGS`, nothing changes.
    """
    if keras.backend.backend() != "jax":
        return
    import jax

    # Asking JAX for its devices would end the time in which it reads the flags.
    accelerators = importlib.metadata.entry_points(group="jax_plugins")
    if not accelerators and jax.__version_info__ < (0, 11):
        os.environ.setdefault("XLA_FLAGS", XLA_QUICKLY)
