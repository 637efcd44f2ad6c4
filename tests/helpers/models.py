"""Tiny models, random weights, and functions computed or traced on any backend."""

import keras
import numpy as np

TINY = dict(
    encoder_dim=16, encoder_depth=2, encoder_heads=2,
    decoder_dim=8, decoder_depth=1, decoder_heads=2, mlp_ratio=2.0,
)  # fmt: skip

# TensorFlow's XLA compiles for seconds; tests of something else go without.
QUICK = {"jit_compile": False} if keras.backend.backend() == "tensorflow" else {}


def randomize(model, seed=0):
    """Gives all weights random values, those that start at 0 or 1 included.

    Returns:
        The model.
    """
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        values = rng.normal(size=weight.shape)
        if weight.name == "kernel":
            values *= 1.5 / np.sqrt(weight.shape[0])
        elif weight.name == "gamma":
            values = 1 + 0.3 * values
        else:
            values *= 0.3
        weight.assign(values.astype("float32"))
    return model


def random_visible(rng, batch, num_patches, kept):
    """Distinct patch indices for each image, in no order."""
    return np.stack([rng.permutation(num_patches)[:kept] for _ in range(batch)]).astype(
        "int32"
    )


def traced(function, *shapes_and_dtypes):
    """Compiles a function the way users of the backend in use do.

    Args:
        function: Function of tensors.
        *shapes_and_dtypes: A pair for each argument; the batch may be `None`.
    """
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        signature = [tf.TensorSpec(*pair) for pair in shapes_and_dtypes]
        return tf.function(function, input_signature=signature)
    if name == "jax":
        import jax

        return jax.jit(function)
    import torch

    # The eager backend of `torch.compile` traces, and spares the tests a compiler.
    return torch.compile(function, backend="eager", dynamic=True)


def compute(function, *args):
    """Calls a function of arrays and returns NumPy arrays.

    Eagerly, but for JAX, which would compile every operation by itself.
    """
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*args))


def same_weights(one, other):
    """Whether two models have the same weights, bit for bit."""
    pairs = list(zip(one.get_weights(), other.get_weights(), strict=True))
    return all(a.shape == b.shape and (a == b).all() for a, b in pairs)
