"""Workarounds for the XLA compiler of JAX on CPUs."""

import functools
import importlib.metadata
import math
import os

import keras
from keras import ops

from keras_mra.typing import Array

# With these flags, a training step of a masked Siamese autoencoder compiled in 5
# seconds instead of 25. XLA aborts the process if it does not know a flag: jaxlib 0.6
# to 0.10 know these.
XLA_QUICKLY = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    " --xla_cpu_use_fusion_emitters=false"
)


@functools.cache
def is_jax_on_cpu() -> bool:
    """Returns whether the backend is JAX, on a CPU."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() == "cpu"


def computed_once(x: Array) -> Array:
    """Returns `x`, in a form that XLA does not compute again for each of its readers.

    XLA's CPU compiler copies a sum into every kernel that reads it. The residual
    stream of a transformer is a sum over all earlier blocks, so the copies grow with
    the square of the depth: twelve blocks trained 1.5 times slower and compiled 4
    times slower. A product with a small identity matrix is exact and prevents the
    copies. XLA's optimization barrier does not, because a pass before removes it.

    Args:
        x: Float tensor of shape `(..., width)`; the width is static.

    Returns:
        Tensor of the shape, dtype and values of `x`.
    """
    if not is_jax_on_cpu():
        return x
    size = math.gcd(x.shape[-1], 32)
    identity = ops.eye(size, dtype=x.dtype)
    return ops.reshape(ops.matmul(ops.reshape(x, (-1, size)), identity), ops.shape(x))


def compile_quickly() -> None:
    """Makes JAX on a CPU compile in a fifth of the time, at the cost of slower steps.

    Call it before the first computation of a process that takes few steps. It changes
    nothing if the user has set `XLA_FLAGS`.
    """
    if keras.backend.backend() != "jax":
        return
    import jax

    # To ask JAX for its devices would make it read the flags.
    accelerators = importlib.metadata.entry_points(group="jax_plugins")
    if not accelerators and jax.__version_info__ < (0, 11):
        os.environ.setdefault("XLA_FLAGS", XLA_QUICKLY)
