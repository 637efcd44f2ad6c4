"""The masks of MRA's cheaper attention passes, compared with those of the full pass."""

import numpy as np

# Scores that differ by less may be ordered either way.
TIE = 1e-6


def full_pass(mae, images):
    """Encodes all patches and computes the whole attention matrix of the last block.

    Returns:
        The encoded tokens, and the class token's attention to the patches.
    """
    from keras import ops

    from keras_mra.vit.encoder import blocks

    x = mae.encoder.get_layer("patch_embedding")(mae.patchify(images))  # (B, N, D)
    x = mae.encoder.get_layer("class_token")(x)  # (B, 1 + N, D)
    *earlier, last = blocks(mae.encoder)
    for block in earlier:
        x = block(x)
    weights = last.attention(x)  # (B, heads, 1 + N, 1 + N)
    attention = ops.mean(weights, axis=1)[:, 0, 1:]  # (B, N)
    attention = attention / ops.sum(attention, axis=-1, keepdims=True)
    return mae.encoder.get_layer("norm")(last(x)), attention


def compare(mae, images, ratios):
    """Compares the masks of the layer's variants with those of the full pass.

    Args:
        mae: `keras_mra.MAE`.
        images: Array of shape `(images, height, width, channels)`.
        ratios: Mask ratios.

    Returns:
        A dict that JSON can hold: `share_in_common`, the share of kept patches by
        variant and ratio; `differs`, whether the default differs in more than ties;
        `block` and `resolution` of the variants.
    """
    from keras import ops

    import keras_mra

    block = mae.encoder_depth // 2
    # Half the size, rounded up to whole patches.
    half = tuple(
        -(-size // (2 * patch)) * patch
        for size, patch in zip(mae.image_shape[:2], mae.patch_size)
    )
    run = keras_mra.backend.compiled(
        mae,
        lambda x: {
            "full": full_pass(mae, x)[1],
            "default": mae.attention(x),
            "block": mae.attention(x, block),
            "resolution": mae.attention(x, resolution=half),
            "block and resolution": mae.attention(x, block, resolution=half),
        },
    )
    scores = {key: ops.convert_to_numpy(value) for key, value in run(images).items()}
    full_scores = scores.pop("full")
    shares, differs = {}, False
    for ratio in ratios:
        kept = keras_mra.masking.num_visible(mae.num_patches, ratio)
        full = top(full_scores, kept)
        for variant, values in scores.items():
            mask = top(values, kept)
            shares[f"{variant} {ratio}"] = float((mask & full).sum() / full.sum())
            if variant == "default":
                differs |= differs_in_more_than_ties(mask, full, full_scores)
    return {
        "block": block,
        "resolution": half,
        "share_in_common": shares,
        "differs": bool(differs),
    }


def top(scores, kept):
    """Boolean masks of the `kept` highest scores of each row."""
    mask = np.zeros(scores.shape, bool)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :kept]
    np.put_along_axis(mask, order, True, axis=1)
    return mask


def differs_in_more_than_ties(mask, full, scores):
    """Whether two choices differ in patches that are not tied.

    Args:
        mask: Boolean array of shape `(images, patches)`, the choice to check.
        full: The choice of the full pass.
        scores: The attention by which `full` was chosen.
    """
    worst_kept = np.where(full, scores, np.inf).min(axis=1, keepdims=True)
    return np.any((mask != full) & (np.abs(scores - worst_kept) > 2 * TIE))
