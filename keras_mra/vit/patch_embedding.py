"""Flat patches to tokens that know their place."""

import keras
from keras import ops

from keras_mra.positions import resize_positions
from keras_mra.positions import sincos_2d


@keras.saving.register_keras_serializable("keras_mra")
class PatchEmbedding(keras.layers.Layer):
    """Projects flat patches and adds their positions.

    Takes patches that were picked beforehand, so that dropped ones are never
    embedded.

    Args:
        dim: Int divisible by 4, the width of a token.
        grid: Pair of ints, rows and columns of the full image's patches.
        seed: Int or `None`, for the initial weights.
        positions: `"sincos"`, fixed, or `"learned"`, which start as those.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        patches: Tensor of shape `(batch, picked, patch_values)`.
        indices: Integer tensor of shape `(batch, picked)`, or `None` when
            `patches` are all patches in raster order.

    Returns:
        Tensor of shape `(batch, picked, dim)`.
    """

    def __init__(self, dim, grid, seed=None, positions="sincos", **kwargs):
        super().__init__(**kwargs)
        self.dim = dim
        self.grid = tuple(grid)
        self.seed = seed
        self.positions = positions
        self._sincos = sincos_2d(dim, self.grid)  # (N, D), a constant
        self.projection = keras.layers.Dense(
            dim,
            kernel_initializer=keras.initializers.GlorotUniform(seed),
            dtype=self.dtype_policy,
            name="projection",
        )

    def build(self, patches_shape, indices_shape=None):
        self.projection.build(patches_shape)
        if self.positions == "learned":
            self.position_weight = self.add_weight(
                shape=self._sincos.shape,
                initializer=keras.initializers.Constant(self._sincos),
                name="positions",
            )

    def call(self, patches, indices=None):
        tokens = self.projection(patches)  # (B, K, D)
        positions = ops.cast(self.table(), tokens.dtype)
        if indices is None:
            return tokens + positions
        return tokens + ops.take(positions, indices, axis=0)

    def table(self):
        """The positions of all patches, `(patches, dim)`."""
        return self.position_weight if self.positions == "learned" else self._sincos

    def embed_at(self, patches, grid):
        """Embeds all patches of the same field of view, cut on another grid."""
        tokens = self.projection(patches)
        if self.positions == "learned":
            resized = ops.matmul(
                resize_positions(self.grid, grid), self.position_weight
            )
        else:
            resized = sincos_2d(self.dim, grid, self.grid)
        return tokens + ops.cast(resized, tokens.dtype)

    def compute_output_shape(self, patches_shape, indices_shape=None):
        return (*patches_shape[:-1], self.dim)

    def get_config(self):
        config = super().get_config()
        config.update(
            dim=self.dim, grid=self.grid, seed=self.seed, positions=self.positions
        )
        return config
