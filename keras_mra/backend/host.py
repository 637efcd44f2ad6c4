"""Calls from a TensorFlow graph to the host, from several threads at once."""

import threading

# `tf.data` and grain call layers from several threads at once.
HOST_LOCK = threading.RLock()


class _HostCall(threading.local):
    """Whether this thread is in a host call of a TensorFlow graph."""

    running = False


HOST_CALL = _HostCall()


def call_on_host(function, images):
    """Calls a function of a NumPy array from inside a TensorFlow graph.

    Args:
        function: Function of one array that keeps its shape and dtype.
        images: Symbolic TensorFlow tensor, whatever the Keras backend.

    Returns:
        Symbolic TensorFlow tensor of the same shape and dtype.
    """
    import tensorflow as tf

    def call(array):
        HOST_CALL.running = True
        try:
            return function(array)
        finally:
            HOST_CALL.running = False

    result = tf.numpy_function(call, [images], images.dtype)
    result.set_shape(images.shape)
    return result
