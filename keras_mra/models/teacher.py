"""The heads and the teacher of a masked Siamese autoencoder, as Functional models."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_mra.models.frozen import Untrainable
from keras_mra.models.frozen import copy_of
from keras_mra.models.frozen import freeze
from keras_mra.vit.tokens import pool_tokens


def build_head(
    name: str,
    input_dim: int,
    hidden_dim: int,
    output_dim: int,
    epsilon: float,
    seeds: Iterator[int | None],
    dtype: Any,
) -> keras.Model:
    """Builds a projector or predictor, a multilayer perceptron with one hidden layer.

    The head uses layer normalisation where other methods use batch normalisation, so
    that its output does not depend on how a batch is split over devices.

    Args:
        name: String.
        input_dim, hidden_dim, output_dim: Ints.
        epsilon: Float, of the normalisation.
        seeds: Iterator of ints, or of `None`, one per layer with weights.
        dtype: A dtype policy.

    Returns:
        A `keras.Model` from `(batch, input_dim)` to `(batch, output_dim)`.
    """
    inputs = keras.Input((input_dim,))
    x = _dense(hidden_dim, next(seeds), dtype, "hidden")(inputs)
    x = keras.layers.LayerNormalization(epsilon=epsilon, dtype=dtype, name="norm")(x)
    x = keras.layers.Activation("gelu", dtype=dtype, name="gelu")(x)
    x = _dense(output_dim, next(seeds), dtype, "output")(x)
    return keras.Model(inputs, x, name=name)


def _dense(units: int, seed: int | None, dtype: Any, name: str) -> keras.layers.Layer:
    initializer = keras.initializers.GlorotUniform(seed)
    return keras.layers.Dense(
        units, kernel_initializer=initializer, dtype=dtype, name=name
    )


def build_teacher(
    encoder: keras.Model, projector: keras.Model, pool: str
) -> keras.Model:
    """Builds a frozen copy of encoder, pooling and projector.

    Args:
        encoder: Model made by `build_encoder`.
        projector: Model made by `build_head`.
        pool: As in `pool_tokens`.

    Returns:
        A `keras.Model` from `{"patches", "indices"}` to `(batch, output_dim)`, with the
        weights of `encoder`, then those of `projector`.
    """
    encoder, projector = (copy_of(model) for model in (encoder, projector))
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in encoder.input.items()
    }
    features = pool_tokens(encoder(inputs), pool)
    return Frozen(inputs, projector(features), name="teacher")


class Frozen(Untrainable, keras.Model):
    """A Functional model that stays frozen inside a trainable model."""

    def __init__(self, inputs: Any, outputs: Any, **kwargs: Any) -> None:
        super().__init__(inputs, outputs, **kwargs)
        freeze(self)
