"""The learned tokens of a masked autoencoder, and pooling of an encoder's tokens."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mra import checks
from keras_mra.patches import restore_rows
from keras_mra.positions import sincos_2d
from keras_mra.typing import Array

POOLS = ("cls+mean", "cls", "mean")
POSITIONS = ("sincos", "learned")


@keras.saving.register_keras_serializable("keras_mra")
class ClassToken(keras.layers.Layer):
    """Puts a learned token before each sequence.

    Args:
        seed: Int or `None`, seed of the initial token.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        tokens: Float tensor of shape `(batch, tokens, dim)`.

    Returns:
        Float tensor of shape `(batch, 1 + tokens, dim)`.

    Example:

    >>> keras_mra.layers.ClassToken()(np.zeros((2, 9, 32), "float32")).shape
    (2, 10, 32)
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**checks.layer_arguments(kwargs))
        self.seed = checks.seed(seed)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.token = self.add_weight(
            shape=(1, 1, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=0.02, seed=self.seed),
            name="class_token",
        )

    def call(self, tokens: Array) -> Array:
        batch, width = ops.shape(tokens)[0], tokens.shape[-1]
        token = ops.cast(self.token, tokens.dtype)
        token = ops.broadcast_to(token, (batch, 1, width))
        return ops.concatenate([token, tokens], axis=1)  # (B, 1 + T, dim)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        batch, length, width = input_shape
        return (batch, None if length is None else 1 + length, width)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("keras_mra")
class RestoreTokens(keras.layers.Layer):
    """Restores the full sequence of tokens for a decoder.

    Visible tokens return to the places of their patches. A learned mask token fills
    the other places. Then the decoder's positions are added. Fixed positions are 0 for
    the class token; learned positions include one for it.

    Args:
        grid: Int or pair of ints, the rows and columns of patches in the full image.
        seed: Int or `None`, seed of the initial mask token.
        positions: `"sincos"` for fixed positions, or `"learned"` for positions that
            start as the fixed ones and are trained.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        tokens: Float tensor of shape `(batch, 1 + kept, dim)`, class token first.
        visible: Integer tensor of shape `(batch, kept)`, the patch index of each
            token.

    Returns:
        Float tensor of shape `(batch, 1 + patches, dim)`.

    Example:

    >>> restore = keras_mra.layers.RestoreTokens(grid=(4, 4))
    >>> restore(np.zeros((1, 3, 32), "float32"), np.array([[5, 0]])).shape
    (1, 17, 32)
    """

    def __init__(
        self,
        grid: tuple[int, int],
        seed: int | None = None,
        positions: str = "sincos",
        **kwargs: Any,
    ) -> None:
        super().__init__(**checks.layer_arguments(kwargs))
        self.grid = checks.pair_of_ints("grid", grid)
        self.seed = checks.seed(seed)
        self.positions = checks.choice("positions", positions, POSITIONS)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(
        self,
        tokens_shape: tuple[Any, ...],
        visible_shape: tuple[int | None, ...],
    ) -> None:
        width = checks.token_width(tokens_shape[-1])
        # The class token's position is 0: (1 + N, dim), a constant
        self._sincos = np.pad(sincos_2d(width, self.grid), ((1, 0), (0, 0)))
        if self.positions == "learned":
            self.position_weight = self.add_weight(
                shape=self._sincos.shape,
                initializer=keras.initializers.Constant(self._sincos),
                name="positions",
            )
        self.token = self.add_weight(
            shape=(width,),
            initializer=keras.initializers.RandomNormal(stddev=0.02, seed=self.seed),
            name="mask_token",
        )

    def call(self, tokens: Array, visible: Array) -> Array:
        num_patches = self.grid[0] * self.grid[1]
        patches = restore_rows(tokens[:, 1:], visible, num_patches, self.token)
        tokens = ops.concatenate([tokens[:, :1], patches], axis=1)  # (B, 1 + N, dim)
        return tokens + ops.cast(self.table(), tokens.dtype)

    def table(self) -> Array:
        """Positions of the class token and all patches, `(1 + patches, dim)`."""
        return self.position_weight if self.positions == "learned" else self._sincos

    def compute_output_shape(
        self,
        tokens_shape: tuple[int | None, ...],
        visible_shape: tuple[int | None, ...],
    ) -> tuple[int | None, ...]:
        batch, _, width = tokens_shape
        return (batch, 1 + self.grid[0] * self.grid[1], width)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        config.update(grid=self.grid, seed=self.seed, positions=self.positions)
        return config


def pool_tokens(
    tokens: Array, pool: str = "cls+mean", visible: Array | None = None
) -> Array:
    """Reduces tokens to one vector per image.

    Args:
        tokens: Float tensor of shape `(batch, 1 + patches, dim)`, class token first.
        pool: `"cls"` for the class token, `"mean"` for the mean of the patch tokens,
            or `"cls+mean"` for the class token followed by the mean.
        visible: Integer tensor of shape `(batch, patches)`, or `None`. Tokens of a
            patch of -1 are padding. They are 0, and the mean leaves them out.

    Returns:
        Float tensor of shape `(batch, dim)`, or `(batch, 2 * dim)` for `"cls+mean"`.

    Raises:
        ValueError: If `pool` is not one of these.
    """
    check_pool(pool)
    parts = []
    if pool != "mean":
        parts.append(tokens[:, 0])
    if pool != "cls":
        mean = ops.mean(tokens[:, 1:], axis=1)  # (B, D)
        if visible is not None:
            share = ops.mean(ops.cast(visible >= 0, mean.dtype), axis=1)  # (B,)
            mean = mean / ops.expand_dims(share, 1)
        parts.append(mean)
    return ops.concatenate(parts, axis=-1)


def check_pool(pool: str) -> None:
    """Raises `ValueError` if `pool` is not one of `POOLS`."""
    checks.choice("pool", pool, POOLS)
