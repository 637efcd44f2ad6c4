"""Whether `keras.distribution` supports the backend in use."""

import functools

import keras


@functools.cache  # Each training step asks.
def keras_distributes() -> bool:
    """Returns whether `keras.distribution` supports the backend in use.

    It supports JAX and, from Keras 3.16, PyTorch.
    """
    try:
        keras.distribution.get_device_count()
    except (AttributeError, NotImplementedError):
        return False
    return True
