"""The decoder of a masked autoencoder, as a Keras Functional model."""

from collections.abc import Iterator

import keras

from keras_mra.vit.block_stack import BlockStack
from keras_mra.vit.tokens import RestoreTokens


def build_decoder(
    patch_values: int,
    grid: tuple[int, int],
    encoder_dim: int,
    stack: BlockStack,
    seeds: Iterator[int | None],
    zero_output: bool = False,
) -> keras.Model:
    """Builds a decoder, which predicts every patch of an image from visible tokens.

    Args:
        patch_values: Int, numbers in one flat patch.
        grid: Pair of ints, the rows and columns of patches in the full image.
        encoder_dim: Int, width of the encoder's tokens.
        stack: The decoder's blocks.
        seeds: Iterator of seeds; each layer with random initial weights takes one.
        zero_output: Bool. Untrained, the decoder then predicts zeros, which is right
            where its output is added to a good guess.

    Returns:
        A `keras.Model` that takes a dict of `tokens`, `(batch, 1 + kept, encoder_dim)`,
        and `visible`, int32 patch indices `(batch, kept)`, and returns predictions of
        shape `(batch, patches, patch_values)`.
    """

    def dense(units: int, name: str, zero: bool = False) -> keras.layers.Dense:
        glorot = keras.initializers.GlorotUniform(next(seeds))
        return keras.layers.Dense(
            units,
            kernel_initializer="zeros" if zero else glorot,
            dtype=stack.dtype,
            name=name,
        )

    tokens = keras.Input((None, encoder_dim), name="tokens")
    visible = keras.Input((None,), dtype="int32", name="visible")
    x = dense(stack.dim, "embedding")(tokens)  # (B, 1 + K, dim)
    x = RestoreTokens(
        grid, next(seeds), stack.positions, dtype=stack.dtype, name="restore_tokens"
    )(x, visible)  # (B, 1 + N, dim)
    x = stack.apply(x, seeds)
    x = x[:, 1:]  # The class token has no pixels: (B, N, dim)
    x = dense(patch_values, "pixels", zero_output)(x)  # (B, N, values)
    return keras.Model({"tokens": tokens, "visible": visible}, x, name="decoder")
