"""The scope of a distribution, in which models are made and trained."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_mra.distribution.engine import engine
from keras_mra.distribution.keras_distributes import keras_distributes


@contextlib.contextmanager
def scope(distribution: Any) -> Iterator[None]:
    """Places what is made and trained in the block on the devices of a distribution.

    Args:
        distribution: `keras.distribution.Distribution` on JAX, `tf.distribute.Strategy`
            on TensorFlow, a process group of all processes on PyTorch; `"auto"` for
            all devices; `None` for the distribution in force.

    Raises:
        ValueError: If `distribution` is of another type, or does not span all
            processes.

    Example:

    ```python
    with keras_mra.distribution.scope("auto"):
        msa = keras_mra.MSA(mae)
    ```
    """
    if isinstance(distribution, str) and distribution == "auto":
        distribution = engine.automatic()
    with _context(distribution):
        current = keras.distribution.distribution()
        auto_shard = getattr(current, "auto_shard_dataset", None)
        try:
            yield
        finally:
            if current is not None:
                current.auto_shard_dataset = auto_shard  # `share` turns it off.


def jit_compile(preferred: bool) -> bool:
    """Returns the `jit_compile` for `compile` within the scope in force.

    Args:
        preferred: Bool, returned unless the scope does not allow it: Keras does not
            compile with XLA under a strategy of TensorFlow.
    """
    return engine.jit_compile(preferred)


def _context(distribution: Any) -> contextlib.AbstractContextManager[Any]:
    if distribution is None:
        return contextlib.nullcontext()
    if hasattr(distribution, "device_mesh") and keras_distributes():
        return distribution.scope()
    context = engine.enter(distribution)
    if context is None:
        name = keras.backend.backend()
        raise ValueError(
            f"`distribution` must be {engine.EXPECTED}, 'auto' or None on the {name} "
            f"backend. Received: distribution={distribution!r} "
            f"(of type {type(distribution).__name__})"
        )
    return context
