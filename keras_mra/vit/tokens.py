"""Tokens that a masked autoencoder adds, and pooling of an encoder's tokens."""

import keras
import numpy as np
from keras import ops

from keras_mra.patches import restore_rows
from keras_mra.positions import sincos_2d

POOLS = ("cls+mean", "cls", "mean")


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

    Adds the decoder's positions. The class token passes first: fixed positions leave
    it as it came, learned ones have one for it.

    Args:
        grid: Pair of ints, rows and columns of the full image's patches.
        seed: Int or `None`, for the initial mask token.
        positions: `"sincos"`, fixed, or `"learned"`, which start as those.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        tokens: Tensor of shape `(batch, 1 + kept, dim)`, class token first.
        visible: Integer tensor of shape `(batch, kept)`.

    Returns:
        Tensor of shape `(batch, 1 + patches, dim)`.
    """

    def __init__(self, grid, seed=None, positions="sincos", **kwargs):
        super().__init__(**kwargs)
        self.grid = tuple(grid)
        self.seed = seed
        self.positions = positions

    def build(self, tokens_shape, visible_shape):
        width = tokens_shape[-1]
        # The class token's is zero: (1 + N, D), a constant
        self._sincos = np.pad(sincos_2d(width, self.grid), ((1, 0), (0, 0)))
        if self.positions == "learned":
            self.position_weight = self.add_weight(
                shape=self._sincos.shape,
                initializer=keras.initializers.Constant(self._sincos),
                name="positions",
            )
        self.token = self.add_weight(
            shape=(tokens_shape[-1],),
            initializer=keras.initializers.RandomNormal(stddev=0.02, seed=self.seed),
            name="mask_token",
        )

    def call(self, tokens, visible):
        num_patches = self.grid[0] * self.grid[1]
        patches = restore_rows(tokens[:, 1:], visible, num_patches, self.token)
        tokens = ops.concatenate([tokens[:, :1], patches], axis=1)  # (B, 1 + N, D)
        return tokens + ops.cast(self.table(), tokens.dtype)

    def table(self):
        """The positions of the class token and all patches, `(1 + patches, dim)`."""
        return self.position_weight if self.positions == "learned" else self._sincos

    def compute_output_shape(self, tokens_shape, visible_shape):
        batch, _, width = tokens_shape
        return (batch, 1 + self.grid[0] * self.grid[1], width)

    def get_config(self):
        config = super().get_config()
        config.update(grid=self.grid, seed=self.seed, positions=self.positions)
        return config


def pool_tokens(tokens, pool="cls+mean"):
    """Reduces tokens to one vector per image.

    Args:
        tokens: Float tensor of shape `(batch, 1 + patches, dim)`, class token first.
        pool: `"cls"` for the class token, `"mean"` for the mean of the patch tokens,
            `"cls+mean"` for both, one after the other.

    Returns:
        Tensor of shape `(batch, dim)`, or `(batch, 2 * dim)` for `"cls+mean"`.

    Raises:
        ValueError: If `pool` is unknown.
    """
    check_pool(pool)
    parts = []
    if pool != "mean":
        parts.append(tokens[:, 0])
    if pool != "cls":
        parts.append(ops.mean(tokens[:, 1:], axis=1))
    return ops.concatenate(parts, axis=-1)


def check_pool(pool):
    """Raises an error for an unknown `pool`."""
    if pool not in POOLS:
        raise ValueError(f"`pool` must be one of {POOLS}. Received: pool={pool!r}")
