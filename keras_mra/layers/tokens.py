"""The two learned tokens of a masked autoencoder."""

import keras
from keras import ops

from keras_mra.patches import restore_rows
from keras_mra.positions import sincos_2d


@keras.saving.register_keras_serializable("keras_mra")
class ClassToken(keras.layers.Layer):
    """Puts a learned token before each sequence: `(B, T, D)` to `(B, 1 + T, D)`.

    Args:
        seed: Int or `None`, for the initial token.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, input_shape):
        self.token = self.add_weight(
            shape=(1, 1, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=0.02, seed=self.seed),
            name="class_token",
        )

    def call(self, tokens):
        batch, width = ops.shape(tokens)[0], tokens.shape[-1]
        token = ops.cast(self.token, tokens.dtype)
        token = ops.broadcast_to(token, (batch, 1, width))
        return ops.concatenate([token, tokens], axis=1)

    def compute_output_shape(self, input_shape):
        batch, length, width = input_shape
        return (batch, None if length is None else 1 + length, width)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("keras_mra")
class RestoreTokens(keras.layers.Layer):
    """Completes a decoder's sequence: visible tokens at their places, mask tokens else.

    Adds the decoder's fixed positions. The class token passes first, as it came.

    Args:
        grid: Pair of ints, rows and columns of the full image's patches.
        seed: Int or `None`, for the initial mask token.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        tokens: Tensor of shape `(batch, 1 + kept, dim)`, class token first.
        visible: Integer tensor of shape `(batch, kept)`.

    Returns:
        Tensor of shape `(batch, 1 + patches, dim)`.
    """

    def __init__(self, grid, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.grid = tuple(grid)
        self.seed = seed

    def build(self, tokens_shape, visible_shape):
        self._positions = sincos_2d(tokens_shape[-1], self.grid)  # (N, D), a constant
        self.token = self.add_weight(
            shape=(tokens_shape[-1],),
            initializer=keras.initializers.RandomNormal(stddev=0.02, seed=self.seed),
            name="mask_token",
        )

    def call(self, tokens, visible):
        num_patches = self.grid[0] * self.grid[1]
        patches = restore_rows(tokens[:, 1:], visible, num_patches, self.token)
        patches = patches + ops.cast(self._positions, tokens.dtype)
        return ops.concatenate([tokens[:, :1], patches], axis=1)  # (B, 1 + N, D)

    def compute_output_shape(self, tokens_shape, visible_shape):
        batch, _, width = tokens_shape
        return (batch, 1 + self.grid[0] * self.grid[1], width)

    def get_config(self):
        return {**super().get_config(), "grid": self.grid, "seed": self.seed}
