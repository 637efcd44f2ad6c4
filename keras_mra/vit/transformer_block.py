"""One pre-norm transformer block, with its attention on request."""

import keras
from keras import ops

from keras_mra import backend
from keras_mra import checks


@keras.saving.register_keras_serializable("keras_mra")
class TransformerBlock(keras.layers.Layer):
    """`x + attention(norm(x))`, then `x + mlp(norm(x))`, as in ViT and MAE.

    Args:
        num_heads: Int; the width of the input must be divisible by it.
        mlp_ratio: Float, width of the hidden layer relative to the input's.
        layer_norm_epsilon: Float.
        seed: Int or `None`, for the initial weights.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        tokens: Tensor of shape `(batch, tokens, dim)`.

    Returns:
        Tensor of the same shape.
    """

    def __init__(
        self, num_heads, mlp_ratio=4.0, layer_norm_epsilon=1e-6, seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.mlp_ratio = mlp_ratio
        self.layer_norm_epsilon = layer_norm_epsilon
        self.seed = seed

    def build(self, input_shape):
        dim = input_shape[-1]
        hidden = checks.hidden_width(dim, self.mlp_ratio)
        self.norm1 = self._norm("norm1", input_shape)
        self.query = self._dense("query", dim, input_shape, 0)
        self.key = self._dense("key", dim, input_shape, 1)
        self.value = self._dense("value", dim, input_shape, 2)
        self.output_projection = self._dense("output_projection", dim, input_shape, 3)
        self.norm2 = self._norm("norm2", input_shape)
        self.mlp_in = self._dense("mlp_in", hidden, input_shape, 4)
        self.mlp_out = self._dense("mlp_out", dim, (*input_shape[:-1], hidden), 5)

    def call(self, tokens):
        x = self.norm1(tokens)
        attended = backend.dot_product_attention(
            self._heads(self.query(x)),
            self._heads(self.key(x)),
            self._heads(self.value(x)),
        )  # (B, T, heads, D / heads)
        attended = ops.reshape(attended, ops.shape(tokens))
        tokens = backend.computed_once(tokens + self.output_projection(attended))
        x = self.mlp_in(self.norm2(tokens))
        x = self.mlp_out(backend.gelu(x))
        return backend.computed_once(tokens + x)

    def attention(self, tokens):
        """Attention of every token to all tokens, head by head.

        Args:
            tokens: Tensor of shape `(batch, tokens, dim)`, the block's input.

        Returns:
            Float32 tensor of shape `(batch, heads, tokens, tokens)`, a row for each
            asking token; rows sum to 1.
        """
        x = self.norm1(tokens)
        query = ops.transpose(self._heads(self.query(x)), (0, 2, 1, 3))
        key = ops.transpose(self._heads(self.key(x)), (0, 2, 3, 1))  # (B, heads, d, T)
        logits = ops.matmul(query, key) * query.shape[-1] ** -0.5
        return ops.softmax(ops.cast(logits, "float32"), axis=-1)

    def class_attention(self, tokens):
        """Attention of the first token to all tokens, the mean of the heads.

        Computes the keys of all tokens and the query of the first, nothing else.

        Args:
            tokens: Tensor of shape `(batch, tokens, dim)`, the block's input.

        Returns:
            Float32 tensor of shape `(batch, tokens)`; rows sum to 1.
        """
        x = self.norm1(tokens)
        key = self._heads(self.key(x))  # (B, T, heads, d)
        query = self._heads(self.query(x[:, :1]))  # (B, 1, heads, d)
        scale = key.shape[-1] ** -0.5
        logits = ops.sum(query * key, axis=-1) * scale  # (B, T, heads)
        weights = ops.softmax(ops.cast(logits, "float32"), axis=1)
        return ops.mean(weights, axis=-1)

    def _heads(self, x):
        batch, length = ops.shape(x)[:2]
        return ops.reshape(
            x, (batch, length, self.num_heads, x.shape[-1] // self.num_heads)
        )

    def _norm(self, name, input_shape):
        norm = keras.layers.LayerNormalization(
            epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name=name
        )
        norm.build(input_shape)
        return norm

    def _dense(self, name, units, input_shape, nth):
        seed = None if self.seed is None else self.seed + nth
        dense = keras.layers.Dense(
            units,
            kernel_initializer=keras.initializers.GlorotUniform(seed),
            dtype=self.dtype_policy,
            name=name,
        )
        dense.build(input_shape)
        return dense

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config.update(
            num_heads=self.num_heads,
            mlp_ratio=self.mlp_ratio,
            layer_norm_epsilon=self.layer_norm_epsilon,
            seed=self.seed,
        )
        return config
