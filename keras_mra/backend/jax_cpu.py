"""Workarounds for the XLA compiler of JAX on CPUs."""

import functools
import importlib.metadata
import math
import os

import keras
from keras import ops

# A masked Siamese autoencoder's step that takes JAX 25 seconds to compile takes it 5.
# XLA ends the process at a name that it does not know: jaxlib 0.6 to 0.10 know these.
XLA_QUICKLY = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    " --xla_cpu_use_fusion_emitters=false"
)


@functools.cache
def is_jax_on_cpu():
    """Whether JAX computes, on a CPU."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() == "cpu"


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
    if not is_jax_on_cpu():
        return x
    size = math.gcd(x.shape[-1], 32)
    identity = ops.eye(size, dtype=x.dtype)
    return ops.reshape(ops.matmul(ops.reshape(x, (-1, size)), identity), ops.shape(x))


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
