"""The heads and the teacher of a masked Siamese autoencoder, as Functional models."""

import keras

from keras_mra.models.frozen import Untrainable
from keras_mra.models.frozen import freeze
from keras_mra.vit.tokens import pool_tokens


def build_head(name, input_dim, hidden_dim, output_dim, epsilon, seeds, dtype):
    """A projector or predictor: a multilayer perceptron with one hidden layer.

    Layer normalisation where others have batch normalisation, so that a batch means
    the same on one device and on many.

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


def _dense(units, seed, dtype, name):
    initializer = keras.initializers.GlorotUniform(seed)
    return keras.layers.Dense(
        units, kernel_initializer=initializer, dtype=dtype, name=name
    )


def build_teacher(encoder, projector, pool):
    """A frozen copy of encoder, pooling and projector.

    Args:
        encoder: Model made by `build_encoder`.
        projector: Model made by `build_head`.
        pool: As in `pool_tokens`.

    Returns:
        A `keras.Model` from `{"patches", "indices"}` to `(batch, output_dim)`; its
        weights come in the order of those of `encoder` and `projector`.
    """
    encoder, projector = (_copy_of(model) for model in (encoder, projector))
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in encoder.input.items()
    }
    features = pool_tokens(encoder(inputs), pool)
    return Frozen(inputs, projector(features), name="teacher")


def _copy_of(model):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


class Frozen(Untrainable, keras.Model):
    """A Functional model that stays frozen whatever the model around it is told."""

    def __init__(self, inputs, outputs, **kwargs):
        super().__init__(inputs, outputs, **kwargs)
        freeze(self)
