"""`read_backbone`: what attention needs of a vision transformer of KerasHub."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_mra import checks
from keras_mra.positions import resize_positions
from keras_mra.typing import Array

# What further arguments the blocks of a backbone take, by name.
Context = dict[str, Any]


class BackboneParts:
    """A backbone's layers and tokens, under common names.

    KerasHub is never imported: only attributes of the backbone are read.

    Attributes:
        blocks: The transformer blocks.
        projection: The `Conv2D` that embeds patches.
        tokens: The weights of the tokens before the patches, each
            `(1, count, dim)`, the class token first.
        with_positions: Int, how many of these tokens have positions.
        num_heads: Int.
        patch_size: Pair of ints.
        image_size: Pair, the height and width that the backbone was made for.
        channels: Int, the channels of its images.
        mean: What published weights of this kind were trained with: one float per
            channel in the 0 to 1 scale, or one float for all.
        std: As `mean`.
    """

    mean: float | tuple[float, ...] = (0.485, 0.456, 0.406)  # of ImageNet
    std: float | tuple[float, ...] = (0.229, 0.224, 0.225)
    with_positions = 1

    def __init__(self, backbone: Any, projection: Any, tokens: Any, blocks: Any):
        self.backbone = backbone
        self.projection = projection
        self.tokens = tokens
        self.blocks = list(blocks)
        self.num_heads = int(backbone.num_heads)
        self.patch_size = checks.pair_of_ints("patch_size", backbone.patch_size)
        size = backbone.image_shape
        if projection.data_format == "channels_first":
            size = (*size[1:], size[0])
        self.image_size = tuple(size[:2])
        self.channels = int(size[2])

    @property
    def num_before(self) -> int:
        """How many tokens stand before the patches."""
        return sum(token.shape[1] for token in self.tokens)

    def grid_of(self, size: tuple[int, int]) -> tuple[int, int]:
        """The rows and columns of patches in images of a size."""
        return size[0] // self.patch_size[0], size[1] // self.patch_size[1]

    def positions(self, grid: tuple[int, int]) -> NDArray[Any] | None:
        """Learned positions for a grid of patches.

        Args:
            grid: Pair of ints, `(rows, columns)`.

        Returns:
            Float32 array `(1, with_positions + rows * columns, dim)`, or `None` where
            none are learned.
        """
        raise NotImplementedError

    def embed(self, images: Array, positions: Array | None) -> Array:
        """The tokens that enter the first block, `(batch, num_before + patches, dim)`.

        Args:
            images: Normalised, `(batch, height, width, channels)`.
            positions: What `positions` returns for their grid.
        """
        data_format = self.projection.data_format
        x = self.projection(_in_format(images, data_format), training=False)
        if data_format == "channels_first":
            x = ops.transpose(x, (0, 2, 3, 1))  # (B, rows, columns, dim)
        rows, columns, dim = x.shape[1:]
        patches = ops.reshape(x, (-1, rows * columns, dim))  # (B, N, dim)
        tokens = [ops.cast(token, x.dtype) for token in self.tokens]
        before = ops.concatenate(tokens, axis=1)  # (1, num_before, dim)
        if positions is not None:
            n = self.with_positions
            positions = ops.cast(positions, x.dtype)
            patches = patches + positions[:, n:]
            placed = before[:, :n] + positions[:, :n]
            before = ops.concatenate([placed, before[:, n:]], axis=1)
        before = ops.tile(before, (ops.shape(x)[0], 1, 1))  # (B, num_before, dim)
        return ops.concatenate([before, patches], axis=1)

    def context(self, images: Array) -> Context:
        """What the blocks need beside the tokens."""
        return {}

    def run(self, block: Any, tokens: Array, context: Context) -> Array:
        """The tokens after a block."""
        return block(tokens, training=False, **context)

    def norm_and_attention(self, block: Any) -> tuple[Any, Any]:
        """The normalisation before a block's attention, and its attention layer."""
        return block.norm1, block.attention

    def query_and_key(
        self, block: Any, tokens: Array, context: Context
    ) -> tuple[Array, Array]:
        """The class token's query, and all keys, as the block computes them.

        Returns:
            Float32 tensors `(batch, 1, heads, head_dim)` and
            `(batch, tokens, heads, head_dim)`.
        """
        norm, attention = self.norm_and_attention(block)
        x = norm(tokens, training=False)
        query = attention.query_dense(x[:, :1], training=False)
        key = attention.key_dense(x, training=False)
        return self._by_head(query), self._by_head(key)

    def _by_head(self, x: Array) -> Array:
        """`(batch, tokens, heads, head_dim)`, in float32."""
        dim = self.tokens[0].shape[-1]
        split = (-1, x.shape[1], self.num_heads, dim // self.num_heads)
        return ops.reshape(ops.cast(x, "float32"), split)


class ViTParts(BackboneParts):
    """`ViTBackbone`."""

    mean: float | tuple[float, ...] = 0.5
    std: float | tuple[float, ...] = 0.5

    def __init__(self, backbone: Any):
        embedding = _layer_with(backbone, "patch_embedding")
        encoder = _layer_with(backbone, "encoder_layers")
        self.embedding = embedding
        super().__init__(
            backbone,
            embedding.patch_embedding,
            self.tokens_of(embedding),
            encoder.encoder_layers,
        )

    def tokens_of(self, embedding: Any) -> list[Any]:
        return [embedding.class_token]

    def own_positions(self) -> Any:
        return self.embedding.position_embedding.embeddings

    def positions(self, grid: tuple[int, int]) -> NDArray[Any]:
        own = _to_numpy(self.own_positions())
        own = own.reshape(1, -1, own.shape[-1])  # (1, with_positions + N, dim)
        own_grid = self.grid_of(self.image_size)
        return _resized(own, self.with_positions, own_grid, grid)

    def norm_and_attention(self, block: Any) -> tuple[Any, Any]:
        return block.layer_norm_1, block.mha


class DeiTParts(ViTParts):
    """`DeiTBackbone`, which has a distillation token."""

    mean = BackboneParts.mean
    std = BackboneParts.std
    with_positions = 2

    def tokens_of(self, embedding: Any) -> list[Any]:
        return [embedding.class_token, embedding.distillation_token]

    def own_positions(self) -> Any:
        return self.embedding.position_embedding

    def run(self, block: Any, tokens: Array, context: Context) -> Array:
        tokens, _ = block(tokens, training=False)
        return tokens


class DINOParts(BackboneParts):
    """What `DINOV2Backbone` and `DINOV3Backbone` share."""

    def __init__(self, backbone: Any):
        embeddings = backbone.embeddings
        tokens = [embeddings.cls_token]
        if embeddings.num_register_tokens:
            tokens.append(embeddings.register_tokens)
        projection = embeddings.patch_embeddings.projection
        super().__init__(backbone, projection, tokens, backbone.encoder.layers)


class DINOV2Parts(DINOParts):
    """`DINOV2Backbone`, whose positions are learned for one size of images."""

    def positions(self, grid: tuple[int, int]) -> NDArray[Any]:
        embeddings = self.backbone.embeddings
        trained = _to_numpy(embeddings.position_embeddings)
        used = _to_numpy(embeddings.interpolated_position_embeddings)
        antialias = embeddings.antialias_in_interpolation
        trained_grid = self.grid_of(embeddings.position_embedding_shape)
        own_grid = self.grid_of(self.image_size)
        # `used` was resized by Keras' bicubic interpolation. Without antialiasing, that
        # of TensorFlow and JAX is not PyTorch's, which the weights were trained with.
        # Resized positions that were trained further stay what they are.
        by_keras = _resized_by_keras(trained, 1, trained_grid, own_grid, antialias)
        dtype = keras.backend.standardize_dtype(embeddings.cls_token.dtype)
        slack = {"float16": 1e-2, "bfloat16": 5e-2}.get(dtype, 1e-4)
        if np.abs(used - by_keras).max() > slack * np.abs(trained).max():
            return _resized(used, 1, own_grid, grid, antialias)
        return _resized(trained, 1, trained_grid, grid, antialias)

    def norm_and_attention(self, block: Any) -> tuple[Any, Any]:
        return block.norm1, block.attention.attention


class DINOV3Parts(DINOParts):
    """`DINOV3Backbone`, whose positions rotate the keys of the patches."""

    def positions(self, grid: tuple[int, int]) -> None:
        return None

    def context(self, images: Array) -> Context:
        rope = self.backbone.rope_embedding
        return {
            "position_embeddings": rope(_in_format(images, rope.data_format)),
            "num_prefix_tokens": self.num_before,
        }

    def query_and_key(
        self, block: Any, tokens: Array, context: Context
    ) -> tuple[Array, Array]:
        query, key = super().query_and_key(block, tokens, context)
        cosine, sine = (
            ops.expand_dims(ops.cast(x, "float32"), 1)  # (N, 1, head_dim)
            for x in context["position_embeddings"]
        )
        before, patches = key[:, : self.num_before], key[:, self.num_before :]
        first, second = ops.split(patches, 2, axis=-1)
        turned = ops.concatenate([-second, first], axis=-1)
        patches = patches * cosine + turned * sine
        return query, ops.concatenate([before, patches], axis=1)


READERS: dict[str, Callable[[Any], BackboneParts]] = {
    "ViTBackbone": ViTParts,
    "DeiTBackbone": DeiTParts,
    "DINOV2Backbone": DINOV2Parts,
    "DINOV3Backbone": DINOV3Parts,
}


def read_backbone(backbone: Any) -> BackboneParts:
    """Takes a vision transformer of KerasHub apart.

    Args:
        backbone: What the caller passed.

    Returns:
        Its parts.

    Raises:
        ValueError: If it is not a backbone with a known class token.
    """
    if isinstance(backbone, keras.Model):
        for base in type(backbone).__mro__:
            is_of_hub = base.__module__.partition(".")[0] == "keras_hub"
            if is_of_hub and base.__name__ in READERS:
                if getattr(backbone, "use_class_token", True):
                    return READERS[base.__name__](backbone)
    message = (
        "`backbone` must be a KerasHub ViTBackbone, DeiTBackbone, DINOV2Backbone or "
        "DINOV3Backbone with a class token, whose attention scores the patches. "
        f"Received: backbone={backbone!r} (of type {type(backbone).__name__})"
    )
    if isinstance(getattr(backbone, "backbone", None), keras.Model):
        message += ", which is a task. Pass its `backbone`."
    elif isinstance(backbone, keras.Model):
        message += (
            ", in which no class token is known. "
            "`MaskReconstruct(strategy='random')` needs no attention, and "
            "`MaskReconstruct(attention_model=...)` takes any Keras model that returns "
            "one score for each patch, such as a saliency function."
        )
    raise ValueError(message)


def _layer_with(backbone: Any, attribute: str) -> Any:
    return next(layer for layer in backbone.layers if hasattr(layer, attribute))


def _in_format(images: Array, data_format: str) -> Array:
    """Images `(batch, height, width, channels)` in a data format."""
    if data_format == "channels_last":
        return images
    return ops.transpose(images, (0, 3, 1, 2))  # (B, C, height, width)


def _to_numpy(variable: Any) -> NDArray[Any]:
    array = ops.convert_to_numpy(ops.cast(variable, "float32"))
    return np.asarray(array, "float32")


def _resized(
    positions: NDArray[Any],
    count: int,
    grid: tuple[int, int],
    new_grid: tuple[int, int],
    antialias: bool = False,
) -> NDArray[Any]:
    """Positions of another grid, as PyTorch's bicubic interpolation gives them.

    Args:
        positions: Float32 array `(1, count + patches, dim)`.
        count: Int, the positions before the patches, which stay.
        grid, new_grid: Pairs of ints, `(rows, columns)`.
        antialias: Bool.
    """
    if grid == new_grid:
        return positions
    if antialias:  # With it, all backends agree with PyTorch.
        return _resized_by_keras(positions, count, grid, new_grid, antialias)
    matrix = resize_positions(grid, new_grid)  # (new patches, patches)
    patches = np.einsum("ij,bjd->bid", matrix, positions[:, count:])
    return np.concatenate([positions[:, :count], patches], axis=1)


def _resized_by_keras(
    positions: NDArray[Any],
    count: int,
    grid: tuple[int, int],
    new_grid: tuple[int, int],
    antialias: bool,
) -> NDArray[Any]:
    """Positions of another grid, as KerasHub resizes them."""
    if grid == new_grid:
        return positions
    dim = positions.shape[-1]
    resized = ops.image.resize(
        positions[:, count:].reshape(1, *grid, dim),
        new_grid,
        interpolation="bicubic",
        antialias=antialias,
        data_format="channels_last",
    )  # (1, new rows, new columns, dim)
    patches = ops.convert_to_numpy(resized).reshape(1, -1, dim)
    return np.concatenate([positions[:, :count], patches], axis=1)
