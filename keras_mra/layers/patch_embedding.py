"""Flat patches to tokens that know their place."""

import keras
from keras import ops

from keras_mra.positions import sincos_2d


@keras.saving.register_keras_serializable("keras_mra")
class PatchEmbedding(keras.layers.Layer):
    """Projects flat patches and adds their fixed sine-cosine positions.

    Takes patches that were picked beforehand, so that dropped ones are never
    embedded.

    Args:
        dim: Int divisible by 4, the width of a token.
        grid: Pair of ints, rows and columns of the full image's patches.
        seed: Int or `None`, for the initial weights.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        patches: Tensor of shape `(batch, picked, patch_values)`.
        indices: Integer tensor of shape `(batch, picked)`, or `None` when
            `patches` are all patches in raster order.

    Returns:
        Tensor of shape `(batch, picked, dim)`.
    """

    def __init__(self, dim, grid, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim
        self.grid = tuple(grid)
        self.seed = seed
        self._positions = sincos_2d(dim, self.grid)  # (N, D), a constant
        self.projection = keras.layers.Dense(
            dim,
            kernel_initializer=keras.initializers.GlorotUniform(seed),
            dtype=self.dtype_policy,
            name="projection",
        )

    def build(self, patches_shape, indices_shape=None):
        self.projection.build(patches_shape)

    def call(self, patches, indices=None):
        tokens = self.projection(patches)  # (B, K, D)
        positions = ops.cast(self._positions, tokens.dtype)
        if indices is None:
            return tokens + positions
        return tokens + ops.take(positions, indices, axis=0)

    def embed_at(self, patches, grid):
        """Embeds all patches of the same field of view, cut on another grid."""
        tokens = self.projection(patches)
        return tokens + ops.cast(sincos_2d(self.dim, grid, self.grid), tokens.dtype)

    def compute_output_shape(self, patches_shape, indices_shape=None):
        return (*patches_shape[:-1], self.dim)

    def get_config(self):
        config = super().get_config()
        config.update(dim=self.dim, grid=self.grid, seed=self.seed)
        return config
