"""The light decoder of a masked autoencoder, as a Keras Functional model."""

import keras

from keras_mra.vit.encoder import stack_blocks
from keras_mra.vit.tokens import RestoreTokens


def build_decoder(
    patch_values, grid, encoder_dim, dim, depth, heads, mlp_ratio, epsilon, positions,
    seeds, dtype,
):  # fmt: skip
    """Builds the decoder: `{"tokens", "visible"}` to a prediction for every patch.

    Args:
        patch_values: Int, numbers in one flat patch.
        grid: Pair of ints, rows and columns of the full image's patches.
        encoder_dim: Int, width of the encoder's tokens.
        dim, depth, heads: Ints, the width, the number of blocks, and heads per block.
        mlp_ratio, epsilon: Floats, as in `TransformerBlock`.
        positions: As in `RestoreTokens`.
        seeds: Iterator of ints, or of `None`, one per layer with weights.
        dtype: A dtype policy.

    Returns:
        A `keras.Model` from `(batch, 1 + kept, encoder_dim)` tokens and
        `(batch, kept)` int32 patch indices to `(batch, patches, patch_values)`.
    """
    tokens = keras.Input((None, encoder_dim), name="tokens")
    visible = keras.Input((None,), dtype="int32", name="visible")
    x = _dense(dim, next(seeds), dtype, "embedding")(tokens)
    x = RestoreTokens(grid, next(seeds), positions, dtype=dtype, name="restore_tokens")(
        x, visible
    )
    x = stack_blocks(x, depth, heads, mlp_ratio, epsilon, seeds, dtype)
    x = keras.layers.LayerNormalization(epsilon=epsilon, dtype=dtype, name="norm")(x)
    x = x[:, 1:]  # the class token has no pixels: (B, N, dim)
    x = _dense(patch_values, next(seeds), dtype, "pixels")(x)
    return keras.Model({"tokens": tokens, "visible": visible}, x, name="decoder")


def _dense(units, seed, dtype, name):
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        dtype=dtype,
        name=name,
    )
