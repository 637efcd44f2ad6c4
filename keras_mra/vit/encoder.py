"""The ViT encoder of a masked autoencoder, as a Keras Functional model."""

from collections.abc import Iterator

import keras
from keras import ops

from keras_mra.typing import Array
from keras_mra.vit.block_stack import BlockStack
from keras_mra.vit.patch_embedding import PatchEmbedding
from keras_mra.vit.tokens import ClassToken
from keras_mra.vit.transformer_block import TransformerBlock


def build_encoder(
    patch_values: int,
    grid: tuple[int, int],
    stack: BlockStack,
    seeds: Iterator[int | None],
) -> keras.Model:
    """Builds an encoder, which embeds and encodes only the patches that it is given.

    Args:
        patch_values: Int, numbers in one flat patch.
        grid: Pair of ints, the rows and columns of patches in the full image.
        stack: The encoder's blocks.
        seeds: Iterator of seeds; each layer with random initial weights takes one.

    Returns:
        A `keras.Model` that takes a dict of `patches`, `(batch, picked, patch_values)`,
        and `indices`, int32 patch indices `(batch, picked)`, and returns tokens of
        shape `(batch, 1 + picked, dim)`, class token first.
    """
    patches = keras.Input((None, patch_values), name="patches")
    indices = keras.Input((None,), dtype="int32", name="indices")
    x = PatchEmbedding(
        stack.dim,
        grid,
        next(seeds),
        stack.positions,
        dtype=stack.dtype,
        name="patch_embedding",
    )(patches, indices)  # (B, K, dim)
    x = ClassToken(next(seeds), dtype=stack.dtype, name="class_token")(x)
    x = stack.apply(x, seeds)  # (B, 1 + K, dim)
    return keras.Model({"patches": patches, "indices": indices}, x, name="encoder")


def blocks(model: keras.Model) -> list[TransformerBlock]:
    """The transformer blocks of an encoder or decoder, in order."""
    return [layer for layer in model.layers if isinstance(layer, TransformerBlock)]


def encode_tokens(encoder: keras.Model, tokens: Array) -> Array:
    """Encodes patches that are already embedded.

    Args:
        encoder: Model made by `build_encoder`.
        tokens: Float tensor of shape `(batch, picked, dim)`.

    Returns:
        Float tensor of shape `(batch, 1 + picked, dim)`, class token first.
    """
    x = encoder.get_layer("class_token")(tokens)  # (B, 1 + K, dim)
    for block in blocks(encoder):
        x = block(x)
    return encoder.get_layer("norm")(x)


def attention_maps(encoder: keras.Model, tokens: Array) -> Iterator[Array]:
    """Yields the attention of each block, in order.

    Args:
        encoder: Model made by `build_encoder`.
        tokens: Float tensor of shape `(batch, patches, dim)`, the embedded patches.

    Yields:
        Float32 tensors of shape `(batch, heads, 1 + patches, 1 + patches)`, class
        token first. Each row belongs to a querying token and sums to 1.
    """
    x = encoder.get_layer("class_token")(tokens)  # (B, 1 + N, dim)
    *earlier, last = blocks(encoder)
    for block in earlier:
        yield block.attention(x)
        x = block(x)
    yield last.attention(x)


def class_token_attention(
    encoder: keras.Model, tokens: Array, block: int = -1
) -> Array:
    """Attention of the class token to all tokens in one block.

    Args:
        encoder: Model made by `build_encoder`.
        tokens: Float tensor of shape `(batch, patches, dim)`, the embedded patches.
        block: Int, index of the block. Negative indices count from the last block.

    Returns:
        Float32 tensor of shape `(batch, 1 + patches)`, class token first. Each row
        sums to 1.
    """
    x = encoder.get_layer("class_token")(tokens)  # (B, 1 + N, dim)
    stack = blocks(encoder)
    for earlier in stack[: block % len(stack)]:
        x = earlier(x)
    return stack[block].class_attention(x)


def class_attention(encoder: keras.Model, tokens: Array, block: int = -1) -> Array:
    """Attention of the class token to the patches in one block.

    Later blocks are not computed. In the block itself, only the keys and the class
    token's query are computed.

    Args:
        encoder: Model made by `build_encoder`.
        tokens: Float tensor of shape `(batch, patches, dim)`, the embedded patches.
        block: Int, index of the block. Negative indices count from the last block.

    Returns:
        Float32 tensor of shape `(batch, patches)`. Each row sums to 1.
    """
    attention = class_token_attention(encoder, tokens, block)[:, 1:]  # (B, N)
    return attention / ops.sum(attention, axis=-1, keepdims=True)
