"""Restriction to operations that the readers of exported files support."""

import contextlib
import contextvars
from collections.abc import Iterator

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
    """Returns whether the code runs within `portable()`."""
    return _PORTABLE.get()
