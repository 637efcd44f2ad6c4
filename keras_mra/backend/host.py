"""Calls of Python functions from inside a TensorFlow graph."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

# `tf.data` and grain call layers from several threads at once.
HOST_LOCK = threading.RLock()


class _HostCall(threading.local):
    """Whether this thread runs a host call of a TensorFlow graph."""

    running = False


HOST_CALL = _HostCall()


def call_on_host(
    function: Callable[[np.ndarray[Any, Any]], Any], images: Any, dtype: str
) -> Any:
    """Calls a function of a NumPy array from inside a TensorFlow graph.

    Args:
        function: Function of one array that keeps its shape.
        images: Symbolic TensorFlow tensor, on every Keras backend.
        dtype: Dtype that the function returns.

    Returns:
        Symbolic TensorFlow tensor of the same shape and that dtype.
    """
    import tensorflow as tf

    def call(array: np.ndarray[Any, Any]) -> Any:
        HOST_CALL.running = True
        try:
            return function(array)
        finally:
            HOST_CALL.running = False

    result = tf.numpy_function(call, [images], tf.dtypes.as_dtype(dtype))
    result.set_shape(images.shape)
    return result
