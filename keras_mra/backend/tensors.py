"""Recognition of tensors: of which library, symbolic or concrete."""

import sys
from typing import Any

import keras

from keras_mra.typing import Array


def is_tensorflow_symbolic(x: Any) -> bool:
    """Returns whether `x` is a tensor in a TensorFlow graph, on every Keras backend."""
    # If TensorFlow was never imported, no tensor is one of TensorFlow's.
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not tensorflow.is_tensor(x):
        return False
    return not hasattr(x, "numpy")


def is_foreign_graph(x: Any) -> bool:
    """Returns whether `x` is in a TensorFlow graph while another backend computes."""
    return keras.backend.backend() != "tensorflow" and is_tensorflow_symbolic(x)


def has_unknown_rank(x: Any) -> bool:
    """Returns whether `x` is in a TensorFlow graph and its rank is not static."""
    return is_tensorflow_symbolic(x) and x.shape.rank is None


def has_unknown_size(x: Any) -> bool:
    """Returns whether `x` is in a TensorFlow graph and its image size is not static."""
    return is_tensorflow_symbolic(x) and (x.shape.rank is None or None in x.shape[-3:])


def with_static_shape(
    images: Array, image_shape: tuple[int | None, int | None, int | None]
) -> Array:
    """Returns images with a static shape, where TensorFlow traces an unknown one.

    TensorFlow checks the size when the graph runs. Other backends always know it.

    Args:
        images: Tensor of shape `(batch, height, width, channels)`.
        image_shape: `(height, width, channels)`, with `None` for any size.
    """
    if None not in images.shape[1:] or not is_tensorflow_symbolic(images):
        return images
    import tensorflow as tf

    return tf.ensure_shape(images, (None, *image_shape))


def is_concrete(x: Any) -> bool:
    """Returns whether `x` holds values now.

    Symbolic tensors, tracers and PyTorch's `meta` tensors hold none.
    """
    if isinstance(x, keras.KerasTensor) or is_tensorflow_symbolic(x):
        return False
    name = keras.backend.backend()
    if name == "jax":
        import jax

        return not isinstance(x, jax.core.Tracer)
    if name == "torch":
        import torch

        return not (isinstance(x, torch.Tensor) and x.device.type == "meta")
    return True
