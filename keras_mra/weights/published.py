"""The release of `facebookresearch/mae`, and timm's, which has its encoder's names."""

from keras_mra.weights.layout import Entry
from keras_mra.weights.layout import dense
from keras_mra.weights.layout import norm
from keras_mra.weights.layout import patches

NAME = "facebookresearch/mae or timm"
PATCHES = "patch_embed.proj.weight"
POSITIONS = ("pos_embed", "decoder_pos_embed")
BLOCKS = ("blocks.0.", "decoder_blocks.0.")
HIDDEN = "mlp.fc1.bias"


def names(found):
    """Names as they are, as a dict to theirs."""
    return {name: name for name in found}


def recognises(found):
    """Whether names are of this layout."""
    return {POSITIONS[0], PATCHES, "blocks.0.attn.qkv.weight"} <= set(found)


def configuration(path, config):
    """These files say nothing of themselves: an empty dict."""
    return {}


def entries(encoder_depth, decoder_depth):
    """All weights; `decoder_depth` is 0 where there is no decoder."""
    found = [
        *patches("encoder/patch_embedding/projection", "patch_embed.proj"),
        Entry("encoder/class_token", "cls_token", "token"),
        Entry("encoder/positions", POSITIONS[0], "positions"),
        *_blocks("encoder", "blocks", encoder_depth),
        *norm("encoder/norm", "norm"),
    ]
    if not decoder_depth:
        return found
    return [
        *found,
        *dense("decoder/embedding", "decoder_embed"),
        Entry("decoder/mask_token", "mask_token", "token"),
        Entry("decoder/positions", POSITIONS[1], "positions"),
        *_blocks("decoder", "decoder_blocks", decoder_depth),
        *norm("decoder/norm", "decoder_norm"),
        *dense("decoder/pixels", "decoder_pred"),
    ]


def _blocks(ours, theirs, depth):
    found = []
    for i in range(depth):
        mine, other = f"{ours}/block_{i}", f"{theirs}.{i}"
        found += norm(f"{mine}/norm1", f"{other}.norm1")
        for third, part in enumerate(("query", "key", "value")):
            found += dense(f"{mine}/{part}", f"{other}.attn.qkv", third)
        found += [
            *dense(f"{mine}/output_projection", f"{other}.attn.proj"),
            *norm(f"{mine}/norm2", f"{other}.norm2"),
            *dense(f"{mine}/mlp_in", f"{other}.mlp.fc1"),
            *dense(f"{mine}/mlp_out", f"{other}.mlp.fc2"),
        ]
    return found
