"""The exact GELU in the form that is fastest on each backend."""

import math
from typing import Any

import keras
from keras import ops

from keras_mra.backend.jax_cpu import is_jax_on_cpu
from keras_mra.backend.portable import is_portable
from keras_mra.typing import Array

# erf(x) = x P(x^2) / Q(x^2) for |x| <= 4, with the coefficients of Eigen for float32,
# highest power first.
ERF_NUMERATOR = (
    -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06,
    -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03,
    -1.60960333262415e-02,
)  # fmt: skip
ERF_DENOMINATOR = (
    -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03,
    -7.37332916720468e-03, -1.42647390514189e-02,
)  # fmt: skip


def gelu(x: Array) -> Array:
    """Returns the exact GELU: `x` times the normal distribution function of `x`.

    Args:
        x: Float tensor of any shape.

    Returns:
        Tensor of the shape and dtype of `x`.
    """
    if is_portable():
        return 0.5 * x * (1 + _portable_erf(x * math.sqrt(0.5)))
    if not is_jax_on_cpu():
        return ops.gelu(x, approximate=False)
    # Keras uses `erfc` of JAX, which is slower on a CPU.
    return 0.5 * x * (1 + ops.erf(x * math.sqrt(0.5)))


def _portable_erf(x: Array) -> Array:
    """Returns the error function, on JAX by a rational function within 5e-7."""
    if keras.backend.backend() != "jax":
        return ops.erf(x)
    dtype = x.dtype
    x = ops.clip(ops.cast(x, "float32"), -4.0, 4.0)
    square = x * x
    erf = x * _polynomial(square, ERF_NUMERATOR) / _polynomial(square, ERF_DENOMINATOR)
    return ops.cast(erf, dtype)


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    value: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value
