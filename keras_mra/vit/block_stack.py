"""The stack of transformer blocks in an encoder or a decoder."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import keras

from keras_mra.typing import Array
from keras_mra.vit.transformer_block import TransformerBlock


@dataclasses.dataclass(frozen=True)
class BlockStack:
    """Sizes and settings of a stack of transformer blocks.

    Attributes:
        dim: Int, width of the tokens.
        depth: Int, number of blocks.
        heads: Int, attention heads of a block.
        mlp_ratio: Float, hidden width of the MLPs relative to `dim`.
        epsilon: Float, the epsilon of the layer normalisations.
        positions: `"sincos"` for fixed or `"learned"` for trained positions.
        dtype: Dtype policy of all layers.
    """

    dim: int
    depth: int
    heads: int
    mlp_ratio: float
    epsilon: float
    positions: str
    dtype: Any

    def apply(self, tokens: Array, seeds: Iterator[int | None]) -> Array:
        """Applies new blocks and a new layer normalisation.

        The blocks are named `block_0`, `block_1`, ..., and the normalisation `norm`.

        Args:
            tokens: Symbolic tensor of shape `(batch, tokens, dim)`.
            seeds: Iterator of seeds; each block takes one.

        Returns:
            Symbolic tensor of the same shape.
        """
        for i in range(self.depth):
            tokens = TransformerBlock(
                self.heads,
                self.mlp_ratio,
                self.epsilon,
                next(seeds),
                dtype=self.dtype,
                name=f"block_{i}",
            )(tokens)
        return keras.layers.LayerNormalization(
            epsilon=self.epsilon, dtype=self.dtype, name="norm"
        )(tokens)
