"""The layer that turns flat patches into tokens with positions."""

from typing import Any

import keras
from keras import ops

from keras_mra import checks
from keras_mra.positions import resize_positions
from keras_mra.positions import sincos_2d
from keras_mra.typing import Array
from keras_mra.vit.tokens import POSITIONS


@keras.saving.register_keras_serializable("keras_mra")
class PatchEmbedding(keras.layers.Layer):
    """Projects flat patches and adds their positions.

    The layer takes the patches that an encoder sees. Dropped patches are removed
    before and are never embedded.

    Args:
        dim: Int divisible by 4, the width of a token.
        grid: Int or pair of ints, the rows and columns of patches in the full image.
        seed: Int or `None`, seed of the initial weights.
        positions: `"sincos"` for fixed positions, or `"learned"` for positions that
            start as the fixed ones and are trained.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        patches: Float tensor of shape `(batch, picked, patch_values)`.
        indices: Integer tensor of shape `(batch, picked)`, the place of each patch in
            raster order, or `None` if `patches` holds all patches in raster order.

    Returns:
        Float tensor of shape `(batch, picked, dim)`.

    Example:

    >>> embedding = keras_mra.layers.PatchEmbedding(dim=32, grid=(4, 4))
    >>> embedding(np.zeros((2, 16, 48), "float32")).shape
    (2, 16, 32)
    """

    def __init__(
        self,
        dim: int,
        grid: tuple[int, int],
        seed: int | None = None,
        positions: str = "sincos",
        **kwargs: Any,
    ) -> None:
        super().__init__(**checks.layer_arguments(kwargs))
        self.dim = checks.token_width(dim)
        self.grid = checks.pair_of_ints("grid", grid)
        self.seed = checks.seed(seed)
        self.positions = checks.choice("positions", positions, POSITIONS)
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self._sincos = sincos_2d(self.dim, self.grid)  # (N, dim), a constant
        self.projection = keras.layers.Dense(
            self.dim,
            kernel_initializer=keras.initializers.GlorotUniform(self.seed),
            dtype=self.dtype_policy,
            name="projection",
        )

    def build(
        self,
        patches_shape: tuple[int | None, ...],
        indices_shape: tuple[int | None, ...] | None = None,
    ) -> None:
        self.projection.build(patches_shape)
        if self.positions == "learned":
            self.position_weight = self.add_weight(
                shape=self._sincos.shape,
                initializer=keras.initializers.Constant(self._sincos),
                name="positions",
            )

    def call(self, patches: Array, indices: Array | None = None) -> Array:
        tokens = self.projection(patches)  # (B, K, dim)
        positions = ops.cast(self.table(), tokens.dtype)  # (N, dim)
        if indices is None:
            return tokens + positions
        return tokens + ops.take(positions, indices, axis=0)

    def table(self) -> Array:
        """The positions of all patches, of shape `(patches, dim)`."""
        return self.position_weight if self.positions == "learned" else self._sincos

    def embed_at(self, patches: Array, grid: tuple[int, int]) -> Array:
        """Embeds all patches of an image that is cut on another grid.

        Args:
            patches: Float tensor of shape `(batch, rows * columns, patch_values)`, in
                raster order.
            grid: Pair of ints, `(rows, columns)`. Both grids cover the same field of
                view.

        Returns:
            Float tensor of shape `(batch, rows * columns, dim)`.
        """
        tokens = self.projection(patches)  # (B, n, dim)
        if self.positions == "learned":
            resized = ops.matmul(
                resize_positions(self.grid, grid), self.position_weight
            )  # (n, dim)
        else:
            resized = sincos_2d(self.dim, grid, self.grid)
        return tokens + ops.cast(resized, tokens.dtype)

    def compute_output_shape(
        self,
        patches_shape: tuple[int | None, ...],
        indices_shape: tuple[int | None, ...] | None = None,
    ) -> tuple[int | None, ...]:
        return (*patches_shape[:-1], self.dim)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        config.update(
            dim=self.dim, grid=self.grid, seed=self.seed, positions=self.positions
        )
        return config
