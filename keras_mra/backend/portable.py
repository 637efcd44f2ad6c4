"""Restriction to operations that the readers of exported files support."""

import contextlib
import contextvars
import sys
from collections.abc import Iterator

import keras

_PORTABLE = contextvars.ContextVar("portable", default=False)


@contextlib.contextmanager
def portable() -> Iterator[None]:
    """Restricts this package to operations that readers of exported files support.

    ONNX has no `erfc`. JAX 0.10 exports `erf` and `erfc` in a form that TensorFlow
    2.21 cannot read, and attention on GPUs as a call of cuDNN.
    """
    token = _PORTABLE.set(True)
    try:
        yield
    finally:
        _PORTABLE.reset(token)


def is_portable() -> bool:
    """Returns whether the code runs within `portable()`, or JAX is exported."""
    return _PORTABLE.get() or _is_exported_from_jax()


def _is_exported_from_jax() -> bool:
    """Returns whether TensorFlow traces a function of JAX, as `Model.export` does."""
    tensorflow = sys.modules.get("tensorflow")
    return (
        keras.backend.backend() == "jax"
        and tensorflow is not None
        and bool(tensorflow.inside_function())
    )
