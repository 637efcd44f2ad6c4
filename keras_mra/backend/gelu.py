"""The exact GELU in the fastest form for each backend."""

import math

import keras
from keras import ops

from keras_mra.backend.jax_cpu import is_jax_on_cpu
from keras_mra.backend.portable import is_portable

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


def gelu(x):
    """The exact GELU: `x` times the normal distribution function of `x`."""
    if is_portable():
        return 0.5 * x * (1 + _portable_erf(x * math.sqrt(0.5)))
    if not is_jax_on_cpu():
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
