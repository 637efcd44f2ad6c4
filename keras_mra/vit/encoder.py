"""The ViT encoder of a masked autoencoder, as a Keras Functional model."""

import keras
from keras import ops

from keras_mra.vit.patch_embedding import PatchEmbedding
from keras_mra.vit.tokens import ClassToken
from keras_mra.vit.transformer_block import TransformerBlock


def build_encoder(
    patch_values, grid, dim, depth, heads, mlp_ratio, epsilon, positions, seeds, dtype
):
    """Builds the encoder: `{"patches", "indices"}` to tokens, class token first.

    Only the patches it is given are embedded and attended to.

    Args:
        patch_values: Int, numbers in one flat patch.
        grid: Pair of ints, rows and columns of the full image's patches.
        dim, depth, heads: Ints, the width, the number of blocks, and heads per block.
        mlp_ratio, epsilon: Floats, as in `TransformerBlock`.
        positions: As in `PatchEmbedding`.
        seeds: Iterator of ints, or of `None`, one per layer with weights.
        dtype: A dtype policy.

    Returns:
        A `keras.Model` from `(batch, picked, patch_values)` patches and
        `(batch, picked)` int32 indices to `(batch, 1 + picked, dim)` tokens.
    """
    patches = keras.Input((None, patch_values), name="patches")
    indices = keras.Input((None,), dtype="int32", name="indices")
    x = PatchEmbedding(
        dim, grid, next(seeds), positions, dtype=dtype, name="patch_embedding"
    )(patches, indices)
    x = ClassToken(next(seeds), dtype=dtype, name="class_token")(x)
    x = stack_blocks(x, depth, heads, mlp_ratio, epsilon, seeds, dtype)
    x = keras.layers.LayerNormalization(epsilon=epsilon, dtype=dtype, name="norm")(x)
    return keras.Model({"patches": patches, "indices": indices}, x, name="encoder")


def stack_blocks(x, depth, heads, mlp_ratio, epsilon, seeds, dtype):
    """Applies `depth` new transformer blocks, named `block_0`, `block_1`, ..."""
    for i in range(depth):
        x = TransformerBlock(
            heads, mlp_ratio, epsilon, next(seeds), dtype=dtype, name=f"block_{i}"
        )(x)
    return x


def blocks(model):
    """The transformer blocks of an encoder or decoder, in order."""
    return [layer for layer in model.layers if isinstance(layer, TransformerBlock)]


def encode_tokens(encoder, tokens):
    """Runs the encoder on tokens that are embedded already.

    Args:
        encoder: Model made by `build_encoder`.
        tokens: Tensor of shape `(batch, picked, dim)`.

    Returns:
        Tensor of shape `(batch, 1 + picked, dim)`, class token first.
    """
    x = encoder.get_layer("class_token")(tokens)
    for block in blocks(encoder):
        x = block(x)
    return encoder.get_layer("norm")(x)


def attention_maps(encoder, tokens):
    """Yields the attention of each block, one after the other.

    Args:
        encoder: Model made by `build_encoder`.
        tokens: Tensor of shape `(batch, patches, dim)`, embedded already.

    Yields:
        Float32 tensors of shape `(batch, heads, 1 + patches, 1 + patches)`, class
        token first; rows, of the asking tokens, sum to 1.
    """
    x = encoder.get_layer("class_token")(tokens)
    *earlier, last = blocks(encoder)
    for block in earlier:
        yield block.attention(x)
        x = block(x)
    yield last.attention(x)


def class_attention(encoder, tokens, block=-1):
    """Attention of the class token to the patches in one block.

    Nothing after that block is computed, nor in it anything but the keys and the
    class token's query.

    Args:
        encoder: Model made by `build_encoder`.
        tokens: Tensor of shape `(batch, patches, dim)`, embedded already.
        block: Int, index of the block; negative ones count from the last.

    Returns:
        Float32 tensor of shape `(batch, patches)`; rows sum to 1.
    """
    x = encoder.get_layer("class_token")(tokens)
    stack = blocks(encoder)
    for earlier in stack[: block % len(stack)]:
        x = earlier(x)
    attention = stack[block].class_attention(x)[:, 1:]
    return attention / ops.sum(attention, axis=-1, keepdims=True)
