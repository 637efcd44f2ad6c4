"""Computation that readers of exported files understand."""

import contextlib
import contextvars

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


def is_portable():
    """Whether `portable()` is in force."""
    return _PORTABLE.get()
