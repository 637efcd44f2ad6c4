"""A transformer block that can return its attention."""

from typing import Any

import keras
from keras import ops

from keras_mra import backend
from keras_mra import checks
from keras_mra.typing import Array
from keras_mra.vit import structure


@keras.saving.register_keras_serializable("keras_mra")
class TransformerBlock(keras.layers.Layer):
    """A pre-norm transformer block, as in ViT and MAE.

    It computes `x = x + attention(norm(x))`, then `x + mlp(norm(x))`.

    Args:
        num_heads: Int, number of attention heads. It must divide the width of the
            input.
        mlp_ratio: Float, hidden width of the MLP relative to the width of the input.
        layer_norm_epsilon: Float in (0, 1], the epsilon of the layer normalisations.
        seed: Int or `None`, seed of the initial weights.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        tokens: Float tensor of shape `(batch, tokens, dim)`.

    Returns:
        Float tensor of the same shape.

    Example:

    >>> block = keras_mra.layers.TransformerBlock(num_heads=4)
    >>> block(np.zeros((2, 9, 32), "float32")).shape
    (2, 9, 32)
    """

    def __init__(
        self,
        num_heads: int,
        mlp_ratio: float = 4.0,
        layer_norm_epsilon: float = 1e-6,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**checks.layer_arguments(kwargs))
        self.num_heads = checks.positive_int("num_heads", num_heads)
        self.mlp_ratio = checks.positive_float("mlp_ratio", mlp_ratio)
        self.layer_norm_epsilon = checks.layer_norm_epsilon(layer_norm_epsilon)
        self.seed = checks.seed(seed)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the layers that `structure.BLOCK` lists, as attributes."""
        *leading, dim = input_shape
        if dim % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the width of the tokens. Received: "
                f"num_heads={self.num_heads} for tokens of width {dim}"
            )
        checks.mlp_ratio(self.mlp_ratio, dim)
        sizes = structure.block_sizes(dim, self.mlp_ratio)
        num_dense = 0
        for name, spec in structure.BLOCK.items():
            if isinstance(spec, structure.Norm):
                layer, width = self._norm(name), dim
            else:
                layer = self._dense(name, sizes[spec.outputs], num_dense)
                width = sizes[spec.inputs]
                num_dense += 1
            layer.build((*leading, width))
            setattr(self, name, layer)

    def call(self, tokens: Array) -> Array:
        x = self.norm1(tokens)
        attended = backend.dot_product_attention(
            self._heads(self.query(x)),
            self._heads(self.key(x)),
            self._heads(self.value(x)),
        )  # (B, T, heads, dim / heads)
        attended = ops.reshape(attended, ops.shape(tokens))  # (B, T, dim)
        tokens = backend.computed_once(tokens + self.output_projection(attended))
        x = self.mlp_in(self.norm2(tokens))  # (B, T, hidden)
        x = self.mlp_out(backend.gelu(x))  # (B, T, dim)
        return backend.computed_once(tokens + x)

    def attention(self, tokens: Array) -> Array:
        """Attention of every token to all tokens, for each head.

        Args:
            tokens: Float tensor of shape `(batch, tokens, dim)`, the block's input.

        Returns:
            Float32 tensor of shape `(batch, heads, tokens, tokens)`. Each row belongs
            to a querying token and sums to 1.
        """
        x = self.norm1(tokens)
        query = ops.transpose(self._heads(self.query(x)), (0, 2, 1, 3))
        key = ops.transpose(self._heads(self.key(x)), (0, 2, 3, 1))  # (B, heads, d, T)
        logits = ops.matmul(query, key) * query.shape[-1] ** -0.5  # (B, heads, T, T)
        return ops.softmax(ops.cast(logits, "float32"), axis=-1)

    def class_attention(self, tokens: Array) -> Array:
        """Attention of the first token to all tokens, averaged over the heads.

        Only the keys of all tokens and the query of the first token are computed.

        Args:
            tokens: Float tensor of shape `(batch, tokens, dim)`, the block's input.

        Returns:
            Float32 tensor of shape `(batch, tokens)`. Each row sums to 1.
        """
        x = self.norm1(tokens)
        key = self._heads(self.key(x))  # (B, T, heads, d)
        query = self._heads(self.query(x[:, :1]))  # (B, 1, heads, d)
        scale = key.shape[-1] ** -0.5
        logits = ops.sum(query * key, axis=-1) * scale  # (B, T, heads)
        weights = ops.softmax(ops.cast(logits, "float32"), axis=1)
        return ops.mean(weights, axis=-1)  # (B, T)

    def _heads(self, x: Array) -> Array:
        """Splits the last axis: `(B, T, dim)` to `(B, T, heads, dim / heads)`."""
        batch, length = ops.shape(x)[:2]
        return ops.reshape(
            x, (batch, length, self.num_heads, x.shape[-1] // self.num_heads)
        )

    def _norm(self, name: str) -> keras.layers.LayerNormalization:
        return keras.layers.LayerNormalization(
            epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )

    def _dense(self, name: str, units: int, seed_offset: int) -> keras.layers.Dense:
        seed = None if self.seed is None else self.seed + seed_offset
        return keras.layers.Dense(
            units,
            kernel_initializer=keras.initializers.GlorotUniform(seed),
            dtype=self.dtype_policy,
            name=name,
        )

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        config.update(
            num_heads=self.num_heads,
            mlp_ratio=self.mlp_ratio,
            layer_norm_epsilon=self.layer_norm_epsilon,
            seed=self.seed,
        )
        return config
