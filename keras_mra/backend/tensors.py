"""What kind of tensor an input is, whichever library made it."""

import sys

import keras


def is_foreign_graph(x):
    """Whether `x` is in a TensorFlow graph while another backend computes."""
    return keras.backend.backend() != "tensorflow" and is_tensorflow_symbolic(x)


def has_unknown_size(x):
    """Whether `x` is in a TensorFlow graph that does not know the images' size."""
    return is_tensorflow_symbolic(x) and (x.shape.rank is None or None in x.shape[-3:])


def with_static_shape(images, image_shape):
    """Returns images whose static shape says what `image_shape` says.

    Only TensorFlow traces tensors of unknown size; it checks the size when it runs.
    """
    if None not in images.shape[1:] or not is_tensorflow_symbolic(images):
        return images
    import tensorflow as tf

    return tf.ensure_shape(images, (None, *image_shape))


def is_concrete(x):
    """Whether `x` holds values now: no symbolic, traced or shape-only tensor."""
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


def is_tensorflow_symbolic(x):
    """Whether `x` is a tensor of a TensorFlow graph, whatever the Keras backend."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not tensorflow.is_tensor(x):
        return False
    return not hasattr(x, "numpy")
