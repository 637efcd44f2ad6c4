"""Calls of Python functions from inside a TensorFlow graph."""

import threading
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mra.backend.fork_safe_lock import ForkSafeLock

# `tf.data` and grain call layers from several threads at once.
HOST_LOCK = ForkSafeLock()


class _HostCall(threading.local):
    """Whether this thread runs a host call of a TensorFlow graph."""

    running = False


HOST_CALL = _HostCall()


def call_on_host(
    function: Callable[..., Any],
    arrays: Sequence[Any],
    outputs: Sequence[tuple[tuple[int | None, ...] | None, str]],
) -> list[Any]:
    """Calls a function of NumPy arrays from inside a TensorFlow graph.

    Args:
        function: Function of as many arrays as `arrays` holds. It returns a list of
            as many arrays as `outputs` describes.
        arrays: TensorFlow tensors, symbolic or not, on every Keras backend.
        outputs: The shape and the dtype of each array that the function returns. A
            shape of `None` has an unknown rank.

    Returns:
        List of symbolic TensorFlow tensors of these shapes and dtypes.
    """
    import tensorflow as tf

    def call(*arrays: np.ndarray[Any, Any]) -> Any:
        HOST_CALL.running = True
        try:
            return function(*arrays)
        finally:
            HOST_CALL.running = False

    dtypes = [tf.dtypes.as_dtype(dtype) for _, dtype in outputs]
    results = tf.numpy_function(call, list(arrays), dtypes)
    for result, (shape, _) in zip(results, outputs):
        result.set_shape(shape)
    return list(results)
